"""A series is examined during its grace; only the very same analysis uses what was found."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydicom import dcmread

from node.errors import InferenceError
from node.jobs import Sweeper
from node.jobs.ahead import Ahead
from node.jobs.basis import basis_of
from node.jobs.foresight import AHEAD_S, MOST_IMAGES, PAUSE_S, STREAM_S, Foresight
from node.jobs.steps import Steps
from node.perfusion import LesionThresholds, ModelInput, PerfusionMaps
from node.ports import Activity, Receiving, SeriesState, Wake
from node.settings import AnalysisSettings, JobsSettings, ScpSettings
from tests.support.bench_node import (
    BenchNode,
    bench_settings,
    receive_dataset,
    receive_series,
)
from tests.support.ctp import CtpSpec, build_series
from tests.support.fake_model import FakeModel
from tests.support.registered import now
from tests.support.running_node import wait_for

GRACE_S = 60.0
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
    scp = ScpSettings(grace_s=GRACE_S, quiet_s=2 * GRACE_S)
    with BenchNode(bench_settings(tmp_path, 1, scp=scp)) as bench:
        yield bench


def complete(node: BenchNode, at: datetime | None = None) -> None:
    """As the sweep declares it once the grace has passed."""
    (seen,) = node.registry.receiving()
    assert node.registry.complete(seen, now=at or now(), note="whole")


def soon(*acts: Callable[[], object]) -> threading.Thread:
    """Does things one after the other while the test waits for something else."""

    def act() -> None:
        time.sleep(0.2)
        for each in acts:
            each()

    thread = threading.Thread(target=act)
    thread.start()
    return thread


def never() -> bool:
    return False


def written(node: BenchNode, uid: str) -> list[bytes]:
    """What lies on the disk of a series' results."""
    return [result.path.read_bytes() for result in node.registry.series(uid).results]


def test_a_whole_series_is_foretold_and_complete_only_after_its_grace(tmp_path: Path) -> None:
    """A worker is told of it while it still receives, and finds it complete when it is."""
    grace_s = 4.0
    scp = ScpSettings(grace_s=grace_s, quiet_s=GRACE_S)
    with BenchNode(bench_settings(tmp_path, 1, scp=scp)) as node:
        uid, queue = receive_series(node, SPEC), Queue()
        time.sleep(PAUSE_S)
        sweeper = Sweeper(node.registry, queue, node.spool, node.settings)
        sweeper.sweep()
        assert queue.wakes == [Wake("analyse", uid)]
        assert node.registry.series(uid).state is SeriesState.RECEIVING
        with sweeper:
            wait_for(lambda: node.registry.series(uid).state is SeriesState.COMPLETE, "it is", 60)
        series = node.registry.series(uid)
        assert series.completed_at is not None
        assert series.received_last_at is not None
        assert series.completed_at - series.received_last_at >= timedelta(seconds=grace_s)


def test_a_series_is_examined_in_its_grace_and_analysed_after_it(node: BenchNode) -> None:
    """Nothing is recorded or kept before; afterwards nothing is computed again."""
    uid, steps = receive_series(node, SPEC), Steps(node)
    soon(lambda: complete(node))
    assert steps.examine_ahead(uid, never)
    series = node.registry.series(uid)
    assert (series.state, series.results) == (SeriesState.COMPLETE, ())
    assert steps.analyse(uid) is SeriesState.READY
    assert node.fake_model.predictions == 1
    assert steps.deliver(uid) is SeriesState.DELIVERED


def test_results_are_the_same_whether_examined_ahead_or_not(
    node: BenchNode, tmp_path: Path
) -> None:
    """Byte for byte: the same UIDs, pixels and words."""
    uid, steps, at = receive_series(node, SPEC), Steps(node), now()
    soon(lambda: complete(node, at))
    steps.examine_ahead(uid, never)
    steps.analyse(uid)
    with BenchNode(bench_settings(tmp_path / "other", 1)) as other:
        assert receive_series(other, SPEC) == uid
        complete(other, at)
        Steps(other).analyse(uid)
        assert written(node, uid) == written(other, uid)


def test_a_late_image_makes_what_was_found_worthless(node: BenchNode) -> None:
    """It is dropped at once, and the series is analysed with all that came."""
    *first, late, last = build_series(CtpSpec(slices=2, frames=11))
    for dataset in first:
        receive_dataset(node, dataset)
    steps = Steps(node)
    sent = soon(lambda: receive_dataset(node, late), lambda: receive_dataset(node, last))
    assert not steps.examine_ahead(UID, never)
    sent.join()
    complete(node)
    assert steps.analyse(UID) is SeriesState.READY
    images = [r for r in node.registry.series(UID).results if r.kind == "background"]
    cited = [len(dcmread(each.path).SourceImageSequence) for each in images]
    assert cited == [11, 11]


def test_a_series_that_is_due_does_not_wait_for_one_that_is_not(node: BenchNode) -> None:
    """It is analysed while the other's examination, which nobody wants now, still runs."""
    slow = SlowModel()
    node.model = slow
    steps, uid = Steps(node), receive_series(node, SPEC)
    done: list[bool] = []
    ahead = threading.Thread(target=lambda: done.append(steps.examine_ahead(uid, never)))
    ahead.start()
    assert slow.begun.wait(60)
    node.model = FakeModel()
    urgent = receive_series(node, CtpSpec(slices=2, frames=10, seed=2))
    seen = next(s for s in node.registry.receiving() if s.series_instance_uid == urgent)
    node.registry.complete(seen, now=now(), note="whole")
    ahead.join(60)
    assert done == [True]
    assert list(steps.most_urgent()) == [urgent]
    assert steps.analyse(urgent) is SeriesState.READY
    slow.go_on.set()


def test_who_is_called_away_goes_and_the_examination_goes_on(node: BenchNode) -> None:
    """A delivery that waits for this worker is not held up; what was found is used later."""
    uid, steps = receive_series(node, SPEC), Steps(node)
    assert not steps.examine_ahead(uid, lambda: True)
    wait_for(lambda: node.fake_model.predictions == 1, "the examination goes on", 60)
    complete(node)
    assert steps.analyse(uid) is SeriesState.READY
    assert node.fake_model.predictions == 1


def test_nothing_is_examined_ahead_while_analysing_is_paused(node: BenchNode) -> None:
    """Who pauses a node wants its processor."""
    uid = receive_series(node, SPEC)
    node.registry.pause(Activity.ANALYSING, "a test")
    assert not Steps(node).examine_ahead(uid, never)
    assert node.fake_model.predictions == 0


def test_what_fails_ahead_fails_again_where_it_is_recorded(node: BenchNode) -> None:
    """A fault during the grace is nobody's; the analysis meets it and says so."""
    node.fake_model.fault = ZeroDivisionError("x")
    uid, steps = receive_series(node, SPEC), Steps(node)
    soon(lambda: complete(node))
    assert steps.examine_ahead(uid, never)
    assert node.registry.series(uid).reason is None
    with pytest.raises(ZeroDivisionError):
        steps.analyse(uid)
    assert node.registry.series(uid).reason is not None


class _EndedError(Exception):
    """Instead of this process."""


@pytest.mark.parametrize("fault", [InferenceError("CUDA failure 999"), MemoryError()])
def test_a_device_that_broke_ahead_is_given_no_other_series(
    node: BenchNode, fault: Exception
) -> None:
    """The other is not even tried; the one that broke it is, so that its fault is recorded."""

    def end(series_instance_uid: str) -> None:
        raise _EndedError(series_instance_uid)

    def ends_before(series_instance_uid: str) -> bool:
        with suppress(_EndedError):
            return steps.analyse(series_instance_uid) is not None
        return True

    node.fake_model.fault = fault
    uid, steps = receive_series(node, SPEC), Steps(node, on_broken=end)
    assert not steps.examine_ahead(uid, lambda: node.fake_model.predictions > 0)
    other = receive_series(node, CtpSpec(slices=2, frames=10, seed=2))
    wait_for(lambda: ends_before(other), "the device is known to be broken", 60)
    seen = {each.series_instance_uid: each for each in node.registry.receiving()}
    node.registry.complete(seen[other], now=now(), note="whole")
    node.registry.complete(seen[uid], now=now(), note="whole")
    with pytest.raises(_EndedError):
        steps.analyse(other)
    with pytest.raises(_EndedError):
        steps.analyse(uid)
    begun = {
        each: [event.name for event in node.registry.series(each).events].count("analysis_started")
        for each in (uid, other)
    }
    assert begun == {uid: 1, other: 0}
    reason = node.registry.series(uid).reason
    assert reason is not None
    assert reason.code == "inference"


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
    pauses = [1.2, 1.2, 2.4, 3.6, 4.4]
    looked = [watch.is_time(receiving(n * PAUSE_S)) for n in pauses]
    assert looked == [True, False, True, False, True]
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


def test_images_that_stream_in_are_glanced_at_now_and_then(node: BenchNode) -> None:
    """Their end is found within a fifth of a second, and a pause as soon as it is one."""
    watch = foresight(node)
    assert watch.next_s([receiving(0.0)], 0.5) == STREAM_S
    assert watch.next_s([receiving(0.8 * PAUSE_S)], 0.5) <= 0.2 * PAUSE_S
    assert watch.next_s([receiving(0.0, instances=MOST_IMAGES + 1)], 0.5) == 0.5


def test_the_sweep_comes_when_a_grace_ends(node: BenchNode) -> None:
    """No half second is lost between the end of the grace and the next look."""
    assert 0.05 < foresight(node).next_s([receiving(3.9, looked=True)], 0.5) <= 0.1
    assert foresight(node).next_s([receiving(1.0, looked=True)], 0.5) == 0.5
    assert Ahead(node).examine("1.2.3", never) is False
