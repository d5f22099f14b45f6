"""Analyse and deliver under a lease, around a fake model and fake destinations."""

from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from pydicom import dcmread

from node.errors import InferenceError, ModelError, SpoolFullError
from node.jobs.steps import Steps
from node.perfusion import ModelInput, PerfusionMaps
from node.ports import DeliveryState, SeriesState
from node.settings import AnalysisSettings, Destination, SelectionRule
from tests.support import registered as r
from tests.support.bench_node import (
    BenchNode,
    bench_settings,
    complete_series,
    receive_dataset,
)
from tests.support.ctp import CtpSpec, build_series
from tests.support.fake_model import FakeModel

State = SeriesState


@pytest.fixture
def node(tmp_path: Path) -> Iterator[BenchNode]:
    with BenchNode(bench_settings(tmp_path, 1, 2)) as bench:
        yield bench


def test_a_series_goes_all_the_way(node: BenchNode) -> None:
    """Complete, analysed, delivered: every object is at every destination once."""
    uid, steps = complete_series(node), Steps(node)
    assert steps.analyse(uid) is State.READY
    assert steps.deliver(uid) is State.DELIVERED
    made = sorted(result.sop_instance_uid for result in node.registry.series(uid).results)
    assert made
    for pacs in node.fake_pacs.values():
        assert sorted(pacs.received) == made


def test_a_rule_says_which_network_and_who_is_sent_what(tmp_path: Path) -> None:
    """By the peer that sent it: another network, and only one destination, only its pictures."""
    rule = SelectionRule(
        action="usual",
        peer="CT1",
        model=tmp_path / "other.onnx",
        destinations=("pacs1",),
        results=("colour",),
    )
    analysis = AnalysisSettings(max_pixel_mm=6.25, rules=(rule,))
    with BenchNode(bench_settings(tmp_path, 1, 2, analysis=analysis)) as node:
        other = node.others[tmp_path / "other.onnx"] = FakeModel()
        uid, steps = complete_series(node), Steps(node)
        steps.analyse(uid)
        assert (node.fake_model.predictions, other.predictions) == (0, 1)
        steps.deliver(uid)
        series = node.registry.series(uid)
        kinds = {result.sop_instance_uid: result.kind for result in series.results}
        assert node.fake_pacs["pacs0"].received == []
        assert {kinds[sent] for sent in node.fake_pacs["pacs1"].received} == {"colour"}
        applied = [event.detail for event in series.events if event.name == "rule_applied"]
        assert applied == ['from "CT1": by other, of the results only colour, sent to pacs1 only']


def test_a_network_of_a_rule_that_is_not_there_fails_its_series_alone(tmp_path: Path) -> None:
    """The reason names the file; what the rule does not speak of is analysed."""
    missing = SelectionRule(action="usual", peer="CT1", model=tmp_path / "gone.onnx")
    other = SelectionRule(action="usual", description="other", priority=1)
    with BenchNode(
        bench_settings(
            tmp_path, 1, analysis=AnalysisSettings(max_pixel_mm=6.25, rules=(other, missing))
        )
    ) as node:
        uid, steps = complete_series(node), Steps(node)
        assert steps.analyse(uid) is None
        series = node.registry.series(uid)
        assert series.state is State.FAILED
        assert series.reason is not None
        assert "gone" in series.reason.found
        uid = complete_series(node, CtpSpec(seed=2, series_description="other"))
        assert steps.analyse(uid) is State.READY


def test_every_step_may_run_any_number_of_times(node: BenchNode) -> None:
    """The same wake-up again finds nothing to do."""
    uid, steps = complete_series(node), Steps(node)
    for _ in range(3):
        steps.analyse(uid)
    for _ in range(3):
        steps.deliver(uid)
    assert node.fake_model.predictions == 1
    received = node.fake_pacs["pacs0"].received
    assert len(received) == len(set(received))


def test_a_destination_that_is_away_delays_no_other(node: BenchNode) -> None:
    """One PACS has everything while the other is waited for, with its next try on record."""
    uid, steps = complete_series(node), Steps(node)
    node.fake_pacs["pacs0"].away = True
    steps.analyse(uid)
    assert steps.deliver(uid) is State.READY
    series = node.registry.series(uid)
    states = {(d.destination, d.state) for d in series.deliveries}
    assert states == {("pacs0", DeliveryState.PENDING), ("pacs1", DeliveryState.STORED)}
    node.fake_pacs["pacs0"].away = False
    node.registry.retry(uid)
    assert steps.deliver(uid) is State.DELIVERED
    assert len(node.fake_pacs["pacs1"].received) == len(set(node.fake_pacs["pacs1"].received))


def test_an_association_that_ends_half_way_resends_only_the_rest(node: BenchNode) -> None:
    """What was answered stands."""
    uid, steps, pacs = complete_series(node), Steps(node), node.fake_pacs["pacs0"]
    pacs.ends_after = 3
    steps.analyse(uid)
    assert steps.deliver(uid) is State.READY
    assert len(pacs.received) == 3
    pacs.ends_after = None
    node.registry.retry(uid)
    assert steps.deliver(uid) is State.DELIVERED
    assert len(pacs.received) == len(set(pacs.received))


def test_a_resend_reaches_a_destination_that_was_added_since(tmp_path: Path) -> None:
    """Every result goes to every destination that the settings have now."""
    with BenchNode(bench_settings(tmp_path, 1)) as before:
        uid = complete_series(before)
        Steps(before).analyse(uid)
        assert Steps(before).deliver(uid) is State.DELIVERED
    with BenchNode(bench_settings(tmp_path, 1, 2)) as node:
        assert Steps(node).deliver(uid) is None
        node.registry.resend(uid)
        assert Steps(node).deliver(uid) is State.DELIVERED
        made = [result.sop_instance_uid for result in node.registry.series(uid).results]
        assert node.fake_pacs["pacs1"].received == made


def test_a_result_that_the_disk_lost_is_not_passed_over(node: BenchNode) -> None:
    """The series fails and says what could not be sent; the rest is at every destination."""
    uid, steps = complete_series(node), Steps(node)
    steps.analyse(uid)
    first, *others = (result.path for result in node.registry.series(uid).results)
    first.write_bytes(b"rotten")
    assert steps.deliver(uid) is State.FAILED
    series = node.registry.series(uid)
    assert series.reason is not None
    assert "no DICOM file" in series.reason.found
    for pacs in node.fake_pacs.values():
        assert len(pacs.received) == len(others)


@pytest.mark.parametrize(
    ("fault", "states"),
    [
        (InferenceError("no memory"), [State.COMPLETE, State.COMPLETE, State.FAILED]),
        (MemoryError(), [State.COMPLETE, State.COMPLETE, State.FAILED]),
        (ModelError("damaged"), [State.FAILED]),
        (SpoolFullError("no room"), [State.COMPLETE] * 5),
    ],
    ids=["inference", "memory", "model", "full disk"],
)
def test_a_fault_is_tried_again_as_its_class_says(
    tmp_path: Path, fault: Exception, states: list[SeriesState]
) -> None:
    """Three attempts where trying may help, none where not, patience where the disk is full."""
    with BenchNode(bench_settings(tmp_path, 1), FakeModel(fault)) as node:
        uid, steps, found = complete_series(node), Steps(node), []
        for _ in states:
            assert steps.analyse(uid) is None
            found.append(node.registry.series(uid).state)
            if found[-1] is State.COMPLETE:
                node.registry.retry(uid)
        assert found == states
        reason = node.registry.series(uid).reason
        assert reason is not None
        assert reason.remedy


def test_a_bug_surfaces_and_the_series_does_not_wait_for_it(tmp_path: Path) -> None:
    """A mistake in the node is raised, and is on record with a next try."""
    with BenchNode(bench_settings(tmp_path, 1), FakeModel(ZeroDivisionError("Doe^Jane"))) as node:
        uid = complete_series(node)
        with pytest.raises(ZeroDivisionError):
            Steps(node).analyse(uid)
        series = node.registry.series(uid)
        assert series.state is State.COMPLETE
        assert series.reason is not None
        assert "ZeroDivisionError" in series.reason.found
        assert "Doe" not in series.reason.found


def test_a_process_without_memory_ends_even_if_it_cannot_record_why(tmp_path: Path) -> None:
    """It would fail the next series too; that its lease has no owner any more tells the rest."""
    ended: list[str] = []
    with BenchNode(bench_settings(tmp_path, 1), FakeModel(MemoryError())) as node:
        uid = complete_series(node)
        with (
            patch.object(node.registry, "fault", side_effect=MemoryError),
            pytest.raises(MemoryError),
        ):
            Steps(node, on_broken=ended.append).analyse(uid)
        assert ended == [uid]


class Interrupted(FakeModel):
    """A model during whose first prediction something happens."""

    interrupt: Callable[[], None]

    def predict(self, prepared: ModelInput) -> PerfusionMaps:
        if not self.predictions:
            self.interrupt()
        return super().predict(prepared)


@pytest.mark.parametrize("fault", [None, InferenceError("no memory"), MemoryError()], ids=str)
def test_a_late_image_during_the_analysis_makes_its_result_void(
    tmp_path: Path, fault: Exception | None
) -> None:
    """Neither result nor fault of the images before is recorded; the next revision takes over."""
    model = Interrupted(fault)
    with BenchNode(bench_settings(tmp_path, 1), model) as node:
        late = build_series(CtpSpec(frames=13))[-1]
        uid, steps = complete_series(node), Steps(node)
        model.interrupt = lambda: receive_dataset(node, late)
        assert steps.analyse(uid) is None
        series = node.registry.series(uid)
        assert (series.state, series.revision, series.results) == (State.RECEIVING, 2, ())
        assert series.reason is None


def test_a_late_image_during_the_delivery_ends_it(node: BenchNode) -> None:
    """What was answered is on record; not one more object of the old revision is sent."""
    uid, steps = complete_series(node), Steps(node)
    steps.analyse(uid)
    late = build_series(CtpSpec(frames=13))[-1]
    pacs = node.fake_pacs["pacs0"]
    pacs.after_each = lambda: receive_dataset(node, late) if len(pacs.received) == 2 else None
    assert steps.deliver(uid) is None
    series = node.registry.series(uid)
    assert (series.state, series.revision) == (State.RECEIVING, 2)
    assert (len(pacs.received), node.fake_pacs["pacs1"].received) == (2, [])
    stored = [d for d in series.deliveries if d.state is DeliveryState.STORED]
    assert sorted(d.sop_instance_uid for d in stored) == sorted(pacs.received)


def test_the_page_of_a_refusal_is_delivered(node: BenchNode) -> None:
    """A series that is too short is REFUSED, and its page is in the PACS."""
    uid, steps = complete_series(node, CtpSpec(frames=8)), Steps(node)
    assert steps.analyse(uid) is State.REFUSED
    assert steps.deliver(uid) is State.REFUSED
    assert len(node.fake_pacs["pacs0"].received) == 1


def test_a_rerun_of_a_revision_writes_the_same_bytes(node: BenchNode) -> None:
    """A worker that died after writing is followed by one that writes the very same files."""
    uid, steps = complete_series(node), Steps(node)
    lease = r.lease(node.registry, owner="dead", series=uid)
    options = node.options(lease.revision, lease.completed_at)
    node.registry.expire(lease, now=r.now(), max_attempts=3)
    again = r.lease(node.registry, owner="dead too", series=uid)
    assert node.options(again.revision, again.completed_at) == options
    node.registry.expire(again, now=r.now(), max_attempts=3)
    assert steps.analyse(uid) is State.READY


def test_the_report_of_a_later_revision_names_the_one_before(node: BenchNode) -> None:
    """A late image makes a second report, whose predecessor is the first."""
    uid, steps = complete_series(node), Steps(node)
    assert steps.analyse(uid) is State.READY
    receive_dataset(node, build_series(CtpSpec(frames=13))[-1])
    node.registry.declare_complete(uid)
    assert steps.analyse(uid) is State.READY
    reports = [made for made in node.registry.series(uid).results if made.kind == "report"]
    first, second = sorted(reports, key=lambda made: made.revision)
    [study] = dcmread(second.path).PredecessorDocumentsSequence
    [series] = study.ReferencedSeriesSequence
    [cited] = series.ReferencedSOPSequence
    assert series.SeriesInstanceUID == first.series_instance_uid
    assert cited.ReferencedSOPInstanceUID == first.sop_instance_uid
    assert "PredecessorDocumentsSequence" not in dcmread(first.path)


def test_a_rerun_rejects_what_was_delivered_before_where_a_site_wants_notes(
    tmp_path: Path,
) -> None:
    """The note comes last, to the destination that asks for it, and names all that arrived."""
    asking = Destination(
        name="pacs0", ae_title="PACS", port=1, results=("background", "rejection_note")
    )
    other = asking.model_copy(update={"name": "pacs1", "results": ("report",)})
    with BenchNode(bench_settings(tmp_path, destinations=(asking, other))) as node:
        uid, steps = complete_series(node), Steps(node)
        steps.analyse(uid)
        assert steps.deliver(uid) is State.DELIVERED
        first = {name: list(pacs.received) for name, pacs in node.fake_pacs.items()}
        receive_dataset(node, build_series(CtpSpec(frames=13))[-1])
        node.registry.declare_complete(uid)
        steps.analyse(uid)
        assert steps.deliver(uid) is State.DELIVERED
        (note,) = [
            made for made in node.registry.series(uid).results if made.kind == "rejection_note"
        ]
        assert node.fake_pacs["pacs0"].received[-1] == note.sop_instance_uid
        assert note.sop_instance_uid not in node.fake_pacs["pacs1"].received
        cited = [i for i in dcmread(note.path).ContentSequence if "ReferencedSOPSequence" in i]
        rejected = {i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in cited}
        assert rejected == {*first["pacs0"], *first["pacs1"]}
