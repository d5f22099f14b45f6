"""What a destination's answer means for a delivery: stored, tried again, or over."""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from node.errors import NodeError, PeerUnreachableError
from node.jobs.retry import RetryPolicy
from node.ports import DeliveryOutcome, DeliveryState, DueDelivery, StoreOutcome
from node.scu import is_permanent, is_stored


@dataclass(frozen=True)
class DeliveryPolicy:
    """How often and for how long a delivery is tried.

    Parameters
    ----------
    retry
        The pauses between tries.
    patience
        After this long since it was first due, a delivery is given up.
    chance
        Where in the jitter the next pause falls, 0 to 1; at random where None.
    """

    retry: RetryPolicy
    patience: timedelta
    chance: float | None = None

    def of_one_round(self) -> "DeliveryPolicy":
        """The same, with one pause for all: what failed together is tried again together."""
        return replace(self, chance=random.random())  # noqa: S311 - no secret

    def of_answer(self, due: DueDelivery, answer: StoreOutcome, now: datetime) -> DeliveryOutcome:
        """What an answer comes to: as the destination's protocol says, or as its DIMSE status does.

        Of a C-STORE response (PS3.4 Table B.2-1), B0xx was stored all the same.
        """
        status, message = answer.status, answer.message
        if not answer.readable:
            return _outcome(due, DeliveryState.FAILED, None, message)
        if answer.state is DeliveryState.PENDING:
            return self._later(due, status, message, now)
        if answer.state is not None:
            return _outcome(due, answer.state, status, message)
        return self._of_status(due, status, message, now)

    def _of_status(
        self, due: DueDelivery, status: int | None, message: str, now: datetime
    ) -> DeliveryOutcome:
        if status is None:
            return _outcome(due, DeliveryState.SKIPPED, None, message or "context rejected")
        if is_stored(status):
            state = DeliveryState.STORED if status == 0 else DeliveryState.WARNING
            return _outcome(due, state, status, message)
        message = message or f"answered 0x{status:04X}"
        if is_permanent(status):
            return _outcome(due, DeliveryState.FAILED, status, message)
        return self._later(due, status, message, now)

    def of_fault(self, due: DueDelivery, fault: NodeError, now: datetime) -> DeliveryOutcome:
        """What no answer at all comes to."""
        if not fault.retry:
            return _outcome(due, DeliveryState.FAILED, None, str(fault))
        asked_s = fault.retry_after_s if isinstance(fault, PeerUnreachableError) else 0.0
        return self._later(due, None, f"{fault}. {fault.remedy}", now, asked_s)

    def _later(
        self,
        due: DueDelivery,
        status: int | None,
        message: str,
        now: datetime,
        asked_s: float = 0.0,
    ) -> DeliveryOutcome:
        """Another try after a pause, no shorter than the peer asks for within the longest."""
        if now - due.since >= self.patience:
            hours = self.patience.total_seconds() / 3600
            return _outcome(
                due, DeliveryState.FAILED, status, f"given up after {hours:g} h: {message}"
            )
        pause_s = self.retry.pause_s(due.attempts + 1, chance=self.chance)
        pause_s = max(pause_s, min(asked_s, self.retry.longest_s))
        return _outcome(
            due, DeliveryState.PENDING, status, message, now + timedelta(seconds=pause_s)
        )


def _outcome(
    due: DueDelivery,
    state: DeliveryState,
    status: int | None,
    message: str,
    next_try_at: datetime | None = None,
) -> DeliveryOutcome:
    return DeliveryOutcome(
        sop_instance_uid=due.sop_instance_uid,
        destination=due.destination,
        state=state,
        status=status,
        message=message,
        next_try_at=next_try_at,
    )
