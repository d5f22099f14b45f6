"""What the jobs ask of the registry, as a protocol."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from node.ports.records import Reason, SeriesState
from node.ports.work import (
    DeliveryOutcome,
    DueDelivery,
    Lease,
    Outcome,
    Receiving,
    Ruling,
    ScanPart,
    Wake,
)

if TYPE_CHECKING:  # a port only names them: whoever asks for a state need not load the science
    from node.series import Instance, Volume


class Ledger(Protocol):
    """What is due, who works on it, and what came of it.

    Every method has committed when it returns, and raises RegistryUnavailableError if the
    database does not answer.
    """

    def receiving(self) -> Sequence[Receiving]:
        """Every series that still receives."""

    def instances(self, series_instance_uid: str) -> Sequence[Instance]:
        """The images of a series and those joined to it, without those that were ignored."""

    def looked(
        self, seen: Receiving, *, content_complete: bool, missing: str, volume: Volume | None
    ) -> None:
        """Note the judgement of a series' content, unless another image has come since.

        ``volume`` is what a series is that may be a time point or a slab of a scan.
        """

    def scan_parts(self) -> Sequence[ScanPart]:
        """The series that may be parts of a scan, of studies where one still waits.

        Those that a person cancelled are not among them, nor single time points in work.
        """

    def join(self, leader: str, members: Sequence[str], *, now: datetime) -> int:
        """Make series parts of the scan that ``leader`` is; how many joined.

        The images of a member count as the leader's from then on, which is opened again if it
        was complete already. A member that is in work, or joined elsewhere, is left alone.
        """

    def complete(self, seen: Receiving, *, now: datetime, note: str, priority: int = 0) -> bool:
        """Declare a series COMPLETE, unless another image has come; whether it was done.

        Its priority is this, or the higher one that somebody gave it.
        """

    def due(self, now: datetime) -> Sequence[Wake]:
        """Everything that could be worked on now, by priority and age; nothing that is paused."""

    def most_urgent(self, now: datetime, limit: int = 8) -> Sequence[str]:
        """The series to analyse first: by priority, then senders in turn, then by age."""

    def lease(self, wake: Wake, owner: str, *, now: datetime, until: datetime) -> Lease | None:
        """Take a series for one step; None where it is not due or another has it."""

    def extend(self, lease: Lease, until: datetime) -> bool:
        """Keep a series longer; False where the lease was lost."""

    def holds(self, lease: Lease) -> bool:
        """Whether the lease is still its owner's; cheap enough to ask for every object."""

    def leases(self) -> Sequence[Lease]:
        """Every lease in force, overdue ones too."""

    def expire(self, lease: Lease, *, now: datetime, max_attempts: int) -> SeriesState | None:
        """Take a lease from an owner that is gone: due again, or FAILED after too many.

        None where the lease was extended or given back in the meantime.
        """

    def finish(
        self,
        lease: Lease,
        outcome: Outcome,
        *,
        destinations: Mapping[str, Sequence[str]],
        now: datetime,
        ruling: Ruling | None = None,
    ) -> SeriesState:
        """Record an analysis and what it owes to each destination (name: kinds it wants).

        ``ruling`` is what a rule of the site says of the series, now and later.

        Raises
        ------
        WrongStateError
            If the lease was lost, for example to a late image.
        """

    def fault(
        self, lease: Lease, reason: Reason, *, now: datetime, next_try_at: datetime | None
    ) -> SeriesState:
        """Record that a step failed: due again at ``next_try_at``, or FAILED where None.

        Raises
        ------
        WrongStateError
            If the lease was lost.
        """

    def unowed(self, kinds: Iterable[str]) -> Sequence[str]:
        """The READY series that have results of these kinds and owe them to no destination."""

    def owe(
        self, series_instance_uid: str, destinations: Mapping[str, Sequence[str]], *, now: datetime
    ) -> int:
        """Owe a series' results to destinations that were added since; how many objects.

        What a destination was owed before, delivered or not, stays as it is.
        """

    def deliveries_due(self, lease: Lease, now: datetime) -> Sequence[DueDelivery]:
        """What the leased series should send now, in the order the results were made."""

    def delivered(self, lease: Lease, outcome: DeliveryOutcome, *, now: datetime) -> None:
        """Record what became of one object at one destination."""

    def settle(
        self, lease: Lease, *, committing: Collection[str] = (), now: datetime
    ) -> SeriesState:
        """End a round of deliveries: DELIVERED, due again, or FAILED with what was not stored.

        What the destinations that are ``committing`` have stored is to be confirmed by them.

        Raises
        ------
        WrongStateError
            If the lease was lost.
        """
