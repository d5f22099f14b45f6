"""What people read of the registry, and what they ask of it."""

import pytest

from node.errors import WrongStateError
from node.ports import DeliveryState, Reason, SeriesState, Wake
from node.registry import Registry
from tests.support import registered as r
from tests.support.registered import SERIES


def test_series_are_listed_newest_first(registry: Registry) -> None:
    """The list is newest first, limited, by state and by any part of a UID or description."""
    for n in range(4):
        r.receive(registry, series=f"1.2.{n}", ignored=n == 3)
    names = [s.series_instance_uid for s in registry.list_series()]
    assert names == ["1.2.3", "1.2.2", "1.2.1", "1.2.0"]
    assert len(registry.list_series(limit=2)) == 2
    assert len(registry.list_series(states=[SeriesState.IGNORED])) == 1
    assert len(registry.list_series(search="ctp 5")) == 4
    assert registry.list_series(search="%") == []


def test_states_are_counted(registry: Registry) -> None:
    """Only states that some series is in are counted."""
    r.receive(registry, series="1.1")
    r.complete(registry, series="1.2")
    assert registry.counts() == {SeriesState.RECEIVING: 1, SeriesState.COMPLETE: 1}


def test_a_person_may_declare_a_series_complete(registry: Registry) -> None:
    """What arrived is analysed, once."""
    r.receive(registry)
    assert registry.declare_complete(SERIES) is SeriesState.COMPLETE
    with pytest.raises(WrongStateError):
        registry.declare_complete(SERIES)


def test_what_has_begun_cannot_be_cancelled(registry: Registry) -> None:
    """A running analysis is not stopped half-way."""
    r.complete(registry)
    r.lease(registry)
    with pytest.raises(WrongStateError):
        registry.cancel(SERIES)


def test_cancelled_results_are_not_sent_until_a_retry(registry: Registry) -> None:
    """Cancelling before delivery sends nothing; a retry sends it after all."""
    r.ready(registry)
    registry.cancel(SERIES)
    assert registry.due(r.now()) == []
    assert registry.retry(SERIES) is SeriesState.READY
    assert r.answer_all(registry) is SeriesState.DELIVERED


def test_a_failed_analysis_is_retried_at_once_in_its_revision(registry: Registry) -> None:
    """A retry begins with a full number of attempts."""
    r.complete(registry)
    before = r.lease(registry)
    registry.fault(before, Reason("model", "x", "y"), now=r.now(), next_try_at=None)
    assert registry.retry(SERIES) is SeriesState.COMPLETE
    again = r.lease(registry, owner="b")
    assert (again.revision, again.attempts) == (1, 0)
    assert again.completed_at == before.completed_at


def test_a_waiting_try_is_made_now(registry: Registry) -> None:
    """Retry does not wait for the pause to end, in analysis and in delivery."""
    r.complete(registry)
    fault = Reason("inference", "x", "y")
    registry.fault(r.lease(registry), fault, now=r.now(), next_try_at=r.now(300))
    registry.retry(SERIES)
    assert registry.due(r.now()) == [Wake("analyse", SERIES)]
    r.finish(registry)
    r.answer_all(registry, DeliveryState.PENDING, None, again_s=300)
    registry.retry(SERIES)
    assert registry.due(r.now()) == [Wake("deliver", SERIES)]


def test_a_refused_series_is_analysed_anew(registry: Registry) -> None:
    """After a change of settings the verdict may be another: a new revision."""
    r.complete(registry)
    r.finish(registry, reason=r.REFUSED)
    assert registry.retry(SERIES) is SeriesState.COMPLETE
    assert r.lease(registry).revision == 2


def test_the_page_of_a_refusal_that_is_retried_is_not_sent(registry: Registry) -> None:
    """What the last revision still owed, or had in hand, never follows the next one's maps."""
    r.complete(registry)
    r.finish(registry, reason=r.REFUSED)
    sending = r.lease(registry, "deliver", owner="sender")
    registry.retry(SERIES)
    assert registry.leases() == []
    with pytest.raises(WrongStateError):
        registry.settle(sending, now=r.now())
    r.finish(registry)
    due = registry.deliveries_due(r.lease(registry, "deliver"), r.now())
    assert {each.sop_instance_uid for each in due} == {"2.25.2.0", "2.25.2.1"}


def test_a_failed_delivery_is_retried_where_it_failed(registry: Registry) -> None:
    """What was stored is not sent again."""
    r.ready(registry)
    r.answer_all(registry, DeliveryState.FAILED, 0x0122)
    assert registry.retry(SERIES) is SeriesState.READY
    assert r.answer_all(registry) is SeriesState.DELIVERED
    with pytest.raises(WrongStateError):
        registry.retry(SERIES)


def test_results_can_be_sent_again(registry: Registry) -> None:
    """A resend owes every object of the revision to every destination once more."""
    r.ready(registry)
    r.answer_all(registry)
    assert registry.resend(SERIES) is SeriesState.READY
    taken = r.lease(registry, "deliver")
    assert len(registry.deliveries_due(taken, r.now())) == 2


def test_nothing_is_sent_again_of_a_series_without_results(registry: Registry) -> None:
    """There must be something to send."""
    r.complete(registry)
    with pytest.raises(WrongStateError):
        registry.resend(SERIES)
