"""What the listener has done since it started, for health and metrics."""

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Counts:
    """A snapshot; ``statuses`` counts C-STORE answers by status."""

    associations: int = 0
    rejected_associations: int = 0
    aborted_associations: int = 0
    tls_failures: int = 0
    instances: int = 0
    duplicates: int = 0
    conflicts: int = 0
    ignored: int = 0
    turned_away: int = 0
    bytes: int = 0
    statuses: dict[int, int] = field(default_factory=dict)


class Counters:
    """Counts from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()

    def add(self, name: str, amount: int = 1) -> None:
        """Counts an event; ``name`` is a field of :class:`Counts`."""
        with self._lock:
            self._events[name] += amount

    def add_status(self, status: int) -> None:
        """Counts one answered C-STORE."""
        with self._lock:
            self._statuses[int(status)] += 1

    def snapshot(self) -> Counts:
        """All counts at one moment."""
        with self._lock:
            return Counts(**self._events, statuses=dict(self._statuses))
