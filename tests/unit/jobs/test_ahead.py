"""A series is examined during its grace; only the very same analysis uses what was found."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from node.jobs import Sweeper
from node.jobs.ahead import Ahead
from node.jobs.basis import basis_of
from node.jobs.foresight import AHEAD_S, MOST_IMAGES, PAUSE_S, Foresight
from node.jobs.steps import Steps
from node.perfusion import LesionThresholds, ModelInput, PerfusionMaps
from node.ports import Activity, Receiving, SeriesState, Wake
from node.settings import AnalysisSettings, JobsSettings, ScpSettings
from tests.support.bench_node import (
    BenchNode,
    bench_settings,
    complete_series,
    receive_dataset,
    receive_series,
)
from tests.support.ctp import CtpSpec, build_series
from tests.support.fake_model import FakeModel
from tests.support.registered import now
from tests.support.running_node import wait_for

GRACE_S = 1.5
SPEC = CtpSpec(slices=2, frames=10)
UID = SPEC.series_instance_uid


class Queue:
    """Wake-ups in a list."""

    def __init__(self) -> None:
        self.wakes: list[Wake] = []

    def publish(self, wake: Wake) -> None:
        self.wakes.append(wake)

    def publish_once(self, wake: Wake, about: str) -> None:
        self.publish(wake)

    def waiting(self, queue: str) -> int:
        return 0


class SlowModel(FakeModel):
    """Predicts when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def predict(self, prepared: ModelInput) -> PerfusionMaps:
        self.begun.set()
        assert self.go_on.wait(60)
        return super().predict(prepared)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[BenchNode]:
    scp = ScpSettings(grace_s=GRACE_S, quiet_s=60.0)
    with BenchNode(bench_settings(tmp_path, 1, scp=scp)) as bench:
        yield bench


def sweeper(node: BenchNode, queue: Queue) -> Sweeper:
    return Sweeper(node.registry, queue, node.spool, node.settings)


def in_grace(node: BenchNode, spec: CtpSpec = SPEC) -> str:
    """A whole series that is noted as such; its UID."""
    uid, queue = receive_series(node, spec), Queue()
    time.sleep(PAUSE_S)
    sweeper(node, queue).sweep()
    assert queue.wakes == [Wake("analyse", uid)]
    assert node.registry.series(uid).state is SeriesState.RECEIVING
    return uid


def examine_until_complete(node: BenchNode, steps: Steps, uid: str) -> None:
    with sweeper(node, Queue()):
        steps.examine_ahead(uid, lambda: False)
        wait_for(
            lambda: node.registry.series(uid).state is SeriesState.COMPLETE, "it is complete", 30
        )


def written(node: BenchNode, uid: str) -> list[Dataset]:
    """What lies on the disk of a series' results, without what is dated."""
    made = [dcmread(result.path) for result in node.registry.series(uid).results]
    for dataset in made:
        dataset.walk(
            lambda ds, element: ds.pop(element.tag) if element.VR in ("DA", "TM", "DT") else None
        )
    return made


def test_a_series_is_examined_in_its_grace_and_analysed_after_it(node: BenchNode) -> None:
    """Nothing is recorded or kept before; afterwards nothing is computed again."""
    uid, steps = in_grace(node), Steps(node)
    examine_until_complete(node, steps, uid)
    series = node.registry.series(uid)
    assert (series.state, series.results) == (SeriesState.COMPLETE, ())
    assert series.completed_at is not None
    assert series.received_last_at is not None
    assert series.completed_at - series.received_last_at >= timedelta(seconds=GRACE_S)
    assert node.fake_model.predictions == 1
    assert steps.analyse(uid) is SeriesState.READY
    assert node.fake_model.predictions == 1
    assert steps.deliver(uid) is SeriesState.DELIVERED


def test_results_are_the_same_whether_examined_ahead_or_not(
    node: BenchNode, tmp_path: Path
) -> None:
    """The same UIDs, the same pixels, the same words."""
    uid, steps = in_grace(node), Steps(node)
    examine_until_complete(node, steps, uid)
    steps.analyse(uid)
    with BenchNode(bench_settings(tmp_path / "other", 1)) as other:
        assert complete_series(other, SPEC) == uid
        Steps(other).analyse(uid)
        assert written(node, uid) == written(other, uid)


def test_a_late_image_makes_what_was_found_worthless(node: BenchNode) -> None:
    """It is dropped at once, and the series is analysed with all that came."""
    *first, late = build_series(CtpSpec(slices=2, frames=11))
    for dataset in first[:-1]:
        receive_dataset(node, dataset)
    time.sleep(PAUSE_S)
    sweeper(node, Queue()).sweep()
    steps = Steps(node)
    threading.Timer(
        0.3, lambda: [receive_dataset(node, each) for each in (first[-1], late)]
    ).start()
    assert not steps.examine_ahead(UID, lambda: False)
    (seen,) = node.registry.receiving()
    assert seen.instances == 22
    node.registry.complete(seen, now=now(), note="whole")
    assert steps.analyse(UID) is SeriesState.READY
    assert node.fake_model.predictions == 2


def test_a_series_that_is_due_does_not_wait_for_one_that_is_not(node: BenchNode) -> None:
    """It is analysed while the other's examination, which nobody wants now, still runs."""
    slow = SlowModel()
    node.model = slow
    steps, uid = Steps(node), in_grace(node)
    done: list[bool] = []
    ahead = threading.Thread(target=lambda: done.append(steps.examine_ahead(uid, lambda: False)))
    ahead.start()
    assert slow.begun.wait(30)
    node.model = FakeModel()
    urgent = complete_series(node, CtpSpec(slices=2, frames=10, seed=2))
    ahead.join(30)
    assert done == [True]
    assert next(iter(steps.most_urgent())) == urgent
    assert steps.analyse(urgent) is SeriesState.READY
    slow.go_on.set()


def test_who_is_called_away_goes_and_the_examination_goes_on(node: BenchNode) -> None:
    """A delivery that waits for this worker is not held up; what was found is used later."""
    uid, steps = in_grace(node), Steps(node)
    began = time.monotonic()
    assert not steps.examine_ahead(uid, lambda: True)
    assert time.monotonic() - began < GRACE_S
    wait_for(lambda: node.fake_model.predictions == 1, "the examination goes on", 30)
    (seen,) = node.registry.receiving()
    node.registry.complete(seen, now=now(), note="whole")
    assert steps.analyse(uid) is SeriesState.READY
    assert node.fake_model.predictions == 1


def test_nothing_is_examined_ahead_while_analysing_is_paused(node: BenchNode) -> None:
    """Who pauses a node wants its processor."""
    uid = in_grace(node)
    node.registry.pause(Activity.ANALYSING, "a test")
    assert not Steps(node).examine_ahead(uid, lambda: False)
    assert node.fake_model.predictions == 0


def test_what_fails_ahead_fails_again_where_it_is_recorded(tmp_path: Path) -> None:
    """A fault during the grace is nobody's; the analysis meets it and says so."""
    scp = ScpSettings(grace_s=GRACE_S, quiet_s=60.0)
    bug = FakeModel(ZeroDivisionError("x"))
    with BenchNode(bench_settings(tmp_path, 1, scp=scp), bug) as node:
        uid, steps = in_grace(node), Steps(node)
        examine_until_complete(node, steps, uid)
        assert node.registry.series(uid).reason is None
        with pytest.raises(ZeroDivisionError):
            steps.analyse(uid)
        assert node.registry.series(uid).reason is not None


def test_only_the_same_images_model_and_options_show_the_same(node: BenchNode) -> None:
    """How it is written may differ: a revision, a date."""
    uid = receive_series(node, SPEC)
    one, later = (basis_of(node, uid, revision, now()) for revision in (1, 2))
    assert one.shows_the_same_as(later)
    node.model = FakeModel()
    assert not one.shows_the_same_as(basis_of(node, uid, 1, now()))
    node.model = node.fake_model
    limits = AnalysisSettings(max_pixel_mm=6.25, rcbf_core=0.2)
    node.settings = node.settings.model_copy(update={"analysis": limits})
    assert basis_of(node, uid, 1, now()).options.thresholds != LesionThresholds()
    assert not one.shows_the_same_as(basis_of(node, uid, 1, now()))


def receiving(pause_s: float, **values: object) -> Receiving:
    last = now() - timedelta(seconds=pause_s)
    known: dict[str, object] = {
        "series_instance_uid": "1.2",
        "instances": 480,
        "received_last_at": last,
        "looked": False,
        "content_complete": False,
        "missing": "",
        "has_parts": False,
        "study_last_at": last,
    }
    return Receiving(**{**known, **values})  # type: ignore[arg-type]


def foresight(node: BenchNode, *, ahead: bool = True, grace_s: float = 4.0) -> Foresight:
    values = {"scp": ScpSettings(grace_s=grace_s, quiet_s=60.0), "jobs": JobsSettings(ahead=ahead)}
    return Foresight(node.settings.model_copy(update=values))


@pytest.mark.parametrize(
    ("pause_s", "values", "is_time"),
    [
        (PAUSE_S + 0.01, {}, True),
        (PAUSE_S / 2, {}, False),
        (1.0, {"has_parts": True}, False),
        (1.0, {"instances": MOST_IMAGES + 1}, False),
    ],
)
def test_a_pause_is_the_time_to_look(
    node: BenchNode, pause_s: float, values: dict[str, object], is_time: bool
) -> None:
    """Not while images stream in, nor at what waits for other series, nor at what is large."""
    assert foresight(node).is_time(receiving(pause_s, **values)) is is_time


def test_a_sender_that_pauses_often_is_looked_at_seldom(node: BenchNode) -> None:
    """Each look in vain doubles the pause that the next one wants; one success is enough."""
    watch = foresight(node)
    pauses = [0.3, 0.3, 0.6, 0.9, 1.1]
    assert [watch.is_time(receiving(s)) for s in pauses] == [True, False, True, False, True]
    watch.foreseen("1.2")
    assert not watch.is_time(receiving(3.9))
    watch.forget_all_but(())
    assert watch.is_time(receiving(0.3))


def test_of_a_long_grace_only_the_end_is_used(node: BenchNode) -> None:
    """A site that waits long has senders that pause long."""
    watch = foresight(node, grace_s=30.0)
    assert not watch.is_time(receiving(30.0 - AHEAD_S - 1.0))
    assert watch.is_time(receiving(30.0 - AHEAD_S + 1.0))


def test_who_wants_nothing_ahead_has_nothing_ahead(node: BenchNode) -> None:
    """With jobs.ahead = false the grace is waited for, as it is."""
    assert not foresight(node, ahead=False).is_time(receiving(1.0))


def test_the_sweep_comes_when_a_grace_ends(node: BenchNode) -> None:
    """No half second is lost between the end of the grace and the next look."""
    assert 0.05 < foresight(node).next_s([receiving(3.9, looked=True)], 0.5) <= 0.1
    assert foresight(node).next_s([receiving(1.0, looked=True)], 0.5) == 0.5
    assert Ahead(node).examine("1.2.3", lambda: False) is False
