"""The queue at a glance: how many series are where, for how long, and how fast maps come."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from node.ports import Archive, CommitmentTally, SeriesQuery, SeriesRecord, SeriesState
from node.refusals import RefusalCode

WAITING = (SeriesState.RECEIVING, SeriesState.COMPLETE)
DELIVERING = (SeriesState.READY, SeriesState.DELIVERING)
DELIVERED = (SeriesState.DELIVERED, SeriesState.CONFIRMED)
UNFINISHED = (*WAITING, SeriesState.ANALYSING, *DELIVERING)

TARGET_S = 60.0
"""Within how long after the last image the maps are wanted [s], unless the settings say so."""
DAY = timedelta(hours=24)
RECENT = 500
"""How many series the figures of the last 24 hours look at; a busy site sends some 50."""


@dataclass(frozen=True)
class Turnround:
    """Seconds from the last image to the maps' delivery, over the last 24 hours.

    Parameters
    ----------
    recent_s
        One figure a series, the oldest first.
    target_s
        What is aimed at.
    """

    recent_s: tuple[float, ...] = ()
    target_s: float = TARGET_S

    @property
    def within(self) -> int:
        """How many of them reached the target."""
        return sum(seconds <= self.target_s for seconds in self.recent_s)

    @property
    def median_s(self) -> float | None:
        """Their median [s]; None before the first delivery."""
        return median(self.recent_s) if self.recent_s else None

    @property
    def last_s(self) -> float | None:
        """The latest [s]; None before the first delivery."""
        return self.recent_s[-1] if self.recent_s else None


@dataclass(frozen=True)
class Queue:
    """The queue at a glance.

    Parameters
    ----------
    counts
        Series in each state, every state named.
    oldest_waiting_s
        Age of the series that has waited longest for its maps since its last image [s].
    delivered_day, refused_day
        Series delivered, and perfusion series refused, in the last 24 hours.
    turnround
        From the last image to the maps.
    stages_s
        How long each stage of the analysis took, of the same series [s].
    unconfirmed
        Objects that destinations have stored and not confirmed, by where that stands.
    """

    counts: dict[SeriesState, int]
    oldest_waiting_s: float | None
    delivered_day: int
    refused_day: int
    turnround: Turnround
    stages_s: dict[str, tuple[float, ...]]
    unconfirmed: tuple[CommitmentTally, ...] = ()

    def total(self, states: Sequence[SeriesState]) -> int:
        """How many series are in any of these states."""
        return sum(self.counts[state] for state in states)

    @property
    def stage_medians_s(self) -> dict[str, float]:
        """Median duration of each stage [s]."""
        return {stage: median(taken_s) for stage, taken_s in self.stages_s.items()}


def look(archive: Archive, now: datetime, target_s: float = TARGET_S) -> Queue:
    """The queue as the registry has it now; the clock is held against ``target_s``.

    Raises
    ------
    RegistryUnavailableError
        If the database does not answer.
    """
    counts = archive.counts()
    unfinished = archive.find(SeriesQuery(states=UNFINISHED, limit=RECENT)).records
    refused = SeriesQuery(
        states=(SeriesState.REFUSED,), perfusion_only=True, since=now - DAY, limit=1
    )
    delivered = archive.find(
        SeriesQuery(states=DELIVERED, delivered_since=now - DAY, limit=RECENT)
    ).records
    took_s = [
        (record.delivered_at, s) for record in delivered if (s := turnround_s(record)) is not None
    ]
    return Queue(
        counts={state: counts.get(state, 0) for state in SeriesState},
        oldest_waiting_s=max((waited_s(record, now) for record in unfinished), default=None),
        delivered_day=len(delivered),
        refused_day=archive.find(refused).total,
        turnround=Turnround(tuple(s for _, s in sorted(took_s)), target_s),
        stages_s=_stages(delivered),
        unconfirmed=tuple(archive.commitments()),
    )


def waited_s(record: SeriesRecord, now: datetime) -> float:
    """Seconds since the series' last image; never negative, whatever the clocks do."""
    return max(0.0, (now - record.received_last_at).total_seconds())


def turnround_s(record: SeriesRecord) -> float | None:
    """Seconds from the last image to the maps' delivery; None while not delivered.

    A late image that came after the delivery re-opens the series: then there is no figure
    either until the new maps are delivered.
    """
    if record.delivered_at is None or record.delivered_at < record.received_last_at:
        return None
    return (record.delivered_at - record.received_last_at).total_seconds()


def concerns_perfusion(record: SeriesRecord) -> bool:
    """Whether the series is, or was meant as, CT perfusion.

    A stroke study brings topograms, plain CT and angiography along; nobody waits for
    their maps, so they count nowhere as refused.
    """
    if record.state in (SeriesState.IGNORED, SeriesState.JOINED):
        return False
    if record.state is SeriesState.REFUSED and record.reason is not None:
        return record.reason.code not in _UNRELATED
    if record.state is SeriesState.EXPIRED:  # what it was before is told by what came of it
        meant = record.reason is not None and record.reason.code not in _UNRELATED
        return meant or bool(record.summary)
    return True


def _stages(records: Sequence[SeriesRecord]) -> dict[str, tuple[float, ...]]:
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for record in records:
        for stage, taken_s in record.stages_s.items():
            seconds[stage].append(taken_s)
    return {stage: tuple(values) for stage, values in seconds.items()}


_UNRELATED = frozenset(str(code) for code in RefusalCode if not code.concerns_perfusion)
