"""Storage commitment under a lease, around fake destinations; and what each answer comes to."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from node.jobs.committing import CommitmentPolicy
from node.jobs.retry import RetryPolicy
from node.jobs.steps import Steps
from node.ports import (
    CommitmentAnswer,
    CommitmentState,
    DueCommitment,
    SeriesState,
    SopReference,
)
from node.settings import CommitmentSettings, Destination, JobsSettings
from tests.support.bench_node import BenchNode, bench_settings, complete_series
from tests.support.registered import now

State = SeriesState
OWED, UNCONFIRMED = CommitmentState.OWED, CommitmentState.UNCONFIRMED
POLICY = CommitmentPolicy(
    retry=RetryPolicy(5.0, 300.0, jitter=0.0),
    reply=RetryPolicy(1800.0, 14_400.0, jitter=0.0),
    patience=timedelta(hours=48),
    max_resends=2,
)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[BenchNode]:
    destination = Destination(name="pacs", ae_title="PACS", port=1, commitment=True)
    settings = bench_settings(
        tmp_path,
        destinations=(destination,),
        jobs=JobsSettings(retry_first_s=0.01, retry_longest_s=0.01),
        commitment=CommitmentSettings(hold_s=0.3),
    )
    with BenchNode(settings) as bench:
        yield bench


def delivered(node: BenchNode) -> tuple[str, Steps]:
    uid, steps = complete_series(node), Steps(node)
    steps.analyse(uid)
    assert steps.deliver(uid) is State.DELIVERED
    return uid, steps


def rounds(node: BenchNode, uid: str, steps: Steps) -> SeriesState:
    """Every step that is due, a few times; the state afterwards."""
    for _ in range(8):
        time.sleep(0.02)  # the pauses are a hundredth of a second
        steps.deliver(uid)
        steps.commit(uid)
    return node.registry.series(uid).state


def test_a_delivered_series_is_confirmed(node: BenchNode) -> None:
    """One transaction for all objects of the destination; then nothing is left to do."""
    uid, steps = delivered(node)
    assert steps.commit(uid) is State.CONFIRMED
    (request,) = node.fake_pacs["pacs"].requests
    made = [(r.sop_class_uid, r.sop_instance_uid) for r in node.registry.series(uid).results]
    assert [(o.sop_class_uid, o.sop_instance_uid) for o in request.objects] == made
    assert steps.commit(uid) is None


def test_a_reply_that_does_not_come_leaves_the_series_delivered(node: BenchNode) -> None:
    """The association is not held for ever; when the reply comes later, it is CONFIRMED."""
    uid, steps = delivered(node)
    pacs = node.fake_pacs["pacs"]
    pacs.replies = False
    assert steps.commit(uid) is State.DELIVERED
    series = node.registry.series(uid)
    assert "pacs to confirm" in series.waiting_for
    assert series.next_try_at is not None
    assert node.registry.due(now()) == []
    node.registry.replied(pacs.reply_to(pacs.requests[0]), now=now())
    assert node.registry.series(uid).state is State.CONFIRMED


def test_what_the_destination_lost_is_sent_again_and_confirmed(node: BenchNode) -> None:
    """Only that object is sent again, and only for it is asked again."""
    uid, steps = delivered(node)
    pacs = node.fake_pacs["pacs"]
    lost = pacs.received[1]
    pacs.failing[lost] = [0x0112]
    assert steps.commit(uid) is State.DELIVERED
    assert steps.commit(uid) is State.READY
    assert rounds(node, uid, steps) is State.CONFIRMED
    assert [pacs.received.count(each) for each in dict.fromkeys(pacs.received)].count(2) == 1
    assert [o.sop_instance_uid for o in pacs.requests[-1].objects] == [lost]


def test_an_object_that_never_arrives_fails_the_series_in_the_end(node: BenchNode) -> None:
    """Sent three times and never there: FAILED, by name, and the others are confirmed."""
    uid, steps = delivered(node)
    pacs = node.fake_pacs["pacs"]
    lost = pacs.received[0]
    pacs.failing[lost] = [0x0112] * 20
    assert rounds(node, uid, steps) is State.FAILED
    series = node.registry.series(uid)
    assert series.reason is not None
    assert "does not have the object (0x0112), after it was sent 3 times" in series.reason.found
    assert pacs.received.count(lost) == 3


def test_a_context_that_is_rejected_is_told_and_the_series_stays_delivered(
    node: BenchNode,
) -> None:
    """No storage commitment to be had: DELIVERED, with the reason and a remedy."""
    uid, steps = delivered(node)
    node.fake_pacs["pacs"].accepts = None
    assert steps.commit(uid) is State.DELIVERED
    reason = node.registry.series(uid).reason
    assert reason is not None
    assert "the fake refuses" in reason.found
    assert node.registry.due(now(10**6)) == []


def test_a_destination_that_is_away_is_asked_later(node: BenchNode) -> None:
    """The next try is on record; once it is back, it confirms."""
    uid, steps = delivered(node)
    pacs = node.fake_pacs["pacs"]
    pacs.away = True
    assert steps.commit(uid) is State.DELIVERED
    assert node.registry.series(uid).next_try_at is not None
    pacs.away = False
    assert rounds(node, uid, steps) is State.CONFIRMED


def test_a_destination_that_is_not_asked_any_more_is_let_off(tmp_path: Path) -> None:
    """Commitment switched off in the settings: nothing is asked, and nothing is missing."""
    asked = Destination(name="pacs", ae_title="PACS", port=1, commitment=True)
    with BenchNode(bench_settings(tmp_path, destinations=(asked,))) as node:
        uid, _ = delivered(node)
    asked = asked.model_copy(update={"commitment": False})
    with BenchNode(bench_settings(tmp_path, destinations=(asked,))) as node:
        assert Steps(node).commit(uid) is State.DELIVERED
        assert node.fake_pacs["pacs"].requests == []
        assert node.registry.series(uid).waiting_for == ""


def due(**facts: object) -> DueCommitment:
    known: dict[str, object] = {
        "destination": "pacs",
        "reference": SopReference("1.2", "1.3"),
        "state": CommitmentState.ASKED,
        "failure": None,
        "tries": 0,
        "failures": 0,
        "since": now(),
    }
    return DueCommitment(**{**known, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("failure", "failures", "state", "again", "lost"),
    [
        (0x0112, 1, OWED, True, False),
        (0x0112, 2, OWED, True, False),
        (0x0112, 3, UNCONFIRMED, False, True),
        (0x0110, 1, OWED, True, False),
        (0x0213, 3, UNCONFIRMED, False, False),
        (0x0119, 1, UNCONFIRMED, False, False),
        (0x0122, 1, UNCONFIRMED, False, False),
        (0x0131, 1, OWED, False, False),
        (None, 0, OWED, False, False),
        (0xBEEF, 1, OWED, True, False),
    ],
    ids=lambda value: f"{value:04X}" if isinstance(value, int) and value > 9 else str(value),
)
def test_every_failure_reason_leads_somewhere(
    failure: int | None, failures: int, state: CommitmentState, again: bool, lost: bool
) -> None:
    """Sent again, asked for again or over; what is absent in the end is no delivery."""
    found = POLICY.of_failure(due(failure=failure, failures=failures), now())
    assert (found.state, found.send_again, found.lost) == (state, again, lost)
    assert found.message
    assert (found.next_try_at is None) == (state is UNCONFIRMED)


@pytest.mark.parametrize(
    ("status", "state"),
    [(None, UNCONFIRMED), (0x0122, UNCONFIRMED), (0x0124, UNCONFIRMED), (0x0110, OWED)],
)
def test_a_refused_request_is_repeated_where_that_may_help(
    status: int | None, state: CommitmentState
) -> None:
    """A rejected context and a permanent status are final, a failure of the moment is not."""
    assert POLICY.of_answer(due(), CommitmentAnswer(status, "words"), now()).state is state


def test_the_wait_for_a_reply_grows() -> None:
    """Half an hour, then twice as long each time, four hours at most."""
    at = now()
    waits_s = [(POLICY.until([due(tries=n)], at) - at).total_seconds() for n in range(6)]
    assert waits_s == [1800, 3600, 7200, 14_400, 14_400, 14_400]


def test_patience_ends() -> None:
    """After two days it is given up, in words that say so."""
    found = POLICY.later(due(since=now(-48 * 3600)), "away", now())
    assert (found.state, found.message) == (UNCONFIRMED, "given up after 48 h: away")
