"""Which faults come when: drawn from a seed, the same every time."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from node.failpoint import Step

INTAKE = (Step.RECEIVED, Step.DRAFTED, Step.LINKED, Step.KEPT, Step.RECORDED)
WORK = tuple(step for step in Step if step not in INTAKE)


class Fault(StrEnum):
    """What can happen to a node."""

    LISTENER_KILLED = "listener killed"
    WORKER_KILLED = "worker killed"
    WORKER_FROZEN = "worker frozen beyond its lease"
    REDIS_KILLED = "Redis killed, started again empty"
    PACS_AWAY = "PACS away"
    PACS_REFUSES = "PACS refuses associations"
    PACS_ABORTS = "PACS aborts midway"
    PACS_BUSY = "PACS answers A700, A702, 0110"
    PACS_WARNS = "PACS answers B000, B006, B007"
    PACS_FORBIDS = "PACS answers A900, C000, 0122"
    PACS_FORGETS = "PACS finds some of what it stored, or commits to it, only the second time"
    PACS_SILENT = "PACS does not reply to requests for commitment"
    DISK_FULL = "disk full"
    REGISTRY_HELD = "registry locked"


@dataclass(frozen=True)
class Stroke:
    """One fault: so long after the last, for so long; what was killed then starts with ``die_at``.

    Parameters
    ----------
    after_s, lasts_s
        Pause before it and its length [s].
    which
        Says which of several workers is meant.
    die_at
        Step and number, where the process that comes back is to kill itself again; or empty.
    """

    fault: Fault
    after_s: float
    lasts_s: float
    which: int
    die_at: str


def strokes(seed: int, pace_s: float) -> Iterator[Stroke]:
    """Faults without end, ``pace_s`` apart in the mean; each comes once before any comes again."""
    rng = random.Random(f"strokes {seed}")
    while True:
        every = list(Fault)
        rng.shuffle(every)
        for fault in every:
            yield Stroke(
                fault,
                after_s=rng.uniform(0.5, 1.5) * pace_s,
                lasts_s=rng.uniform(0.3, 1.2) * pace_s,
                which=rng.randrange(1000),
                die_at=_die_at(rng, fault),
            )


def _die_at(rng: random.Random, fault: Fault) -> str:
    """A failpoint for half of the processes that come back."""
    step, number, wanted = rng.random(), rng.randint(1, 12), rng.random() < 0.5
    steps = {Fault.LISTENER_KILLED: INTAKE, Fault.WORKER_KILLED: WORK}.get(fault)
    return f"{steps[int(step * len(steps))]} {number}" if steps and wanted else ""
