"""Whether a worker still takes up work: told by what it does, not by whether it lives."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from node import log
from node.errors import QueueUnavailableError
from node.pulse import Pulse

_LOG = log.get("jobs")


class Waiting(Protocol):
    """Where wake-ups wait."""

    def waiting(self, queue: str) -> int:
        """How many wake-ups wait in a queue."""


class Vigil:
    """Notices that this worker is idle while wake-ups lie in its queues.

    A consumer that hangs in its connection to Redis has a living process and a living sweep, and
    does nothing: a worker that is well takes a wake-up within milliseconds, unless it works.

    Parameters
    ----------
    queue, queues
        Where wake-ups wait, and which of them are this worker's.
    unheard_s
        How long they may wait while it is idle [s].
    on_deaf
        Called once they have waited longer.
    """

    def __init__(
        self, queue: Waiting, queues: Sequence[str], unheard_s: float, on_deaf: Callable[[], None]
    ) -> None:
        self._queue, self._queues = queue, queues
        self._unheard_s, self._on_deaf = unheard_s, on_deaf
        self._working = threading.Event()
        self._pulse = Pulse(*queues)
        self._taken = 0
        self._unheard: tuple[int, float] | None = None

    @contextmanager
    def working(self) -> Iterator[None]:
        """A wake-up was taken; the worker is busy with it until the block ends."""
        self._taken += 1
        self._working.set()
        try:
            yield
        finally:
            self._working.clear()

    def is_wanted(self) -> bool:
        """Whether a wake-up waits for this worker."""
        return self._waiting() > 0

    def look(self) -> None:
        """Compare what waits with what was taken; the sweep calls it, and so it beats."""
        self._pulse.beat()
        if self._working.is_set() or not self._waiting():
            self._unheard = None
            return
        now = time.monotonic()
        if self._unheard is None or self._unheard[0] != self._taken:
            self._unheard = self._taken, now
        elif now - self._unheard[1] > self._unheard_s:
            _LOG.error("worker_takes_no_work", queues=list(self._queues), for_s=self._unheard_s)
            self._on_deaf()

    def _waiting(self) -> int:
        """How many wake-ups wait; none where Redis is away, which is not this worker's fault."""
        try:
            return sum(self._queue.waiting(queue) for queue in self._queues)
        except QueueUnavailableError:
            return 0
