"""A lease kept alive by a thread of its own, as long as its step gets on."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from node import log
from node.errors import RegistryUnavailableError
from node.jobs.beside import Beside
from node.ports import Lease, Ledger

_LOG = log.get("jobs")


@dataclass(frozen=True)
class LeaseTiming:
    """How long a lease runs, how often it is extended, and when its step counts as stuck [s].

    A step that tells of no progress for ``stalled_s`` loses its lease: a process that hangs
    in a driver still has living threads, so a heartbeat alone would prove nothing. A step that
    has given its lease back ends within ``ending_s``.
    """

    lease_s: float
    heartbeat_s: float
    stalled_s: float = 600.0
    ending_s: float = 5.0

    def until(self) -> datetime:
        """When a lease taken or extended now runs out."""
        return datetime.now(UTC) + timedelta(seconds=self.lease_s)


class HeldLease(Beside):
    """Extends a lease in the background until the ``with`` block ends.

    Parameters
    ----------
    ledger, lease, timing
        What is extended, and how.
    on_stalled
        Called once from the background when the step is stuck.
    """

    def __init__(
        self,
        ledger: Ledger,
        lease: Lease,
        timing: LeaseTiming,
        on_stalled: Callable[[Lease], None],
    ) -> None:
        super().__init__("heartbeat")
        self._ledger = ledger
        self._timing = timing
        self._on_stalled = on_stalled
        self._progressed = time.monotonic()
        self.lease = lease
        self.lost = False

    def progressed(self) -> None:
        """Note that the step got on."""
        self._progressed = time.monotonic()

    def _run(self) -> None:
        while not self._ended.wait(self._timing.heartbeat_s):
            if time.monotonic() - self._progressed > self._timing.stalled_s:
                _LOG.error("step_stalled", **_facts(self.lease), after_s=self._timing.stalled_s)
                self._on_stalled(self.lease)
                return
            if not self._extended():
                self.lost = True
                # a heartbeat between giving it back and the end of the step finds none either
                if not self._ended.wait(self._timing.ending_s):
                    _LOG.warning("lease_lost", **_facts(self.lease))
                return

    def _extended(self) -> bool:
        try:
            return self._ledger.extend(self.lease, self._timing.until())
        except RegistryUnavailableError as fault:
            # it may be back before the lease runs out; the step's own commit will tell
            _LOG.warning("lease_not_extended", **_facts(self.lease), found=str(fault))
            return True


def _facts(lease: Lease) -> dict[str, str]:
    return {"series_instance_uid": lease.series_instance_uid, "queue": lease.queue}
