"""Everything breaks at random while studies keep coming; the long form is ``make chaos``."""

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from node.jobs.steps import Steps
from node.ports import SeriesState
from tests.chaos.archive import ChaosArchive
from tests.chaos.audit import Audit, Books, audited
from tests.chaos.plan import Fault, strokes
from tests.chaos.run import Weather, chaos
from tests.chaos.sender import Manner, Study
from tests.support.bench_node import BenchNode, bench_settings, complete_series
from tests.support.ctp import CtpSpec, build_series


def test_a_node_that_is_broken_at_random_loses_doubles_and_strands_nothing(tmp_path: Path) -> None:
    """What was acknowledged is on disk, in the registry and, as results, in the PACS, once."""
    *_, tale = chaos(tmp_path, Weather(seed=1, seconds=20.0, pace_s=1.5, workers=1))
    assert tale.sound, (tale.audit, tale.crashes)
    assert tale.sender is not None
    assert tale.sender.studies


def test_the_same_seed_draws_the_same_faults() -> None:
    """A run can be repeated, and each fault comes once before any comes again."""
    every = list(islice(strokes(7, 2.0), len(Fault)))
    assert every == list(islice(strokes(7, 2.0), len(Fault)))
    assert {stroke.fault for stroke in every} == set(Fault)


@pytest.fixture
def delivered(tmp_path: Path) -> Iterator[tuple[Books, Study]]:
    """A series that was received, analysed and delivered as it should be."""
    archive, spec = ChaosArchive(0), CtpSpec(slices=2, frames=10)
    study = Study(spec, Manner.PLAIN, build_series(spec))
    for image in study.images:
        study.first_sent[image.SOPInstanceUID] = study.acknowledged[image.SOPInstanceUID] = 0.0
    with BenchNode(bench_settings(tmp_path / "data", archive.port)) as node:
        steps, uid = Steps(node), complete_series(node, spec)
        assert steps.analyse(uid) is SeriesState.READY
        assert steps.deliver(uid) is SeriesState.DELIVERED
        archive.stored.update(node.fake_pacs["pacs0"].received)
        yield Books(tmp_path, node, archive), study


def test_an_audit_finds_nothing_where_all_is_well(delivered: tuple[Books, Study]) -> None:
    """What was acknowledged is there, and what is there was sent."""
    books, study = delivered
    assert audited(books, [study]) == Audit((), (), (), ())


def test_an_audit_finds_what_is_lost(delivered: tuple[Books, Study]) -> None:
    """An image that is gone or changed, and one that the registry does not know."""
    books, study = delivered
    images = books.node.registry.instances(study.spec.series_instance_uid)
    images[0].path.unlink()
    images[1].path.write_bytes(images[2].path.read_bytes())
    study.images.append(build_series(CtpSpec(seed=9))[0])
    study.acknowledged[study.images[-1].SOPInstanceUID] = 0.0
    found = audited(books, [study]).lost
    assert [each.split(" ", 1)[1] for each in found] == [
        "is not on disk as it was sent",
        "is not on disk as it was sent",
        "has 0 rows",
    ]


def test_an_audit_finds_what_is_doubled(delivered: tuple[Books, Study]) -> None:
    """A result in the PACS or on disk that no row names, and one that the PACS lost."""
    books, study = delivered
    known = next(iter(books.archive.stored))
    books.archive.stored.update(["1.2.3"])
    del books.archive.stored[known]
    results = books.node.spool.root / "results" / study.spec.series_instance_uid / "1"
    (results / "1.2.3.dcm").touch()
    found = audited(books, [study]).doubled
    assert len(found) == 3
    assert found[1] == "the PACS holds 1.2.3, which no row names"
    assert found[2] == f"the PACS lacks {known}, which it is said to hold"


def test_an_audit_finds_what_is_stuck(delivered: tuple[Books, Study]) -> None:
    """A series that waits is not at its end."""
    books, study = delivered
    uid = study.spec.series_instance_uid
    books.node.registry.resend(uid)
    found = audited(books, [study]).stuck
    assert found[0].startswith(f"{uid} is READY")
    assert found[1].startswith(f"{uid}: 22 of 22")


def test_an_audit_finds_what_is_left(delivered: tuple[Books, Study]) -> None:
    """A process that was not ended, and a temporary file that its writer still holds."""
    books, study = delivered
    held = books.node.spool.root / "tmp" / "one.part"
    sleeper = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]
    with (
        held.open("wb") as file,
        subprocess.Popen(
            [*sleeper, str(books.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as orphan,
    ):
        fcntl.flock(file, fcntl.LOCK_EX)
        assert orphan.stdout is not None
        orphan.stdout.readline()
        found = audited(books, [study]).litter
        orphan.kill()
    assert found == (f"{held} is left", f"process {orphan.pid} is left")
