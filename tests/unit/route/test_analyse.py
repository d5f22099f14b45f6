"""The whole story against fakes of model and world, on a small real series."""

import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from node import route
from node.derived import DerivedObject, EncodeOptions, encode
from node.errors import InferenceError, PeerUnreachableError, SpoolError, SpoolFullError
from node.perfusion import LesionThresholds
from node.ports import MEASURES, DueDelivery, Kept, StoreOutcome
from node.route import STAGES, AnalyseOptions, analyse, deliver
from node.series import Eligibility, Instance
from tests.support.ctp import CtpSpec, build_series, instances_of
from tests.support.fake_model import FakeModel
from tests.support.fake_pacs import FakePacs

OPTIONS = AnalyseOptions(
    eligibility=Eligibility(),
    max_pixel_mm=6.25,
    max_slice_mm=5.0,
    thresholds=LesionThresholds(),
    encode=EncodeOptions(1, datetime(2026, 3, 14, 10, 0, tzinfo=UTC), "0.1.0"),
)


class Drawer:
    """Keeps what is made in memory."""

    def __init__(self) -> None:
        self.made: list[DerivedObject] = []

    def __call__(self, made: DerivedObject) -> Kept:
        self.made.append(made)
        return Kept(Path(f"/results/{made.sop_instance_uid}.dcm"), "0" * 64, 1)


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Instance]:
    return instances_of(build_series(CtpSpec()), tmp_path_factory.mktemp("scan"))


def test_a_scan_becomes_kept_results_with_numbers(scan: Sequence[Instance]) -> None:
    """Every stage is timed and told, every object kept, the lesion's volumes in the summary."""
    drawer, told = Drawer(), []
    outcome = analyse(
        scan,
        model=FakeModel(),
        keep=drawer,
        options=OPTIONS,
        progress=lambda stage, done: told.append((stage, done)),
    )
    assert outcome.reason is None
    assert tuple(outcome.stages_s) == STAGES
    assert told == [(stage, done) for stage in STAGES for done in (0.0, 1.0)]
    assert [r.sop_instance_uid for r in outcome.results] == [
        m.sop_instance_uid for m in drawer.made
    ]
    assert {r.kind for r in outcome.results} >= {"background", "colour", "summary_page"}
    assert outcome.summary.keys() == MEASURES.keys()
    assert outcome.summary["core_ml"]
    assert outcome.summary["mismatch_ml"] == pytest.approx(
        outcome.summary["hypoperfusion_ml"] - outcome.summary["core_ml"]
    )


def test_an_object_is_kept_while_the_next_is_made(
    scan: Sequence[Instance], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making does not wait for the disk: the first object is durable before the last is there."""
    first_is_kept, drawer = threading.Event(), Drawer()

    def keep(made: DerivedObject) -> Kept:
        first_is_kept.set()
        return drawer(made)

    def waiting(*arguments: Any) -> Iterator[DerivedObject]:
        made = encode(*arguments)
        yield next(made)
        assert first_is_kept.wait(60)
        yield from made

    monkeypatch.setattr(route.analysis, "encode", waiting)
    outcome = analyse(scan, model=FakeModel(), keep=keep, options=OPTIONS)
    kept = [made.sop_instance_uid for made in drawer.made]
    assert [result.sop_instance_uid for result in outcome.results] == kept


def test_a_full_disk_ends_the_analysis_as_itself(scan: Sequence[Instance]) -> None:
    """What goes wrong in keeping is raised where it was asked for, not lost with its thread."""

    def keep(made: DerivedObject) -> Kept:
        raise SpoolFullError("0.1 GiB free")

    with pytest.raises(SpoolFullError):
        analyse(scan, model=FakeModel(), keep=keep, options=OPTIONS)


def test_thin_slices_become_thick_ones_that_cite_all_of_them(tmp_path: Path) -> None:
    """Results lie where the means lie, and name every image that they were made from."""
    spec, drawer = CtpSpec(slices=10, spacing_mm=2.5), Drawer()
    thin = instances_of(build_series(spec), tmp_path)
    outcome = analyse(thin, model=FakeModel(), keep=drawer, options=OPTIONS)
    assert outcome.reason is None
    ground = [m.dataset for m in drawer.made if m.kind == "background"]
    places = [float(d.ImagePositionPatient[2]) for d in ground]
    assert places == pytest.approx([21.25, 26.25, 31.25, 36.25, 41.25])
    cited = [i.ReferencedSOPInstanceUID for d in ground for i in d.SourceImageSequence]
    assert sorted(cited) == sorted(i.header.sop_instance_uid for i in thin)
    maps = next(m.dataset for m in drawer.made if m.kind == "parametric_map")
    assert int(maps.NumberOfFrames) == 5


def test_what_the_model_does_not_know_becomes_a_flag(scan: Sequence[Instance]) -> None:
    """The route holds the scan against what the model says it has learned from."""
    known = FakeModel(familiar={"slice_mm": (1.0, 2.0)})
    outcome = analyse(scan, model=known, keep=Drawer(), options=OPTIONS)
    assert "unfamiliar" in {flag.code for flag in outcome.flags}
    outcome = analyse(scan, model=FakeModel(), keep=Drawer(), options=OPTIONS)
    assert "unfamiliar" not in {flag.code for flag in outcome.flags}
    assert outcome.summary["hypoperfusion_most_ml"] is None


def test_a_rerun_makes_the_same_objects(scan: Sequence[Instance]) -> None:
    """Same images in any order, same model, same revision: the same UIDs and pixels."""
    first, second = Drawer(), Drawer()
    analyse(scan, model=FakeModel(), keep=first, options=OPTIONS)
    analyse(scan[::-1], model=FakeModel(), keep=second, options=OPTIONS)
    assert [m.dataset for m in first.made] == [m.dataset for m in second.made]


def test_a_new_revision_makes_new_objects(scan: Sequence[Instance]) -> None:
    """What supersedes has UIDs of its own."""
    first, second = Drawer(), Drawer()
    later = replace(OPTIONS, encode=replace(OPTIONS.encode, revision=2))
    analyse(scan, model=FakeModel(), keep=first, options=OPTIONS)
    analyse(scan, model=FakeModel(), keep=second, options=later)
    uids = [{m.sop_instance_uid for m in drawer.made} for drawer in (first, second)]
    assert not uids[0] & uids[1]


def test_a_short_perfusion_series_is_owed_a_page(scan: Sequence[Instance]) -> None:
    """A refusal of what was meant as perfusion makes one page, and no map."""
    drawer, model = Drawer(), FakeModel()
    strict = replace(OPTIONS, eligibility=replace(OPTIONS.eligibility, min_coverage_s=500.0))
    outcome = analyse(scan, model=model, keep=drawer, options=strict)
    assert outcome.reason is not None
    assert outcome.reason.code == "too_short"
    assert [r.kind for r in outcome.results] == ["refusal_page"]
    assert model.predictions == 0


def test_what_was_never_perfusion_is_refused_without_a_page(scan: Sequence[Instance]) -> None:
    """A topogram in a stroke study makes no noise in the PACS."""
    drawer = Drawer()
    topograms = [
        replace(i, header=replace(i.header, image_type=("ORIGINAL", "PRIMARY", "LOCALIZER")))
        for i in scan
    ]
    outcome = analyse(topograms, model=FakeModel(), keep=drawer, options=OPTIONS)
    assert outcome.reason is not None
    assert (outcome.reason.code, drawer.made) == ("localizer", [])


def test_a_fault_of_the_model_is_a_fault(scan: Sequence[Instance]) -> None:
    """What the node could not do is no verdict about the data."""
    with pytest.raises(InferenceError):
        analyse(scan, model=FakeModel(InferenceError("no")), keep=Drawer(), options=OPTIONS)


def test_a_file_that_vanished_is_a_fault(scan: Sequence[Instance], tmp_path: Path) -> None:
    """A refusal that cannot read its source is tried again, not passed over."""
    strict = replace(OPTIONS, eligibility=replace(OPTIONS.eligibility, min_coverage_s=500.0))
    gone = [replace(i, path=tmp_path / "gone.dcm") for i in scan]
    with pytest.raises(SpoolError, match="cannot be read"):
        analyse(gone, model=FakeModel(), keep=Drawer(), options=strict)


def test_what_was_answered_before_the_association_ended_is_told(
    scan: Sequence[Instance], tmp_path: Path
) -> None:
    """A broken association raises, and the answers until then stand."""
    due, told = [], []
    for n, instance in enumerate(scan[:3]):
        path = Path(shutil.copy(instance.path, tmp_path / f"{n}.dcm"))
        uid = instance.header.sop_instance_uid
        due.append(DueDelivery(uid, "pacs", path, 0, datetime.now(UTC)))
    with pytest.raises(PeerUnreachableError):
        deliver(due, FakePacs(ends_after=2), told.append)
    assert told == [StoreOutcome(d.sop_instance_uid, 0) for d in due[:2]]
