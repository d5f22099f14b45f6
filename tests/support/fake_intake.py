"""A registry's intake in memory: what was recorded, in order, and a database that can be away."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from node.errors import RegistryUnavailableError
from node.ports import Activity, Kept, Pause, Quota, Recorded
from node.series import Header


@dataclass(frozen=True)
class Row:
    """One recorded instance."""

    header: Header
    kept: Kept
    calling_ae_title: str
    ignored: bool


@dataclass
class FakeIntake:
    """Implements :class:`node.ports.Intake`; ``available`` False is a database that is away."""

    available: bool = True
    rows: dict[str, Row] = field(default_factory=dict)
    conflicts: list[tuple[Header, Kept]] = field(default_factory=list)
    recorded: list[Recorded] = field(default_factory=list)
    paused: set[Activity] = field(default_factory=set)
    looks: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def record(
        self,
        header: Header,
        kept: Kept,
        *,
        calling_ae_title: str,
        ignored: bool,
        quota: Quota | None = None,
    ) -> Recorded:
        """Record a received instance; the first under a UID stays, and a full series is full."""
        self._require_available()
        with self._lock:
            row = Row(header, kept, calling_ae_title, ignored)
            if (
                quota
                and header.sop_instance_uid not in self.rows
                and len(self.rows) >= quota.images
            ):
                self.recorded.append(Recorded.TURNED_AWAY)
                return Recorded.TURNED_AWAY
            first = self.rows.setdefault(header.sop_instance_uid, row)
            same = first.kept.sha256 == kept.sha256
            outcome = Recorded.DUPLICATE if same else Recorded.CONFLICT
            self.recorded.append(Recorded.NEW if first is row else outcome)
            return self.recorded[-1]

    def pauses(self) -> Sequence[Pause]:
        """What was paused in ``paused``."""
        self.looks += 1
        self._require_available()
        return [Pause(each, "anna", datetime.now(UTC)) for each in self.paused]

    def record_conflict(self, header: Header, kept: Kept) -> None:
        """Record that other bytes came under a known UID."""
        self._require_available()
        with self._lock:
            self.conflicts.append((header, kept))

    def _require_available(self) -> None:
        if not self.available:
            raise RegistryUnavailableError("the database does not answer")
