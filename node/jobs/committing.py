"""Storage commitment for what was delivered: asked for, waited for, and what is done without."""

import itertools
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from node import commitment, log
from node.errors import PeerUnreachableError
from node.failpoint import Step, passed
from node.jobs.lease import HeldLease
from node.jobs.retry import RetryPolicy
from node.ports import (
    CommitmentAnswer,
    CommitmentOutcome,
    CommitmentRequest,
    CommitmentState,
    DueCommitment,
    SeriesState,
)
from node.settings import CommitmentSettings, JobsSettings
from node.wiring import Node

_LOOK_S = 0.1
_LOG = log.get("jobs")


@dataclass(frozen=True)
class CommitmentPolicy:
    """How often and for how long commitment is asked for, and what a failure comes to.

    Parameters
    ----------
    retry
        The pauses after a destination could not be asked, or reported a failure.
    reply
        How long a reply is waited for until it is asked for again, longer each time.
    patience
        After this long since it was first owed, a commitment is given up.
    max_resends
        How often an object is sent again that the destination reports as failed.
    """

    retry: RetryPolicy
    reply: RetryPolicy
    patience: timedelta
    max_resends: int

    @classmethod
    def of(cls, commitments: CommitmentSettings, jobs: JobsSettings) -> "CommitmentPolicy":
        """The policy that the settings ask for."""
        return cls(
            RetryPolicy(jobs.retry_first_s, jobs.retry_longest_s),
            RetryPolicy(commitments.reply_s, commitments.reply_longest_s, jitter=0.0),
            timedelta(hours=commitments.hours),
            commitments.max_resends,
        )

    def until(self, due: Sequence[DueCommitment], now: datetime) -> datetime:
        """When the reply to a request for these counts as missing."""
        tries = max(each.tries for each in due) + 1
        return now + timedelta(seconds=self.reply.pause_s(tries))

    def of_failure(self, due: DueCommitment, now: datetime) -> CommitmentOutcome:
        """What a reported failure comes to: sent again, asked for again, or over."""
        words = commitment.failure_words(due.failure)
        if due.failure is None or due.failure in commitment.ASK_AGAIN_REASONS:
            return self.later(due, words, now)
        if due.failure in commitment.FINAL_REASONS:
            return _over(due, words)
        if due.failures <= self.max_resends:
            pause = timedelta(seconds=self.retry.pause_s(due.failures))
            words = f"{words}; sent again"
            return CommitmentOutcome(due, CommitmentState.OWED, words, now + pause, send_again=True)
        words = f"{words}, after it was sent {due.failures} times"
        return _over(due, words, lost=due.failure == commitment.NO_SUCH_INSTANCE)

    def of_answer(
        self, due: DueCommitment, answer: CommitmentAnswer, now: datetime
    ) -> CommitmentOutcome:
        """What a request comes to that was not accepted."""
        if answer.status is None or commitment.is_permanent(answer.status):
            return _over(due, answer.message)
        return self.later(due, answer.message, now)

    def later(self, due: DueCommitment, words: str, now: datetime) -> CommitmentOutcome:
        """Asked for again after a pause, unless there is no patience left."""
        if self.is_over(due, now):
            return self.given_up(due, words)
        pause = timedelta(seconds=self.retry.pause_s(due.tries + 1))
        return CommitmentOutcome(due, CommitmentState.OWED, words, now + pause)

    def given_up(self, due: DueCommitment, words: str) -> CommitmentOutcome:
        """What comes of one that was waited for too long."""
        return _over(due, f"given up after {self.patience.total_seconds() / 3600:g} h: {words}")

    def is_over(self, due: DueCommitment, now: datetime) -> bool:
        """Whether there is no patience left."""
        return now - due.since >= self.patience


def _over(due: DueCommitment, words: str, *, lost: bool = False) -> CommitmentOutcome:
    return CommitmentOutcome(due, CommitmentState.UNCONFIRMED, words, lost=lost)


def commit(held: HeldLease, node: Node, policy: CommitmentPolicy) -> SeriesState:
    """One round for a series: failures acted on, what is owed or unanswered asked for."""
    lease, ledger = held.lease, node.registry
    passed(Step.COMMITMENT_LEASED)
    due = ledger.commitments_due(lease, _now())
    for name, objects in itertools.groupby(due, key=lambda each: each.destination):
        if held.lost:
            break  # settle_commitments() says so
        if name in node.committing():
            _Round(held, node, policy, name).run(list(objects))
        else:
            ledger.waive_commitments(lease, name)
    state = ledger.settle_commitments(lease, now=_now())
    passed(Step.CONFIRMED)
    _LOG.info("commitment_ended", series_instance_uid=lease.series_instance_uid, state=str(state))
    return state


class _Round:
    """What is done about one series' objects at one destination."""

    def __init__(self, held: HeldLease, node: Node, policy: CommitmentPolicy, name: str) -> None:
        self._held, self._node, self._policy, self._name = held, node, policy, name

    def run(self, due: Sequence[DueCommitment]) -> None:
        """Failures first: what is sent again cannot be asked for yet."""
        now = _now()
        failed = [each for each in due if each.state is CommitmentState.FAILED]
        if failed:
            self._decide([self._policy.of_failure(each, now) for each in failed])
            return
        asked = [each for each in due if each.state is CommitmentState.ASKED]
        if asked:
            _LOG.warning("commitment_unanswered", destination=self._name, objects=len(asked))
        over = [each for each in asked if self._policy.is_over(each, now)]
        self._decide([self._policy.given_up(each, "no reply") for each in over])
        if rest := [each for each in due if each not in over]:
            self._ask(rest)

    def _ask(self, due: Sequence[DueCommitment]) -> None:
        """One transaction, known before it is asked for; then a reply is waited for a little."""
        registry, lease = self._node.registry, self._held.lease
        request = CommitmentRequest(
            f"2.25.{uuid.uuid4().int}", self._name, tuple(each.reference for each in due)
        )
        registry.request_commitment(lease, request, now=_now())
        passed(Step.TRANSACTION_RECORDED)
        scp = self._node.commitment_scp(self._name)
        try:
            with scp.commitment(request, registry) as answer:
                if answer.status == 0:
                    passed(Step.ASKED)
                    now = _now()
                    until = self._policy.until(due, now)
                    registry.commitment_asked(lease, request.transaction_uid, now=now, until=until)
                    self._wait(request.transaction_uid)
        except PeerUnreachableError as fault:
            now = _now()
            self._decide([self._policy.later(each, str(fault), now) for each in due])
            return
        if answer.status != 0:
            now = _now()
            self._decide([self._policy.of_answer(each, answer, now) for each in due])

    def _wait(self, transaction_uid: str) -> None:
        """Until the reply is recorded, on whichever association it comes, or for ``hold_s``."""
        deadline = time.monotonic() + self._node.settings.commitment.hold_s
        while time.monotonic() < deadline and self._node.registry.awaits_reply(transaction_uid):
            self._held.progressed()
            time.sleep(_LOOK_S)

    def _decide(self, outcomes: Sequence[CommitmentOutcome]) -> None:
        if not outcomes:
            return
        self._node.registry.commitments_decided(self._held.lease, outcomes, now=_now())
        for (state, message), group in itertools.groupby(
            outcomes, key=lambda each: (each.state, each.message)
        ):
            over = state is CommitmentState.UNCONFIRMED
            (_LOG.error if over else _LOG.warning)(
                "objects_not_confirmed" if over else "confirmation_waits",
                series_instance_uid=self._held.lease.series_instance_uid,
                destination=self._name,
                objects=len(list(group)),
                found=message,
            )


def _now() -> datetime:
    return datetime.now(UTC)
