"""A series' way through the node as lines of a time table, and its numbers with their units."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from node.ports import MEASURES, SeriesRecord

_UNITS = {"ml": "ml", "s": "s", "hu": "HU", "mm": "mm", "fraction": ""}


@dataclass(frozen=True)
class Step:
    """One station of the route; ``at`` None: not reached yet."""

    name: str
    at: datetime | None
    after_s: float | None


@dataclass(frozen=True)
class Share:
    """One stage's part of the analysis, ``begin`` and ``width`` in per cent of the whole."""

    name: str
    seconds: float
    begin: float
    width: float


@dataclass(frozen=True)
class Figure:
    """A number of the analysis, ready to print."""

    name: str
    value: str
    unit: str


def steps(record: SeriesRecord) -> tuple[Step, ...]:
    """The stations in order, each with the seconds since the one before it."""
    asked = any(delivery.commitment for delivery in record.deliveries)
    stations = (
        ("First image", record.received_first_at),
        ("Last image", record.received_last_at),
        ("Declared complete", record.completed_at),
        ("Analysis begun", record.analysing_at),
        ("Maps ready", record.ready_at),
        ("Maps delivered", record.delivered_at),
        *((("Maps confirmed", record.confirmed_at),) if asked else ()),
    )
    return tuple(_with_pauses(stations))


def shares(stages_s: Mapping[str, float]) -> tuple[Share, ...]:
    """The stages of the analysis as parts of its whole duration, in order."""
    whole = sum(stages_s.values())
    if whole <= 0:
        return ()
    found, begin = [], 0.0
    for stage, seconds in stages_s.items():
        width = 100.0 * seconds / whole
        found.append(Share(stage.replace("_", " "), seconds, begin, width))
        begin += width
    return tuple(found)


def figures(summary: Mapping[str, float | None]) -> tuple[Figure, ...]:
    """The analysis' numbers with names and units; a number that is not defined is a dash."""
    return tuple(_figure(key, value) for key, value in summary.items())


def _figure(key: str, value: float | None) -> Figure:
    known = MEASURES.get(key)
    name, unit = (known.name, known.unit) if known else _named_by_suffix(key)
    if value is None:
        return Figure(name, "–", "")
    return Figure(name, f"{value:.1f}" if unit in {"ml", "s", "HU", "mm"} else f"{value:.3g}", unit)


def _named_by_suffix(key: str) -> tuple[str, str]:
    stem, _, suffix = key.rpartition("_")
    if stem and suffix in _UNITS:
        return stem.replace("_", " ").capitalize(), _UNITS[suffix]
    return key.replace("_", " ").capitalize(), ""


def _with_pauses(stations: tuple[tuple[str, datetime | None], ...]) -> Iterator[Step]:
    before: datetime | None = None
    for name, at in stations:
        # A late image re-opens a series: times that lie before the last image are an earlier run's.
        pause = (at - before).total_seconds() if at and before and at >= before else None
        yield Step(name, at, pause)
        before = at or before
