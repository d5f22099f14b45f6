"""Faults that begin and end while studies keep coming."""

import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from tests.chaos.archive import Mood
from tests.chaos.parts import Part
from tests.chaos.plan import Fault, Stroke, strokes
from tests.chaos.stage import LEASE_S, Stage

TICK_S = 0.2
_MOODS = {
    Fault.PACS_REFUSES: Mood.REFUSES,
    Fault.PACS_ABORTS: Mood.ABORTS,
    Fault.PACS_BUSY: Mood.BUSY,
    Fault.PACS_WARNS: Mood.WARNS,
    Fault.PACS_FORBIDS: Mood.FORBIDS,
    Fault.PACS_FORGETS: Mood.FORGETS,
    Fault.PACS_SILENT: Mood.SILENT,
}
_PACS = "PACS"
End = Callable[[], None]


class Storm:
    """Does to a node what a plan says.

    Attributes
    ----------
    begun
        How often each fault came.
    died_at
        How often a process killed itself at each failpoint.
    crashes
        Processes that ended otherwise; there must be none.
    """

    def __init__(self, stage: Stage) -> None:
        self.begun: Counter[Fault] = Counter()
        self.died_at: Counter[str] = Counter()
        self.crashes: list[str] = []
        self._stage = stage
        # What is broken, until when, and what mends it.
        self._broken: dict[str, tuple[float, End]] = {}

    def rage(self, seed: int, pace_s: float, seconds: float) -> Iterator[None]:
        """Break things for so long; yields a few times a second."""
        plan, end = strokes(seed, pace_s), time.monotonic() + seconds
        stroke = next(plan)
        at = time.monotonic() + stroke.after_s
        while (now := time.monotonic()) < end:
            self.tick()
            if now >= at:
                self._strike(stroke)
                stroke = next(plan)
                at = now + stroke.after_s
            yield
            time.sleep(TICK_S)

    def tick(self) -> None:
        """Mend what was broken for long enough, and start again what ended by itself."""
        now = time.monotonic()
        for what in [w for w, (until, _) in self._broken.items() if until <= now]:
            self._broken.pop(what)[1]()
        for part in self._stage.parts:
            if ended := part.revive():
                die_at, status = ended
                if die_at and status == -signal.SIGKILL:
                    self.died_at[die_at.rpartition(" ")[0]] += 1
                else:
                    self.crashes.append(f"{part.name} ended with {status}, see {part.log}")

    def calm(self) -> None:
        """Mend everything now."""
        for _, mend in self._broken.values():
            mend()
        self._broken.clear()

    def _strike(self, stroke: Stroke) -> None:
        """Begin a fault, unless what it breaks is broken already."""
        stage, fault = self._stage, stroke.fault
        worker = stage.workers[stroke.which % len(stage.workers)]
        lasts_s = LEASE_S * 1.5 if fault is Fault.WORKER_FROZEN else stroke.lasts_s
        what: str = fault
        begin: Callable[[], End]
        if fault is Fault.LISTENER_KILLED:
            what, begin = stage.listener.name, partial(_killed, stage.listener, stroke.die_at)
        elif fault is Fault.WORKER_KILLED:
            what, begin = worker.name, partial(_killed, worker, stroke.die_at)
        elif fault is Fault.WORKER_FROZEN:
            what, begin = worker.name, partial(_frozen, worker)
        elif fault is Fault.REDIS_KILLED:
            begin = partial(_redis_killed, stage)
        elif fault is Fault.DISK_FULL:
            # without a disk of its own the listener's settings are the disk
            what = fault if stage.disk.mounted else stage.listener.name
            begin = partial(_disk_filled, stage)
        elif fault is Fault.REGISTRY_HELD:
            begin = partial(_registry_held, stage)
        else:
            what, begin = _PACS, partial(_pacs, stage, fault)
        if what not in self._broken:
            self._broken[what] = time.monotonic() + lasts_s, begin()
            self.begun[fault] += 1


def _killed(part: Part, die_at: str) -> End:
    part.kill()
    return partial(part.start, die_at)


def _frozen(part: Part) -> End:
    part.freeze()
    return part.thaw


def _redis_killed(stage: Stage) -> End:
    stage.redis.kill()
    return stage.redis.start


def _disk_filled(stage: Stage) -> End:
    stage.fill_disk()
    return stage.empty_disk


def _registry_held(stage: Stage) -> End:
    """Another program writes to the database and does not come to its end."""
    path = stage.settings.data_dir / "registry.sqlite"
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None)
    with suppress(sqlite3.OperationalError):  # a frozen worker has it: locked it is
        connection.execute("BEGIN IMMEDIATE")
    return connection.close


def _pacs(stage: Stage, fault: Fault) -> End:
    if fault is Fault.PACS_AWAY:
        stage.archive.go()
        return stage.archive.come
    stage.archive.become(_MOODS[fault])
    return partial(stage.archive.become, Mood.KIND)
