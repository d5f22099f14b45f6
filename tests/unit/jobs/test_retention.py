"""What the sweep deletes, of a real registry and a real spool."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from node.jobs import retention as jobs
from node.jobs.retention import Retention
from node.jobs.steps import Steps
from node.ports import DiskUse, SeriesState
from node.settings import RetentionSettings
from node.spool import FileSpool
from tests.support.bench_node import BenchNode, bench_settings, complete_series, receive_series
from tests.support.ctp import CtpSpec

State = SeriesState
NOTHING = RetentionSettings(
    sources_days=0.0, results_days=0.0, failed_days=0.0, records_days=0.0, early_hours=0.0
)
AT_ONCE = 1e-9
PLENTY = DiskUse(free_bytes=100, total_bytes=1000, min_free_bytes=10, low_free_bytes=50)
LITTLE, NONE = replace(PLENTY, free_bytes=20), replace(PLENTY, free_bytes=5)


@dataclass
class Disk:
    """A real spool on a disk whose room is told; the last reading stays."""

    spool: FileSpool
    rooms: list[DiskUse] = field(default_factory=lambda: [PLENTY])

    def disk(self) -> DiskUse:
        return self.rooms.pop(0) if len(self.rooms) > 1 else self.rooms[0]

    def delete(self, paths: Sequence[Path]) -> int:
        return self.spool.delete(paths)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[BenchNode]:
    with BenchNode(bench_settings(tmp_path, 1)) as bench:
        yield bench


def delivered(node: BenchNode, seed: int = 1) -> str:
    uid = complete_series(node, CtpSpec(slices=2, frames=10, interval_s=4.0, seed=seed))
    steps = Steps(node)
    steps.analyse(uid)
    assert steps.deliver(uid) is State.DELIVERED
    return uid


def files(node: BenchNode, branch: str = "") -> list[Path]:
    return [p for p in (node.spool.root / branch).rglob("*") if p.is_file()]


def retention(node: BenchNode, *rooms: DiskUse, **ages: float) -> Retention:
    settings = NOTHING.model_copy(update=ages)
    return Retention(node.registry, Disk(node.spool, list(rooms) or [PLENTY]), settings)


def test_what_is_kept_for_ever_is_kept(node: BenchNode) -> None:
    """An age of 0 never comes."""
    uid = delivered(node)
    before = files(node)
    retention(node).step()
    assert files(node) == before
    assert node.registry.series(uid).state is State.DELIVERED


def test_images_results_and_record_go_at_ages_of_their_own(node: BenchNode) -> None:
    """First the images, then the results, then the record; empty folders go along."""
    uid = delivered(node)
    retention(node, sources_days=AT_ONCE).step()
    assert files(node, "incoming") == []
    assert files(node, "results")
    assert node.registry.series(uid).state is State.DELIVERED
    retention(node, results_days=AT_ONCE).step()
    assert files(node) == []
    assert list((node.spool.root / "results").iterdir()) == []
    assert node.registry.series(uid).state is State.EXPIRED
    retention(node, records_days=AT_ONCE).step()
    assert node.registry.counts() == {}


def test_what_is_not_old_enough_stays(node: BenchNode) -> None:
    """Thirty days are thirty days."""
    delivered(node)
    before = files(node)
    retention(node, **RetentionSettings().model_dump()).step()
    assert files(node) == before


def test_one_line_says_what_went(node: BenchNode) -> None:
    """The log names series, parts and reason; the history tells the same with numbers."""
    uid = delivered(node)
    with capture_logs() as lines:
        retention(node, sources_days=AT_ONCE).step()
    (told,) = [line for line in lines if line["event"] == "series_expired"]
    assert (told["series_instance_uid"], told["parts"]) == (uid, ["sources"])
    (deleted,) = [line for line in lines if line["event"] == "files_deleted"]
    assert deleted["files"] == 20
    assert "20 received images" in node.registry.series(uid).events[-1].detail


def test_under_the_soft_mark_finished_studies_go_until_there_is_room(node: BenchNode) -> None:
    """The oldest first, and no more than is needed; what is in work stays."""
    first, second = delivered(node, 1), delivered(node, 2)
    waiting = receive_series(node, CtpSpec(seed=3))
    retention(node, LITTLE, LITTLE, PLENTY).step()
    states = {uid: node.registry.series(uid).state for uid in (first, second, waiting)}
    assert states == {first: State.EXPIRED, second: State.DELIVERED, waiting: State.RECEIVING}
    assert "little room on the disk" in node.registry.series(first).events[-1].detail


def test_under_the_soft_mark_too_nothing_goes_before_its_early_age(node: BenchNode) -> None:
    """A study that was finished this night can be sent again this night."""
    delivered(node)
    before = files(node)
    retention(node, NONE, early_hours=24.0).step()
    assert files(node) == before


def test_what_failed_makes_no_room(node: BenchNode) -> None:
    """However little there is: somebody still wants to look at it."""
    uid = complete_series(node)
    node.registry.cancel(uid)
    before = files(node)
    retention(node, NONE).step()
    assert files(node) == before


def test_a_step_is_bounded(node: BenchNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep has other work; the rest goes at the next, without waiting for a minute."""
    monkeypatch.setattr(jobs, "AT_ONCE", 1)
    for seed in (1, 2):
        delivered(node, seed)
    sweeps = retention(node, sources_days=AT_ONCE)
    left: list[int] = []
    for _ in range(3):
        sweeps.step()
        left.append(len(files(node, "incoming")))
    assert left == [20, 0, 0]


def test_each_mark_of_the_disk_is_told_once(node: BenchNode) -> None:
    """When it is passed, and when there is room again."""
    sweeps = retention(node, PLENTY, LITTLE, LITTLE, NONE, NONE, PLENTY, early_hours=1e6)
    with capture_logs() as lines:
        for _ in range(6):
            sweeps.step()
    told = [(line["event"], line["log_level"]) for line in lines]
    assert told == [("disk_low", "warning"), ("disk_full", "error"), ("disk_recovered", "info")]


def test_files_of_others_are_not_deleted(node: BenchNode, tmp_path: Path) -> None:
    """A registry that names a file outside of the spool deletes nothing there."""
    stranger = tmp_path / "stranger.dcm"
    stranger.touch()
    assert node.spool.delete([stranger, node.spool.root / "no-such.dcm"]) == 0
    assert stranger.exists()
