"""One run of chaos: a storm, a calm, an audit."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from node.ports import SeriesState
from tests.chaos.audit import Audit, Books, audited
from tests.chaos.sender import Sender
from tests.chaos.stage import QUIET_S, Stage, staged
from tests.chaos.storm import TICK_S, Storm

SETTLE_S = 600.0
STOP_S = 90.0
_ENDS = frozenset({SeriesState.CONFIRMED, SeriesState.FAILED})
_OVER = frozenset({*_ENDS, SeriesState.REFUSED})


@dataclass(frozen=True)
class Weather:
    """How hard and how long; the same seed draws the same faults and studies.

    ``pace_s`` is the mean time from one fault to the next [s].
    """

    seed: int
    seconds: float
    pace_s: float
    workers: int = 2


@dataclass
class Tale:
    """What happened; filled while it does."""

    weather: Weather
    phase: str = "starting"
    storm: Storm | None = None
    sender: Sender | None = None
    states: Counter[SeriesState] = field(default_factory=Counter)
    revisions: Counter[int] = field(default_factory=Counter)
    pacs: Counter[str] = field(default_factory=Counter)
    stored: int = 0
    came_again: int = 0
    retried: int = 0
    real_disk: bool = False
    settled_s: float = 0.0
    crashes: list[str] = field(default_factory=list)
    audit: Audit | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, doubled, stuck or left over, and nothing crashed."""
        return self.audit is not None and self.audit.clean and not self.crashes


def chaos(folder: Path, weather: Weather) -> Iterator[Tale]:
    """The tale of a run, a few times a second; the last one has the audit."""
    tale = Tale(weather)
    with staged(folder, weather.seed, weather.workers) as stage:
        storm = tale.storm = Storm(stage)
        sender = tale.sender = Sender(
            stage.port, weather.seed, QUIET_S * 1.5, lambda: _under_way(stage)
        )
        tale.real_disk = stage.disk.mounted
        sender.start()
        tale.phase = "storm"
        for _ in storm.rage(weather.seed, weather.pace_s, weather.seconds):
            tale.states = Counter(stage.node.registry.counts())
            yield tale
        tale.phase = "calm"
        yield from _settled(stage, tale, storm, sender)
        _stop(stage, tale)
        tale.phase = "audit"
        yield tale
        tale.crashes = storm.crashes
        _count(stage, tale, sender)
        tale.audit = audited(Books(stage.folder, stage.node, stage.archive), sender.studies)
        tale.phase = "over"
        yield tale


def _under_way(stage: Stage) -> int:
    counts = stage.node.registry.counts()
    return sum(number for state, number in counts.items() if state not in _OVER)


def _settled(stage: Stage, tale: Tale, storm: Storm, sender: Sender) -> Iterator[Tale]:
    """All faults end; everything sent comes to its end, or the time is up."""
    begun = time.monotonic()
    storm.calm()
    sender.stop()
    while tale.settled_s < SETTLE_S:
        storm.tick()
        tale.retried += _retried(stage)
        tale.states = Counter(stage.node.registry.counts())
        tale.settled_s = time.monotonic() - begun
        yield tale
        if sender.ended and set(tale.states) <= _ENDS:
            return
        time.sleep(TICK_S)


def _retried(stage: Stage) -> int:
    """A series that lost its worker three times is tried again, as its remedy asks people to."""
    failed = stage.node.registry.list_series(states=[SeriesState.FAILED], limit=10_000)
    mended = [s for s in failed if s.reason is not None and s.reason.code != "not_delivered"]
    for record in mended:
        stage.node.registry.retry(record.series_instance_uid)
    return len(mended)


def _stop(stage: Stage, tale: Tale) -> None:
    """Every part ends when it is asked to."""
    for part in stage.parts:
        if status := part.stop(STOP_S):
            assert tale.storm is not None
            tale.storm.crashes.append(f"{part.name} was asked to end and ended with {status}")


def _count(stage: Stage, tale: Tale, sender: Sender) -> None:
    registry = stage.node.registry
    for study in sender.studies:
        tale.revisions[registry.series(study.spec.series_instance_uid).revision] += 1
    tale.pacs = stage.archive.answers
    tale.stored = len(stage.archive.stored)
    tale.came_again = stage.archive.stored.total() - tale.stored
