"""After a delivery: whether the destination has what it answered as stored."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from node import log
from node.errors import PeerUnreachableError
from node.failpoint import Step, passed
from node.jobs.lease import HeldLease
from node.jobs.retry import RetryPolicy
from node.ports import DueVerification, VerificationOutcome
from node.wiring import Node

MAX_RESENDS = 2
"""How often an object is sent again that a destination does not find."""
_LOG = log.get("jobs")


class Verifier:
    """Asks destinations for what they were sent, where the settings want it.

    Parameters
    ----------
    node
        Registry and destinations.
    retry
        The pauses before an object is sent again.
    """

    def __init__(self, node: Node, retry: RetryPolicy) -> None:
        self._node = node
        self._retry = retry
        self._told: set[str] = set()

    def verify(self, held: HeldLease) -> None:
        """One look at each destination that has taken everything; what it lacks is due again."""
        names = self._node.verifying()
        due = self._node.registry.verifications_due(held.lease, names) if names else ()
        for name, objects in itertools.groupby(due, key=lambda each: each.destination):
            if held.lost:
                break  # settle() says so
            self._look(held, name, list(objects))
            held.progressed()

    def _look(self, held: HeldLease, name: str, due: Sequence[DueVerification]) -> None:
        registry = self._node.registry
        try:
            found = self._node.pacs(name).holds([each.sent for each in due])
            passed(Step.SEARCHED)
        except PeerUnreachableError as fault:
            _LOG.warning(
                "verification_failed", destination=name, found=str(fault), remedy=fault.remedy
            )
            note = f"{name} could not be asked: {fault}. {fault.remedy}"
            registry.not_verified(held.lease, note)
            return
        if found is None:
            self._tell(name)
            registry.not_verified(held.lease, f"{name} offers no search for what it has")
            return
        outcomes = [self._outcome(each, found, _now()) for each in due]
        has = sum(outcome.found for outcome in outcomes)
        note = f"{name} has {has} of {len(due)} objects"
        registry.verified(held.lease, outcomes, note, now=_now())
        (_LOG.info if has == len(due) else _LOG.warning)(
            "objects_verified" if has == len(due) else "objects_not_found",
            series_instance_uid=held.lease.series_instance_uid,
            destination=name,
            objects=len(due),
            found=has,
        )

    def _outcome(
        self, due: DueVerification, found: frozenset[str], now: datetime
    ) -> VerificationOutcome:
        """Found, sent again, or given up with a warning."""
        if due.sent.sop_instance_uid in found:
            return VerificationOutcome(due, found=True)
        sent = due.misses + 1
        if due.misses < MAX_RESENDS:
            pause = timedelta(seconds=self._retry.pause_s(sent))
            words = "answered as stored, but not found afterwards; sent again"
            return VerificationOutcome(due, False, words, now + pause)
        words = (
            f"answered as stored, but not found afterwards, though sent {sent} times. Look for it"
            " in the archive (quarantine, import errors), then: perfusion-node resend ID"
        )
        return VerificationOutcome(due, False, words)

    def _tell(self, name: str) -> None:
        """A destination without such a service is told once, and fails nothing."""
        if name not in self._told:
            self._told.add(name)
            _LOG.warning(
                "search_not_offered",
                destination=name,
                remedy="Set verify of the destination to none, or let it answer searches.",
            )


def _now() -> datetime:
    return datetime.now(UTC)
