"""What is asked of a destination after it answered that it stored: whether it has it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from node.ports.work import Lease


@dataclass(frozen=True)
class SentObject:
    """An object that a destination answered as stored, by the UIDs that a search needs."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


def by_series(sent: Sequence[SentObject]) -> dict[tuple[str, str], set[str]]:
    """SOP Instance UIDs by study and series."""
    sorted_out: dict[tuple[str, str], set[str]] = {}
    for each in sent:
        series = (each.study_instance_uid, each.series_instance_uid)
        sorted_out.setdefault(series, set()).add(each.sop_instance_uid)
    return sorted_out


@dataclass(frozen=True)
class DueVerification:
    """An object to look for at a destination; missed there ``misses`` times since it was due."""

    destination: str
    sent: SentObject
    misses: int = 0


@dataclass(frozen=True)
class VerificationOutcome:
    """What a look for an object came to.

    Where it was not ``found``, it is sent again at ``next_try_at``; where that is None, it counts
    as stored with a warning, ``message``.
    """

    due: DueVerification
    found: bool
    message: str = ""
    next_try_at: datetime | None = None


class Verifications(Protocol):
    """The registry's side."""

    def verifications_due(
        self, lease: Lease, destinations: Collection[str]
    ) -> Sequence[DueVerification]:
        """What these destinations stored of the leased series and were not asked for since.

        Nothing of a destination where anything is still to be sent.
        """

    def verified(
        self, lease: Lease, outcomes: Sequence[VerificationOutcome], note: str, *, now: datetime
    ) -> None:
        """Record what one destination has; ``note`` is the line of the series' history.

        Raises
        ------
        WrongStateError
            If the lease was lost.
        """

    def not_verified(self, lease: Lease, note: str) -> None:
        """Note in the series' history that a destination could not be asked, and why."""
