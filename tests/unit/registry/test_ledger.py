"""Completeness, leases and what came of an analysis, on every database."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from node.errors import WrongStateError
from node.ports import Lease, Reason, SeriesState, Wake
from node.registry import Registry
from tests.support import registered as r
from tests.support.registered import SERIES

FAULT = Reason("inference", "out of memory", "Add memory.")


def test_a_look_holds_until_the_next_image(registry: Registry) -> None:
    """The content of a series is judged once for the images it has."""
    r.receive(registry)
    (seen,) = registry.receiving()
    assert not seen.looked
    registry.looked(seen, content_complete=False, missing="slice 3 at 8 s", volume=None)
    (seen,) = registry.receiving()
    assert (seen.looked, seen.missing) == (True, "slice 3 at 8 s")
    assert "slice 3" in registry.series(SERIES).waiting_for
    r.receive(registry, 2)
    assert not registry.receiving()[0].looked


def test_an_image_between_look_and_verdict_keeps_the_series_open(registry: Registry) -> None:
    """Complete is declared of the images that were judged, or not at all."""
    r.receive(registry)
    (seen,) = registry.receiving()
    r.receive(registry, 2)
    registry.looked(seen, content_complete=True, missing="", volume=None)
    assert not registry.complete(seen, now=r.now(), note="whole")
    (series,) = registry.receiving()
    assert not series.content_complete


def test_a_complete_series_is_due_until_somebody_has_it(registry: Registry) -> None:
    """What is complete is to be analysed; what is leased is nobody else's."""
    r.complete(registry)
    assert registry.due(r.now()) == [Wake("analyse", SERIES)]
    r.lease(registry)
    assert registry.due(r.now()) == []
    assert registry.series(SERIES).state is SeriesState.ANALYSING


def test_of_many_owners_one_wins(registry: Registry) -> None:
    """However many workers are woken at once, one has the series."""
    r.complete(registry)

    def take(owner: str) -> Lease | None:
        return registry.lease(Wake("analyse", SERIES), owner, now=r.now(), until=r.now(60))

    with ThreadPoolExecutor(8) as pool:
        taken = [t for t in pool.map(take, "abcdefgh") if t is not None]
    assert len(taken) == 1
    assert registry.leases() == taken


def test_nothing_is_leased_of_an_unknown_series(registry: Registry) -> None:
    """A wake-up that outlived its series leads to nothing."""
    assert registry.lease(Wake("analyse", "1.9"), "a", now=r.now(), until=r.now(60)) is None


def test_a_lease_is_extended_by_its_owner_alone(registry: Registry) -> None:
    """An owner that lost its lease learns it at the next heartbeat."""
    r.complete(registry)
    first = r.lease(registry)
    assert registry.extend(first, r.now(120))
    assert registry.holds(first)
    (longer,) = registry.leases()
    registry.expire(longer, now=r.now(), max_attempts=3)
    second = r.lease(registry, owner="b")
    assert not registry.extend(first, r.now(120))
    assert not registry.holds(first)
    assert registry.extend(second, r.now(120))


def test_a_lease_that_was_extended_meanwhile_does_not_expire(registry: Registry) -> None:
    """The sweep takes away only what it saw overdue."""
    r.complete(registry)
    seen = r.lease(registry)
    registry.extend(seen, r.now(120))
    assert registry.expire(seen, now=r.now(), max_attempts=3) is None


def test_a_series_that_kills_its_workers_fails(registry: Registry) -> None:
    """After the last attempt a series is FAILED with the reason, and no longer due."""
    r.complete(registry)
    states = []
    for owner in "abc":
        taken = r.lease(registry, owner=owner)
        states.append(registry.expire(taken, now=r.now(), max_attempts=3))
    assert states == [SeriesState.COMPLETE, SeriesState.COMPLETE, SeriesState.FAILED]
    series = registry.series(SERIES)
    assert series.reason is not None
    assert (series.reason.code, series.attempts) == ("worker_lost", 3)
    assert registry.due(r.now()) == []


def test_delivery_that_kills_its_workers_fails(registry: Registry) -> None:
    """The limit of attempts holds for deliveries too."""
    r.ready(registry)
    for owner in "abc":
        state = registry.expire(r.lease(registry, "deliver", owner), now=r.now(), max_attempts=3)
    assert state is SeriesState.FAILED


def test_a_fault_is_tried_again_when_its_time_has_come(registry: Registry) -> None:
    """The next try's time is in the registry, not in a message."""
    r.complete(registry)
    registry.fault(r.lease(registry), FAULT, now=r.now(), next_try_at=r.now(30))
    assert registry.due(r.now()) == []
    assert registry.due(r.now(31)) == [Wake("analyse", SERIES)]
    series = registry.series(SERIES)
    assert (series.state, series.reason, series.attempts) == (SeriesState.COMPLETE, FAULT, 1)


def test_a_fault_without_next_try_fails_the_series(registry: Registry) -> None:
    """What cannot be tried again is FAILED, with its remedy."""
    r.complete(registry)
    registry.fault(r.lease(registry), FAULT, now=r.now(), next_try_at=None)
    series = registry.series(SERIES)
    assert (series.state, series.reason) == (SeriesState.FAILED, FAULT)


def test_a_lost_lease_ends_nothing(registry: Registry) -> None:
    """A worker that lost its series to a late image can neither finish nor fail it."""
    r.complete(registry)
    lost = r.lease(registry)
    r.receive(registry, 2)
    with pytest.raises(WrongStateError, match="lost"):
        registry.finish(lost, r.outcome(), destinations=r.WANTED, now=r.now())
    with pytest.raises(WrongStateError, match="lost"):
        registry.fault(lost, FAULT, now=r.now(), next_try_at=None)
    assert registry.series(SERIES).results == ()


def test_completed_at_stays_for_a_revision(registry: Registry) -> None:
    """A rerun of a revision is dated as its first run, a new revision is not."""
    r.complete(registry)
    first = r.lease(registry)
    registry.expire(first, now=r.now(), max_attempts=3)
    again = r.lease(registry, owner="b")
    assert (again.completed_at, again.revision) == (first.completed_at, 1)
    r.receive(registry, 2)
    (seen,) = registry.receiving()
    registry.complete(seen, now=r.now(5), note="whole")
    later = r.lease(registry, owner="c")
    assert later.completed_at > first.completed_at
    assert later.revision == 2


def test_a_finished_analysis_is_kept_with_its_numbers(registry: Registry) -> None:
    """Results, numbers and stage times are read back as they were recorded."""
    r.ready(registry)
    series = registry.series(SERIES)
    assert series.state is SeriesState.READY
    assert series.results == r.outcome().results
    assert (series.summary, series.stages_s) == ({"core_ml": 1.5}, {"predict": 0.5})
    assert series.checks == (r.CHECK,)
    assert [e.name for e in series.events] == [
        "first_instance",
        "completed",
        "analysis_started",
        "analysed",
    ]


def test_a_refusal_is_refused_and_its_page_is_owed(registry: Registry) -> None:
    """A refusal stays REFUSED while its page is delivered, and afterwards."""
    r.complete(registry)
    assert r.finish(registry, reason=r.REFUSED) is SeriesState.REFUSED
    assert registry.due(r.now()) == [Wake("deliver", SERIES)]
    assert r.answer_all(registry) is SeriesState.REFUSED
    series = registry.series(SERIES)
    assert (series.state, series.reason) == (SeriesState.REFUSED, r.REFUSED)
    assert {d.state for d in series.deliveries} == {"STORED"}
    assert registry.due(r.now()) == []
