"""What the page writes into the audit trail; strangers cannot fill the disk with it."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from node import log
from node.errors import RegistryUnavailableError
from node.people import Visitor
from node.ports import AuditEntry, AuditQuestion, AuditResult, AuditTrail
from node.status.probes import utc_now

ALIKE = 5
"""Refusals of one stranger for one reason that are written one by one a minute."""
ALTOGETHER = 60
"""Refusals of strangers that are written one by one a minute, of all addresses together."""
_WINDOW = timedelta(minutes=1)
_log = log.get("status")


class Trail:
    """The audit trail as the page writes it.

    Everything that a signed-in person asks is an entry. Refusals of strangers are entries up to
    a number a minute; the rest are counted, and the count is an entry once the minute is over.

    Parameters
    ----------
    kept
        Where entries are kept.
    now
        The clock, UTC.
    """

    def __init__(self, kept: AuditTrail, now: Callable[[], datetime] = utc_now) -> None:
        self._kept = kept
        self._now = now
        self._lock = threading.Lock()
        self._since = now()
        self._written: Counter[tuple[str, str]] = Counter()
        self._left_out: Counter[tuple[str, str]] = Counter()

    def done(self, visitor: Visitor, what: str, subject: str = "", detail: str = "") -> None:
        """A visitor did something."""
        self._write(visitor, what, subject, AuditResult.DONE, detail)

    def failed(self, visitor: Visitor, what: str, subject: str = "", detail: str = "") -> None:
        """A visitor asked for something that they may, and that could not be done."""
        self._write(visitor, what, subject, AuditResult.FAILED, detail)

    def refused(self, visitor: Visitor, what: str, subject: str = "", detail: str = "") -> None:
        """A visitor asked for something that they may not."""
        if visitor.signed_in or self._is_few(visitor.address, detail):
            self._write(visitor, what, subject, AuditResult.REFUSED, detail)

    def entries(self, question: AuditQuestion) -> Sequence[AuditEntry]:
        """The entries that are asked for, the newest first."""
        return self._kept.audited(question)

    def _is_few(self, address: str, detail: str) -> bool:
        key = (address, detail)
        with self._lock:
            over = self._over()
            few = self._written[key] < ALIKE and self._written.total() < ALTOGETHER
            if few:
                self._written[key] += 1
            elif key in self._left_out or len(self._left_out) < ALTOGETHER:
                self._left_out[key] += 1
            else:
                self._left_out["", "of many addresses"] += 1
        for (whose, why), number in over.items():
            told = f"{number} more within a minute: {why}"
            self._write(Visitor(address=whose), "request", "", AuditResult.REFUSED, told)
        return few

    def _over(self) -> Counter[tuple[str, str]]:
        """What was left out in the minute that is over now, if it is."""
        if self._now() - self._since < _WINDOW:
            return Counter()
        over = self._left_out
        self._written, self._left_out, self._since = Counter(), Counter(), self._now()
        return over

    def _write(
        self, visitor: Visitor, what: str, subject: str, result: AuditResult, detail: str
    ) -> None:
        entry = AuditEntry.of(visitor, self._now(), what, subject, result, detail)
        try:
            self._kept.audit(entry)
        except RegistryUnavailableError:
            facts = {"who": entry.who, "address": entry.address, "what": what, "subject": subject}
            _log.error("audit_entry_not_kept", result=str(result), detail=detail, **facts)
            raise
