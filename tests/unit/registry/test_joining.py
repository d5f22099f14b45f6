"""Time points and slabs joined to the scan they are parts of: nothing lost, nothing twice."""

from dataclasses import replace

import pytest

from node.ports import SeriesState
from node.registry import Registry
from node.series import Volume
from tests.support import registered as r

State = SeriesState
LEADER, *MEMBERS = POINTS = ("1.5", "1.6", "1.7")


POINT = Volume(r.header(), low_mm=0.0, high_mm=15.0, slices=4)
SLAB = replace(POINT, frames=14, clock="AcquisitionTime", first_s=1.5, last_s=40.5)


def received(registry: Registry, uid: str, volume: Volume = POINT) -> None:
    """One image of a series, looked at and found to show its slices once, or to be a slab."""
    r.receive(registry, series=uid)
    looked(registry, uid, volume)


def looked(registry: Registry, uid: str, volume: Volume = POINT) -> None:
    seen = next(s for s in registry.receiving() if s.series_instance_uid == uid)
    volume = replace(volume, header=r.header(series=uid))
    registry.looked(seen, content_complete=False, missing="a second time point", volume=volume)


@pytest.fixture
def joined(registry: Registry) -> Registry:
    """Three time points, the first of them leading."""
    for uid in POINTS:
        received(registry, uid)
    assert registry.join(LEADER, MEMBERS, now=r.now()) == 2
    return registry


def test_members_are_joined_and_the_leader_has_their_images(joined: Registry) -> None:
    """A member is JOINED and says to what; the leader still waits, with all the images."""
    assert [joined.series(uid).state for uid in POINTS] == [
        State.RECEIVING,
        State.JOINED,
        State.JOINED,
    ]
    assert LEADER in joined.series(MEMBERS[0]).events[-1].detail
    held = {image.header.series_instance_uid for image in joined.instances(LEADER)}
    assert held == set(POINTS)
    assert joined.series(LEADER).instances == 3
    [seen] = joined.receiving()
    assert seen.has_parts
    assert not seen.looked


def test_what_was_noted_of_a_time_point_is_given_back(joined: Registry) -> None:
    """The same volume, and the leader of each."""
    parts = joined.scan_parts()
    assert [p.volume.series_instance_uid for p in parts] == list(POINTS)
    assert {p.leader for p in parts} == {LEADER}
    assert parts[0].volume == Volume(r.header(series=LEADER), 0.0, 15.0, 4)


def test_joining_again_changes_nothing(joined: Registry) -> None:
    """Two workers may see the same scan at once: the second finds nothing left to join."""
    assert joined.join(LEADER, MEMBERS, now=r.now()) == 0
    assert joined.join(MEMBERS[0], [LEADER], now=r.now()) == 0
    assert joined.series(LEADER).instances == 3


def test_only_the_leader_is_ever_due(joined: Registry) -> None:
    """A member is not completed, not analysed and not delivered by itself."""
    [seen] = joined.receiving()
    assert joined.complete(seen, now=r.now(), note="quiet")
    assert [wake.series_instance_uid for wake in joined.due(r.now())] == [LEADER]


@pytest.mark.parametrize("reached", [State.COMPLETE, State.ANALYSING, State.READY])
def test_a_late_image_of_a_member_opens_the_scan_again(
    joined: Registry, reached: SeriesState
) -> None:
    """Its image is the leader's image: the maps without it are superseded."""
    [seen] = joined.receiving()
    joined.complete(seen, now=r.now(), note="quiet")
    if reached is State.READY:
        held = r.lease(joined, series=LEADER)
        joined.finish(held, r.outcome(), destinations={}, now=r.now())
    elif reached is State.ANALYSING:
        r.lease(joined, series=LEADER)
    r.receive(joined, 2, MEMBERS[1])
    leader = joined.series(LEADER)
    assert (leader.state, leader.revision, leader.instances) == (State.RECEIVING, 2, 4)
    assert joined.series(MEMBERS[1]).state is State.JOINED
    assert len(joined.instances(LEADER)) == 4


def test_a_late_time_point_opens_the_scan_again(joined: Registry) -> None:
    """A whole series that came after the analysis joins it, and the maps are made anew."""
    [seen] = joined.receiving()
    joined.complete(seen, now=r.now(), note="quiet")
    joined.finish(r.lease(joined, series=LEADER), r.outcome(), destinations={}, now=r.now())
    received(joined, "1.8")
    assert joined.join(LEADER, ["1.8"], now=r.now()) == 1
    leader = joined.series(LEADER)
    assert (leader.state, leader.revision, leader.instances) == (State.RECEIVING, 2, 4)


def test_a_time_point_that_was_refused_alone_is_not_lost(registry: Registry) -> None:
    """Where the time points come slowly, the first are judged alone before the rest is there."""
    received(registry, LEADER)
    [seen] = registry.receiving()
    registry.complete(seen, now=r.now(), note="quiet")
    refused = r.outcome(reason=replace(r.REFUSED, code="not_perfusion"), objects=0)
    registry.finish(r.lease(registry, series=LEADER), refused, destinations={}, now=r.now())
    received(registry, MEMBERS[0])
    assert len(registry.scan_parts()) == 2
    assert registry.join(MEMBERS[0], [LEADER], now=r.now()) == 1
    assert registry.series(LEADER).state is State.JOINED
    assert registry.series(LEADER).reason is None


def test_a_slab_with_maps_of_its_own_takes_up_the_one_that_comes_later(registry: Registry) -> None:
    """A slab alone is a whole scan: its maps are made, and made anew with the other slab."""
    received(registry, LEADER, SLAB)
    [seen] = registry.receiving()
    registry.complete(seen, now=r.now(), note="whole")
    registry.finish(r.lease(registry, series=LEADER), r.outcome(), destinations={}, now=r.now())
    received(registry, MEMBERS[0], SLAB)
    parts = registry.scan_parts()
    assert [(p.volume.series_instance_uid, p.leader) for p in parts] == [
        (LEADER, LEADER),
        (MEMBERS[0], ""),
    ]
    assert parts[0].volume == replace(SLAB, header=r.header(series=LEADER))
    assert registry.join(LEADER, [MEMBERS[0]], now=r.now()) == 1
    leader = registry.series(LEADER)
    assert (leader.state, leader.revision, leader.instances) == (State.RECEIVING, 2, 2)


def test_a_single_time_point_in_work_is_not_offered(registry: Registry) -> None:
    """Its verdict comes first: alone it is refused, and free to be joined."""
    received(registry, LEADER)
    [seen] = registry.receiving()
    registry.complete(seen, now=r.now(), note="quiet")
    r.lease(registry, series=LEADER)
    received(registry, MEMBERS[0])
    assert [p.volume.series_instance_uid for p in registry.scan_parts()] == [MEMBERS[0]]


def test_what_a_person_cancelled_stays_out(registry: Registry) -> None:
    """A cancelled series is neither offered nor joined."""
    for uid in POINTS:
        received(registry, uid)
    registry.cancel(MEMBERS[0])
    assert len(registry.scan_parts()) == 2
    assert registry.join(LEADER, MEMBERS, now=r.now()) == 1
    assert registry.series(MEMBERS[0]).state is State.CANCELLED


def test_a_scan_waits_for_its_study(joined: Registry) -> None:
    """The last image of any series of the study says how long it has been quiet."""
    before = joined.receiving()[0].study_last_at
    r.receive(joined, series="1.99")
    after = next(s for s in joined.receiving() if s.series_instance_uid == LEADER)
    assert after.study_last_at > before
    assert after.received_last_at <= before
