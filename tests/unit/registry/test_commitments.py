"""What destinations are asked to commit to, and what a reply changes."""

import pytest

from node.errors import WrongStateError
from node.ports import (
    CommitmentOutcome,
    CommitmentRecord,
    CommitmentState,
    CommitmentTally,
    DeliveryState,
    DueCommitment,
    Ended,
    Part,
    Replied,
    SeriesRecord,
    SeriesState,
    Wake,
)
from node.registry import Registry
from tests.support import registered as r
from tests.support.registered import SERIES

State = SeriesState
ASKED, OWED, FAILED = CommitmentState.ASKED, CommitmentState.OWED, CommitmentState.FAILED
CONFIRMED, UNCONFIRMED = CommitmentState.CONFIRMED, CommitmentState.UNCONFIRMED
A, B = "2.25.1.0", "2.25.1.1"
COMMIT = Wake("commit", SERIES)
BOTH = {"pacs": ("colour",), "research": ("colour",)}


def delivered(registry: Registry) -> None:
    """Two objects stored at a destination that is to confirm them."""
    r.ready(registry)
    assert r.answer_all(registry, committing=["pacs"]) is State.DELIVERED


def asked(registry: Registry) -> None:
    """The destination has accepted the request, and its worker has gone on."""
    delivered(registry)
    taken = r.lease(registry, "commit")
    r.ask(registry, taken)
    assert registry.settle_commitments(taken, now=r.now()) is State.DELIVERED


def series(registry: Registry) -> SeriesRecord:
    return registry.series(SERIES)


def commitments(registry: Registry) -> dict[str, CommitmentRecord]:
    deliveries = series(registry).deliveries
    return {d.sop_instance_uid: d.commitment for d in deliveries if d.commitment}


def states(registry: Registry) -> list[CommitmentState]:
    return [each.state for each in commitments(registry).values()]


def decided(
    registry: Registry, state: CommitmentState, *, again: bool = False, lost: bool = False
) -> SeriesState:
    """A round that ends all that is due in the same way."""
    taken = r.lease(registry, "commit")
    due = registry.commitments_due(taken, r.now())
    at = None if state is UNCONFIRMED else r.now()
    outcomes = [
        CommitmentOutcome(d, state, "the reason", at, send_again=again, lost=lost) for d in due
    ]
    registry.commitments_decided(taken, outcomes, now=r.now())
    return registry.settle_commitments(taken, now=r.now())


def test_what_was_stored_is_to_be_confirmed(registry: Registry) -> None:
    """A delivered series says what it waits for, and the asking is due."""
    delivered(registry)
    assert states(registry) == [OWED, OWED]
    assert registry.due(r.now()) == [COMMIT]
    assert series(registry).waiting_for == "pacs to confirm 2 of 2 objects"


def test_a_destination_that_is_not_to_commit_is_not_asked(registry: Registry) -> None:
    """Without storage commitment a delivered series rests."""
    r.ready(registry)
    r.answer_all(registry)
    assert commitments(registry) == {}
    assert registry.due(r.now()) == []


def test_a_reply_that_confirms_all_makes_the_series_confirmed(registry: Registry) -> None:
    """CONFIRMED, with the time; nothing is due any more."""
    asked(registry)
    assert registry.due(r.now()) == []
    assert registry.awaits_reply("1.9")
    assert r.reply(registry, A, B) is Replied.RECORDED
    assert not registry.awaits_reply("1.9")
    assert series(registry).state is State.CONFIRMED
    assert series(registry).confirmed_at is not None
    assert series(registry).delivered_at is not None
    assert registry.due(r.now(10**6)) == []


def test_a_reply_may_come_before_its_request_is_known_to_be_accepted(registry: Registry) -> None:
    """The transaction is on record before it is asked for; what a reply says stands."""
    delivered(registry)
    taken = r.lease(registry, "commit")
    due = [each.reference for each in registry.commitments_due(taken, r.now())]
    request = r.CommitmentRequest("1.9", "pacs", tuple(due))
    registry.request_commitment(taken, request, now=r.now())
    r.reply(registry, A, B)
    registry.commitment_asked(taken, "1.9", now=r.now(), until=r.now(60))
    assert states(registry) == [CONFIRMED, CONFIRMED]
    assert registry.settle_commitments(taken, now=r.now()) is State.CONFIRMED


def test_a_transaction_that_nobody_began_changes_nothing(registry: Registry) -> None:
    """Unknown is what its sender is told."""
    asked(registry)
    before = series(registry)
    assert r.reply(registry, A, B, name="1.2.3") is Replied.UNKNOWN
    assert series(registry) == before


def test_a_doubled_reply_changes_nothing(registry: Registry) -> None:
    """Not even where it says something else the second time."""
    asked(registry)
    r.reply(registry, A, failed={B: 0x0112})
    before = series(registry)
    assert r.reply(registry, A, B) is Replied.REPEATED
    assert series(registry) == before


def test_without_a_reply_in_time_it_is_asked_for_again(registry: Registry) -> None:
    """The next try is on record, and due when its time has come."""
    asked(registry)
    next_try_at = series(registry).next_try_at
    assert next_try_at is not None
    assert 1790 < (next_try_at - r.now()).total_seconds() < 1800
    assert registry.due(r.now(1799)) == []
    assert registry.due(r.now(1801)) == [COMMIT]


def test_a_late_reply_confirms_all_the_same(registry: Registry) -> None:
    """What the first of two transactions confirms needs no second reply."""
    asked(registry)
    late = r.now(1801)
    taken = registry.lease(COMMIT, "b", now=late, until=r.now(3600))
    assert taken is not None
    due = [each.reference for each in registry.commitments_due(taken, late)]
    registry.request_commitment(taken, r.CommitmentRequest("2.9", "pacs", tuple(due)), now=late)
    registry.commitment_asked(taken, "2.9", now=late, until=r.now(5400))
    registry.settle_commitments(taken, now=late)
    r.reply(registry, A, failed={B: 0x0112}, name="1.9")
    assert [(c.state, c.tries) for c in commitments(registry).values()] == [
        (CONFIRMED, 2),
        (ASKED, 2),
    ]
    r.reply(registry, A, B, name="2.9")
    assert series(registry).state is State.CONFIRMED


def test_what_failed_is_sent_again_before_it_is_asked_for_again(registry: Registry) -> None:
    """The one object is due for delivery, the other is confirmed and left alone."""
    asked(registry)
    r.reply(registry, A, failed={B: 0x0112})
    assert registry.due(r.now()) == [COMMIT]
    assert commitments(registry)[B].failure == 0x0112
    assert decided(registry, OWED, again=True) is State.READY
    assert registry.due(r.now()) == [Wake("deliver", SERIES)]
    taken = r.lease(registry, "deliver")
    assert [d.sop_instance_uid for d in registry.deliveries_due(taken, r.now())] == [B]
    registry.fault(taken, r.REFUSED, now=r.now(), next_try_at=r.now())
    assert r.answer_all(registry, committing=["pacs"]) is State.DELIVERED
    taken = r.lease(registry, "commit")
    (due,) = registry.commitments_due(taken, r.now())
    assert (due.reference.sop_instance_uid, due.failures) == (B, 1)
    r.ask(registry, taken, "2.9")
    registry.settle_commitments(taken, now=r.now())
    r.reply(registry, B, name="2.9")
    assert series(registry).state is State.CONFIRMED


def test_an_object_that_a_reply_does_not_name_is_not_confirmed(registry: Registry) -> None:
    """Silence about an object is no commitment to it."""
    asked(registry)
    r.reply(registry, A)
    assert [(c.state, c.failure) for c in commitments(registry).values()] == [
        (CONFIRMED, None),
        (FAILED, None),
    ]


def test_an_object_that_the_destination_does_not_have_fails_the_series(registry: Registry) -> None:
    """It is no delivery; a person's retry sends just that object, and it is asked for anew."""
    asked(registry)
    r.reply(registry, A, failed={B: 0x0112})
    assert decided(registry, UNCONFIRMED, lost=True) is State.FAILED
    reason = series(registry).reason
    assert reason is not None
    assert "1 of 2 objects at pacs: the reason" in reason.found
    assert registry.retry(SERIES) is State.READY
    taken = r.lease(registry, "deliver")
    assert [d.sop_instance_uid for d in registry.deliveries_due(taken, r.now())] == [B]
    assert list(commitments(registry)) == [A]


def test_what_cannot_be_confirmed_stays_delivered_with_a_remedy(registry: Registry) -> None:
    """DELIVERED, with the reason and what to do; a retry asks again from the start."""
    delivered(registry)
    assert decided(registry, UNCONFIRMED) is State.DELIVERED
    found = series(registry)
    assert found.reason is not None
    assert found.reason.code == "not_confirmed"
    assert "commitment = false" in found.reason.remedy
    assert found.next_try_at is None
    assert registry.due(r.now(10**6)) == []
    assert registry.commitments() == [CommitmentTally("pacs", UNCONFIRMED, 2)]
    assert registry.retry(SERIES) is State.DELIVERED
    assert series(registry).reason is None
    assert registry.due(r.now()) == [COMMIT]


def test_a_confirmed_series_has_nothing_to_try_again(registry: Registry) -> None:
    """A retry of what is done is refused."""
    asked(registry)
    r.reply(registry, A, B)
    with pytest.raises(WrongStateError):
        registry.retry(SERIES)


def test_one_destination_is_asked_while_another_is_waited_for(registry: Registry) -> None:
    """The series is CONFIRMED once both have stored and confirmed everything."""
    r.ready(registry, BOTH)
    taken = r.lease(registry, "deliver")
    for due in registry.deliveries_due(taken, r.now()):
        here = due.destination == "pacs"
        state = DeliveryState.STORED if here else DeliveryState.PENDING
        answer = r.DeliveryOutcome(
            due.sop_instance_uid, due.destination, state, 0, "", None if here else r.now(30)
        )
        registry.delivered(taken, answer, now=r.now())
    assert registry.settle(taken, committing=BOTH, now=r.now()) is State.READY
    assert registry.due(r.now()) == [COMMIT]
    taken = r.lease(registry, "commit")
    r.ask(registry, taken)
    assert registry.settle_commitments(taken, now=r.now()) is State.READY
    r.reply(registry, A, B)
    assert series(registry).state is State.READY
    registry.retry(SERIES)
    assert r.answer_all(registry, committing=BOTH) is State.DELIVERED
    taken = r.lease(registry, "commit")
    r.ask(registry, taken, "2.9", "research")
    registry.settle_commitments(taken, now=r.now())
    r.reply(registry, A, B, name="2.9")
    assert series(registry).state is State.CONFIRMED


def test_a_destination_that_is_not_to_commit_any_more_is_let_off(registry: Registry) -> None:
    """What was owed is forgotten; without anything to confirm the series is just DELIVERED."""
    delivered(registry)
    taken = r.lease(registry, "commit")
    registry.waive_commitments(taken, "pacs")
    assert registry.settle_commitments(taken, now=r.now()) is State.DELIVERED
    assert commitments(registry) == {}
    assert series(registry).waiting_for == ""


def test_a_new_revision_asks_for_nothing_of_the_old(registry: Registry) -> None:
    """A late image: what was open is over, but a reply is recorded and moves no state."""
    asked(registry)
    r.receive(registry, 2)
    assert states(registry) == [UNCONFIRMED, UNCONFIRMED]
    assert registry.due(r.now(10**6)) == []
    assert registry.commitments() == []
    assert r.reply(registry, A, B) is Replied.RECORDED
    assert states(registry) == [CONFIRMED, CONFIRMED]
    assert series(registry).state is State.RECEIVING


def test_what_is_sent_to_all_again_is_confirmed_again(registry: Registry) -> None:
    """A resend begins anew, also where an asking is under way."""
    delivered(registry)
    lost = r.lease(registry, "commit")
    assert registry.resend(SERIES) is State.READY
    with pytest.raises(WrongStateError):
        registry.settle_commitments(lost, now=r.now())
    assert commitments(registry) == {}
    assert r.answer_all(registry, committing=["pacs"]) is State.DELIVERED
    assert states(registry) == [OWED, OWED]


def test_a_refusals_page_is_confirmed_and_the_refusal_stays(registry: Registry) -> None:
    """REFUSED is where the series ends, whatever becomes of its page."""
    r.complete(registry)
    r.finish(registry, reason=r.REFUSED)
    assert r.answer_all(registry, committing=["pacs"]) is State.REFUSED
    taken = r.lease(registry, "commit")
    r.ask(registry, taken)
    assert registry.settle_commitments(taken, now=r.now()) is State.REFUSED
    r.reply(registry, A, B)
    assert states(registry) == [CONFIRMED, CONFIRMED]
    assert series(registry).state is State.REFUSED
    assert registry.due(r.now(10**6)) == []


def test_a_worker_that_dies_while_asking_leaves_it_due(registry: Registry) -> None:
    """Asked again at once; after too many lost workers it is over, and still DELIVERED."""
    delivered(registry)
    for number in range(3):
        lost = r.lease(registry, "commit", f"owner {number}")
        due: list[DueCommitment] = list(registry.commitments_due(lost, r.now()))
        request = r.CommitmentRequest(f"{number}.9", "pacs", tuple(d.reference for d in due))
        registry.request_commitment(lost, request, now=r.now())
        assert registry.expire(lost, now=r.now(), max_attempts=3) is State.DELIVERED
    assert states(registry) == [UNCONFIRMED, UNCONFIRMED]
    found = series(registry)
    assert found.reason is not None
    assert "the worker was lost" in found.reason.found


def test_no_file_expires_that_may_have_to_be_sent_again(registry: Registry) -> None:
    """What a destination has yet to confirm is kept, however little room there is."""
    asked(registry)
    for part in Part:
        assert registry.expirable(part, Ended.FINISHED, r.now(60), 9) == []
    assert not registry.begin_expiry(SERIES, list(Part), "no room")
    r.reply(registry, A, B)
    for part in Part:
        assert registry.expirable(part, Ended.FINISHED, r.now(60), 9) == [SERIES]
