"""Sign-ins at the status page, told to the DICOM audit trail besides the node's own."""

from collections.abc import Sequence

from node.ports import AuditEntry, AuditQuestion, AuditResult, AuditTrail, Trail

_IN, _OUT = "sign_in", "sign_out"


def with_sign_ins(kept: AuditTrail, trail: Trail | None) -> AuditTrail:
    """The node's own trail; where a DICOM one is kept, one that tells it who signs in or out."""
    return kept if trail is None else _Both(kept, trail)


class _Both:
    def __init__(self, kept: AuditTrail, trail: Trail) -> None:
        self._kept, self._trail = kept, trail

    def audit(self, entry: AuditEntry) -> None:
        """Keep an entry, and tell of it where somebody signs in or out."""
        self._kept.audit(entry)
        if entry.what in (_IN, _OUT):
            good = entry.result is AuditResult.DONE
            failed = "" if good else entry.detail or "refused"
            who = entry.who or entry.subject
            self._trail.signed(who, entry.address, out=entry.what == _OUT, failed=failed)

    def audited(self, question: AuditQuestion) -> Sequence[AuditEntry]:
        """As the node's own."""
        return self._kept.audited(question)
