"""What is owed to each destination, and what became of it."""

import pytest

from node.errors import WrongStateError
from node.ports import DeliveryOutcome, DeliveryState, Reason, Ruling, SeriesState, Wake
from node.registry import Registry
from tests.support import registered as r
from tests.support.registered import SERIES

BOTH = {"pacs": ("colour",), "research": ("colour", "parametric_map")}


def outcome(number: int, state: DeliveryState, *, at: str = "pacs") -> DeliveryOutcome:
    return DeliveryOutcome(f"2.25.1.{number}", at, state, 0, "")


def test_each_destination_is_owed_what_it_wants(registry: Registry) -> None:
    """A destination gets the kinds its settings name, and no others."""
    r.ready(registry, {**BOTH, "viewer": ("segmentation",)})
    deliveries = registry.series(SERIES).deliveries
    assert [d.destination for d in deliveries] == ["pacs", "pacs", "research", "research"]


def test_what_a_rule_keeps_back_is_never_owed(registry: Registry) -> None:
    """Nor when it is sent again, nor to a later destination; the next analysis is free."""
    r.complete(registry)
    taken, ruling = (
        r.lease(registry),
        Ruling('from "CT1": sent to pacs only', {"pacs": ("colour",)}),
    )
    registry.finish(taken, r.outcome(), destinations=BOTH, ruling=ruling, now=r.now())
    registry.owe(SERIES, {**BOTH, "viewer": ("colour",)}, now=r.now())
    series = registry.series(SERIES)
    assert {d.destination for d in series.deliveries} == {"pacs"}
    assert ("rule_applied", ruling.rule) in [(e.name, e.detail) for e in series.events]
    r.answer_all(registry)
    registry.analyse_again(SERIES)
    r.finish(registry, BOTH)
    owed = [d for d in registry.series(SERIES).deliveries if d.state is DeliveryState.PENDING]
    assert {d.destination for d in owed} == {"pacs", "research"}


def test_without_a_destination_the_series_says_what_it_waits_for(registry: Registry) -> None:
    """Results that nobody wants stay READY, visibly, and are never due."""
    r.ready(registry, {})
    assert "destination" in registry.series(SERIES).waiting_for
    assert registry.due(r.now()) == []


def test_all_stored_is_delivered(registry: Registry) -> None:
    """Once every object is answered with success, the series is DELIVERED and rests."""
    r.ready(registry, BOTH)
    assert r.answer_all(registry) is SeriesState.DELIVERED
    assert registry.series(SERIES).delivered_at is not None
    assert registry.due(r.now()) == []


def test_what_was_stored_before_a_crash_is_not_sent_again(registry: Registry) -> None:
    """Each answer is on record at once; the next round sends only what is left."""
    r.ready(registry)
    lost = r.lease(registry, "deliver")
    registry.delivered(lost, outcome(0, DeliveryState.STORED), now=r.now())
    registry.expire(lost, now=r.now(), max_attempts=3)
    again = r.lease(registry, "deliver", "b")
    left = [d.sop_instance_uid for d in registry.deliveries_due(again, r.now())]
    assert left == ["2.25.1.1"]


def test_a_destination_that_is_away_is_tried_when_its_time_has_come(registry: Registry) -> None:
    """A pending object makes the series READY again, with the time of the next try."""
    r.ready(registry)
    assert r.answer_all(registry, DeliveryState.PENDING, None, again_s=30) is SeriesState.READY
    assert registry.due(r.now()) == []
    assert registry.due(r.now(31)) == [Wake("deliver", SERIES)]
    series = registry.series(SERIES)
    assert "pacs" in series.waiting_for
    assert series.next_try_at is not None
    assert {d.attempts for d in series.deliveries} == {1}


def test_a_permanent_failure_fails_the_series(registry: Registry) -> None:
    """What a PACS will never take is FAILED with the destination named."""
    r.ready(registry)
    assert r.answer_all(registry, DeliveryState.FAILED, 0x0122) is SeriesState.FAILED
    reason = registry.series(SERIES).reason
    assert reason is not None
    assert "pacs" in reason.found


def test_a_rejected_context_fails_nothing_else(registry: Registry) -> None:
    """An object whose context was rejected is skipped; the others make the series DELIVERED."""
    r.ready(registry)
    taken = r.lease(registry, "deliver")
    registry.delivered(taken, outcome(0, DeliveryState.STORED), now=r.now())
    registry.delivered(taken, outcome(1, DeliveryState.SKIPPED), now=r.now())
    assert registry.settle(taken, now=r.now()) is SeriesState.DELIVERED


def test_a_destination_that_took_nothing_has_failed(registry: Registry) -> None:
    """Every context rejected is no delivery, and is never called one."""
    r.ready(registry)
    assert r.answer_all(registry, DeliveryState.SKIPPED, None) is SeriesState.FAILED


def test_the_new_result_supersedes_what_was_not_sent(registry: Registry) -> None:
    """After a late image only the new revision is delivered."""
    r.ready(registry)
    r.receive(registry, 2)
    (seen,) = registry.receiving()
    registry.complete(seen, now=r.now(), note="whole")
    r.finish(registry)
    assert r.answer_all(registry) is SeriesState.DELIVERED
    states = {d.sop_instance_uid: d.state for d in registry.series(SERIES).deliveries}
    assert states["2.25.1.0"] is DeliveryState.SKIPPED
    assert states["2.25.2.0"] is DeliveryState.STORED


def test_what_arrived_is_on_record_even_where_it_was_superseded(registry: Registry) -> None:
    """An answer that comes after the late image still says what the PACS now holds."""
    r.ready(registry)
    lost = r.lease(registry, "deliver")
    r.receive(registry, 2)
    registry.delivered(lost, outcome(0, DeliveryState.STORED), now=r.now())
    registry.delivered(lost, outcome(1, DeliveryState.FAILED), now=r.now())
    with pytest.raises(WrongStateError):
        registry.settle(lost, now=r.now())
    states = [d.state for d in registry.series(SERIES).deliveries]
    assert states == [DeliveryState.STORED, DeliveryState.SKIPPED]


def test_a_fault_of_the_step_postpones_what_is_left(registry: Registry) -> None:
    """A disk that cannot be read is no answer of the PACS: the objects stay owed."""
    r.ready(registry)
    reason = Reason("spool", "the disk failed", "Look at the disk.")
    taken = r.lease(registry, "deliver")
    registry.fault(taken, reason, now=r.now(), next_try_at=r.now(30))
    assert registry.due(r.now()) == []
    assert registry.due(r.now(31)) == [Wake("deliver", SERIES)]


def test_what_nobody_wanted_is_owed_to_whoever_comes_to_want_it(registry: Registry) -> None:
    """Results wait for a destination; the first that wants their kind is owed them, once."""
    r.ready(registry, wanted={})
    assert registry.unowed(["parametric_map"]) == []
    assert registry.unowed(["colour"]) == [SERIES]
    assert registry.owe(SERIES, {"pacs": ("colour",), "other": ("background",)}, now=r.now()) == 2
    assert registry.owe(SERIES, {"pacs": ("colour",)}, now=r.now()) == 0
    assert registry.unowed(["colour"]) == []
    assert r.answer_all(registry) is SeriesState.DELIVERED
    assert registry.owe(SERIES, {"late": ("colour",)}, now=r.now()) == 0


def test_a_round_that_only_was_not_settled_is_due(registry: Registry) -> None:
    """Its worker died after the last answer: nothing is pending, and yet it must not wait."""
    r.ready(registry)
    lost = r.lease(registry, "deliver")
    for number in range(2):
        registry.delivered(lost, outcome(number, DeliveryState.STORED), now=r.now())
    registry.expire(lost, now=r.now(), max_attempts=3)
    assert registry.due(r.now()) == [Wake("deliver", SERIES)]
    again = r.lease(registry, "deliver", "b")
    assert registry.deliveries_due(again, r.now()) == []
    assert registry.settle(again, now=r.now()) is SeriesState.DELIVERED
    assert registry.due(r.now()) == []
