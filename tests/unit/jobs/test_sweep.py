"""The sweep against a real registry and a queue in memory."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from node.errors import QueueUnavailableError
from node.jobs import Sweeper, sweep
from node.jobs.owner import new_owner
from node.jobs.steps import Steps
from node.ports import SeriesState, Wake
from node.series import Completeness, CtpSeries, Header, completeness, recognise
from node.settings import ScpSettings, SelectionRule
from tests.support import registered as r
from tests.support.bench_node import (
    BenchNode,
    bench_settings,
    complete_series,
    receive_dataset,
    receive_series,
)
from tests.support.ctp import CtpSpec, build_series
from tests.support.layouts import (
    series_per_slab,
    series_per_time_point,
    series_per_time_point_and_slab,
)

State = SeriesState
UID = CtpSpec().series_instance_uid


@dataclass
class FakeQueue:
    """Wake-ups in a list; ``away`` as Redis may be."""

    wakes: list[Wake] = field(default_factory=list)
    away: bool = False

    def publish(self, wake: Wake) -> None:
        if self.away:
            raise QueueUnavailableError("away")
        self.wakes.append(wake)

    def publish_once(self, wake: Wake, about: str) -> None:
        self.publish(wake)

    def waiting(self, queue: str) -> int:
        return sum(wake.queue == queue for wake in self.wakes)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[BenchNode]:
    with BenchNode(bench_settings(tmp_path, 1)) as bench:
        yield bench


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


def sweeper(node: BenchNode, queue: FakeQueue, **scp: float) -> Sweeper:
    settings = node.settings.model_copy(update={"scp": ScpSettings(**scp)} if scp else {})
    return Sweeper(node.registry, queue, node.spool, settings)


def test_a_whole_series_is_complete_after_the_grace(node: BenchNode, queue: FakeQueue) -> None:
    """Every slice at every time point: no quiet time is waited for, and a worker is woken."""
    uid = receive_series(node)
    sweeper(node, queue, grace_s=0.0, quiet_s=3600.0).sweep()
    assert node.registry.series(uid).state is State.COMPLETE
    assert queue.wakes == [Wake("analyse", uid)]


def test_a_glance_sees_that_a_grace_is_over(node: BenchNode, queue: FakeQueue) -> None:
    """What ends between two sweeps does not wait for the next one."""
    uid = receive_series(node)
    sweeper(node, queue, grace_s=0.0, quiet_s=3600.0).glance()
    assert node.registry.series(uid).state is State.COMPLETE
    assert queue.wakes == [Wake("analyse", uid)]


def test_a_rule_s_series_is_analysed_first(node: BenchNode, queue: FakeQueue) -> None:
    """Rules about other peers give it nothing."""
    stroke = SelectionRule(action="usual", peer="CT1", description="*perfusion*", priority=5)
    other = SelectionRule(action="usual", peer="CT2", priority=9)
    analysis = node.settings.analysis.model_copy(update={"rules": (other, stroke)})
    settings = node.settings.model_copy(update={"analysis": analysis})
    uid = receive_series(node)
    Sweeper(node.registry, queue, node.spool, settings).sweep()
    series = node.registry.series(uid)
    assert (series.state, series.priority) == (State.COMPLETE, 5)
    assert ("prioritised", "priority 5, by a rule") in [(e.name, e.detail) for e in series.events]


def test_a_few_whole_volumes_are_waited_upon_for_more(node: BenchNode, queue: FakeQueue) -> None:
    """A pause between the volumes of a scan is not its end: only the quiet time is."""
    uid = receive_series(node, CtpSpec(frames=4))
    sweeper(node, queue, grace_s=0.0, quiet_s=3600.0).sweep()
    series = node.registry.series(uid)
    assert series.state is State.RECEIVING
    assert "4 of at least 10 time points" in series.waiting_for
    sweeper(node, queue, grace_s=0.0, quiet_s=1e-6).sweep()
    assert node.registry.series(uid).state is State.COMPLETE


def test_images_that_may_still_come_are_waited_for(node: BenchNode, queue: FakeQueue) -> None:
    """Within the grace nothing is declared, however whole the series looks."""
    uid = receive_series(node)
    sweeper(node, queue, grace_s=3600.0, quiet_s=3600.0).sweep()
    assert node.registry.series(uid).state is State.RECEIVING


@pytest.mark.parametrize(("quiet_s", "state"), [(3600.0, State.RECEIVING), (1e-6, State.COMPLETE)])
def test_an_incomplete_series_is_complete_after_the_quiet_time_only(
    node: BenchNode, queue: FakeQueue, quiet_s: float, state: SeriesState
) -> None:
    """What is missing is named meanwhile, and in the history afterwards."""
    for dataset in build_series()[:-2]:
        receive_dataset(node, dataset)
    sweeper(node, queue, grace_s=0.0, quiet_s=quiet_s).sweep()
    series = node.registry.series(UID)
    assert series.state is state
    told = series.waiting_for if state is State.RECEIVING else series.events[-1].detail
    (seen,) = node.registry.receiving() or [None]
    assert seen is None or seen.missing in told
    assert len(told) > len("more images")


def test_time_points_that_came_as_series_become_one_scan(node: BenchNode, queue: FakeQueue) -> None:
    """Joined as soon as five are there, complete when the study is quiet, analysed once."""
    for dataset in series_per_time_point(build_series()):
        receive_dataset(node, dataset)
    sweeper(node, queue, grace_s=0.0, quiet_s=3600.0).sweep()
    states = Counter(series.state for series in node.registry.list_series())
    assert states == {State.RECEIVING: 1, State.JOINED: 11}
    patient = sweeper(node, queue, grace_s=0.0, quiet_s=3600.0)
    patient.sweep()
    assert node.registry.counts()[State.RECEIVING] == 1
    eager = sweeper(node, queue, grace_s=0.0, quiet_s=1e-6)
    eager.sweep()
    eager.sweep()
    [wake] = queue.wakes
    series = recognise(node.registry.instances(wake.series_instance_uid))
    assert isinstance(series, CtpSeries)
    assert series.time_s.shape == (12, 4)


def test_a_slab_that_comes_later_is_joined_to_the_first(node: BenchNode, queue: FakeQueue) -> None:
    """The first is whole by itself; with the second it is analysed again, as one shuttle scan."""
    images = series_per_slab(build_series(CtpSpec(slab_offset_s=2.0)))
    lower = str(images[0].SeriesInstanceUID)
    sweep_with = {"grace_s": 0.0, "quiet_s": 1e-6}
    for part, states in (
        ([d for d in images if d.SeriesInstanceUID == lower], {State.COMPLETE: 1}),
        (
            [d for d in images if d.SeriesInstanceUID != lower],
            {State.RECEIVING: 1, State.JOINED: 1},
        ),
    ):
        for dataset in part:
            receive_dataset(node, dataset)
        sweeper(node, queue, **sweep_with).sweep()
        assert Counter(series.state for series in node.registry.list_series()) == states
    sweeper(node, queue, **sweep_with).sweep()
    assert node.registry.series(lower).state is State.COMPLETE
    series = recognise(node.registry.instances(lower))
    assert isinstance(series, CtpSeries)
    assert series.time_s[0].tolist() == [0.0, 0.0, 2.0, 2.0]


def test_two_places_in_turn_become_one_scan_as_their_volumes_arrive(
    node: BenchNode, queue: FakeQueue
) -> None:
    """Each volume a series of its own, looked at after each: one leads, all others join it."""
    spec = CtpSpec(slab_offset_s=2.0)
    images = series_per_time_point_and_slab(build_series(spec))
    for first in range(0, len(images), 2):
        for dataset in images[first : first + 2]:
            receive_dataset(node, dataset)
        sweeper(node, queue, grace_s=0.0, quiet_s=3600.0).sweep()
    states = Counter(series.state for series in node.registry.list_series())
    assert states == {State.RECEIVING: 1, State.JOINED: 23}
    [leader] = node.registry.receiving()
    series = recognise(node.registry.instances(leader.series_instance_uid))
    assert isinstance(series, CtpSeries)
    assert series.time_s[:2].tolist() == [[0.0, 0.0, 2.0, 2.0], [4.0, 4.0, 6.0, 6.0]]


def test_a_plain_scan_beside_time_points_stays_by_itself(node: BenchNode, queue: FakeQueue) -> None:
    """A head CT of the same study, of another geometry, is refused alone and not swallowed."""
    images = build_series()
    plain = build_series(CtpSpec(frames=1, spacing_mm=2.5, study_uid=images[0].StudyInstanceUID))
    for dataset in (*series_per_time_point(images), *plain):
        dataset.FrameOfReferenceUID = images[0].FrameOfReferenceUID
        receive_dataset(node, dataset)
    sweeper(node, queue, grace_s=0.0, quiet_s=1e-6).sweep()
    assert node.registry.series(str(plain[0].SeriesInstanceUID)).state is State.COMPLETE
    assert node.registry.counts()[State.JOINED] == 11


def test_a_series_that_cannot_be_judged_waits_for_its_quiet_time_only(
    node: BenchNode, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake in judging one series holds up neither it nor those that came after it."""

    def judged(headers: Sequence[Header]) -> Completeness:
        if headers[0].series_instance_uid == UID:
            raise ZeroDivisionError
        return completeness(headers)

    monkeypatch.setattr(sweep, "completeness", judged)
    receive_series(node)
    other = receive_series(node, CtpSpec(seed=2))
    sweeper(node, queue, grace_s=0.0, quiet_s=3600.0).sweep()
    assert node.registry.series(UID).state is State.RECEIVING
    assert "could not be judged" in node.registry.series(UID).waiting_for
    assert node.registry.series(other).state is State.COMPLETE
    sweeper(node, queue, grace_s=0.0, quiet_s=1e-6).sweep()
    assert node.registry.series(UID).state is State.COMPLETE


def test_results_that_wait_for_a_destination_go_to_the_first_one(
    tmp_path: Path, queue: FakeQueue
) -> None:
    """A node that had no destination delivers what it has once the settings name one."""
    with BenchNode(bench_settings(tmp_path)) as alone:
        uid = complete_series(alone)
        Steps(alone).analyse(uid)
        sweeper(alone, queue).sweep()
        assert (queue.wakes, alone.registry.series(uid).state) == ([], State.READY)
    with BenchNode(bench_settings(tmp_path, 1)) as node:
        sweeper(node, queue).sweep()
        assert queue.wakes == [Wake("deliver", uid)]
        assert Steps(node).deliver(uid) is State.DELIVERED
        assert node.fake_pacs["pacs0"].received


def test_wake_ups_wait_for_redis(node: BenchNode, queue: FakeQueue) -> None:
    """While Redis is away all else goes on; once it is back the wake-up is there."""
    uid, sweeping = receive_series(node), sweeper(node, queue)
    queue.away = True
    sweeping.sweep()
    assert node.registry.series(uid).state is State.COMPLETE
    queue.away = False
    sweeping.sweep()
    assert queue.wakes == [Wake("analyse", uid)]


def test_one_wake_up_is_enough_while_it_waits(
    node: BenchNode, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wake-up that is still in the queue is not repeated; one that is lost is."""
    monkeypatch.setattr(sweep, "AGAIN_S", 0.0)
    uid, sweeping = complete_series(node), sweeper(node, queue)
    for _ in range(5):
        sweeping.sweep()
    assert queue.wakes == [Wake("analyse", uid)]
    queue.wakes.clear()  # Redis was restarted empty
    sweeping.sweep()
    assert queue.wakes == [Wake("analyse", uid)]


def test_the_lease_of_a_dead_process_is_taken_at_once(node: BenchNode, queue: FakeQueue) -> None:
    """Nobody waits for the lease of a worker that was killed."""
    uid = complete_series(node)
    host, realm, pid, _, n = new_owner().split("|")
    r.lease(node.registry, owner=f"{host}|{realm}|{pid}|1|{n}", series=uid)
    sweeper(node, queue).sweep()
    assert node.registry.series(uid).state is State.COMPLETE
    assert queue.wakes == [Wake("analyse", uid)]


def test_a_living_owner_keeps_its_lease(node: BenchNode, queue: FakeQueue) -> None:
    """A step that runs is left alone."""
    uid = complete_series(node)
    r.lease(node.registry, owner=new_owner(), series=uid)
    sweeper(node, queue).sweep()
    assert node.registry.series(uid).state is State.ANALYSING
