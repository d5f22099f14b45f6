"""The audit trail: who did what, on what, when, from where, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from node.people import Means, Visitor


class AuditResult(StrEnum):
    """What came of something that was asked."""

    DONE = "done"
    REFUSED = "refused"
    """Whoever asked may not, or has not said who they are."""
    FAILED = "failed"
    """They may, but it could not be done."""


@dataclass(frozen=True)
class AuditEntry:
    """One line of the audit trail. It never holds a patient's identity, nor a secret.

    Parameters
    ----------
    who, means, address
        Of the visitor.
    what
        A word for what was asked, such as ``retry`` or ``sign_in``.
    subject
        On what: a Series Instance UID, a destination's or user's name, a path.
    detail
        Why it was refused, or what it came to.
    number
        Its place in the trail, given by the registry.
    """

    at: datetime
    who: str
    means: Means
    address: str
    what: str
    subject: str
    result: AuditResult
    detail: str = ""
    number: int = 0

    @classmethod
    def of(
        cls,
        visitor: Visitor,
        at: datetime,
        what: str,
        subject: str = "",
        result: AuditResult = AuditResult.DONE,
        detail: str = "",
    ) -> "AuditEntry":
        """What a visitor asked."""
        who, means, address = visitor.name, visitor.means, visitor.address
        return cls(at, who, means, address, what, subject, result, detail)


@dataclass(frozen=True)
class AuditQuestion:
    """Which entries are asked for; an empty word asks for all.

    ``before``: only entries with a smaller number, for the next page; 0 for the newest.
    """

    who: str = ""
    what: str = ""
    subject: str = ""
    result: AuditResult | None = None
    before: int = 0
    limit: int = 200


class AuditTrail(Protocol):
    """Entries are added and read, never changed and never deleted."""

    def audit(self, entry: AuditEntry) -> None:
        """Add an entry; committed when this returns.

        Raises
        ------
        RegistryUnavailableError
            If the database does not answer.
        """

    def audited(self, question: AuditQuestion) -> Sequence[AuditEntry]:
        """The entries that were asked for, the newest first."""
