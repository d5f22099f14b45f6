"""When each image of a series was acquired: one clock for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.series.clocks import DAY_S
from node.series.header import Header

# The most trusted first (DICOM.md 1.1).
# Those that show the time of day, the same for every series; the others may begin with each.
WALL_CLOCKS = (
    "FrameReferenceDateTime",
    "FrameAcquisitionDateTime",
    "AcquisitionDateTime",
    "AcquisitionTime",
    "ContentTime",
)
STANDARD_CLOCKS = (
    *WALL_CLOCKS,
    "FrameReferenceTime",
    "TriggerTime",
    "TemporalPositionTimeOffset",
)
# GE's, and the units that sources give for them; the documented one first. pydicom's dictionary
# has DeltaStartTime in ms, MultiVolumeImporter reads it as seconds.
PRIVATE_CLOCKS: dict[str, dict[str, float]] = {
    "MidScanTime": {"seconds": 1.0},
    "DeltaStartTime": {"milliseconds": 1e-3, "seconds": 1.0},
}
CLOCKS = (*STANDARD_CLOCKS, *PRIVATE_CLOCKS)
# Counts of the time points: an order, and no seconds.
INDICES = ("TemporalPositionIdentifier", "TemporalPositionIndex", "VolumeNumber")
# What a perfusion scan's time points are apart, and how long it lasts [s]: so wide that no scan
# is missed, and each so much narrower than 1 : 1000 that at most one unit fits.
_INTERVAL_S = (0.3, 6.0)
_LENGTH_S = (20.0, 300.0)
_ENOUGH = 0.9


@dataclass(frozen=True, eq=False)
class Clock:
    """The attribute that tells the images of a slice apart in time.

    Parameters
    ----------
    source
        Its keyword.
    time_s
        (N,) float64 [s], NaN where an image lacks it.
    coarse
        Whether it ticks in steps longer than the scan's interval, so that images tie.
    note
        How it was read, for people, where that is not plain; else empty.
    """

    source: str
    time_s: NDArray[np.float64]
    coarse: bool
    note: str = ""


def choose_clock(headers: Sequence[Header], labels: NDArray[np.intp]) -> Clock | None:
    """The first clock that nearly all images carry and that differs within their slices.

    A clock that ticks too coarsely, such as one of whole seconds, is taken only where no better
    one is there, a private one included; None where every clock stands still.

    Parameters
    ----------
    headers
        Of N images.
    labels
        (N,) the slice each of them belongs to.
    """
    clocks = [_standard(source, headers, labels) for source in STANDARD_CLOCKS]
    usable = [(clock, share) for clock, share in clocks if share > 0]
    if fine := next((clock for clock, share in usable if share >= _ENOUGH), None):
        return fine
    private = (_private(source, headers, labels) for source in PRIVATE_CLOCKS)
    if told := next((clock for clock in private if clock is not None), None):
        return told
    coarsest_last = sorted(usable, key=lambda pair: -pair[1])
    return coarsest_last[0][0] if coarsest_last else None


def choose_index(headers: Sequence[Header], labels: NDArray[np.intp]) -> str:
    """The first count of time points that tells images of a slice apart; empty without one.

    Parameters
    ----------
    headers, labels
        As of :func:`choose_clock`.
    """
    counts = ((name, _share(_counted(name, headers), labels)) for name in INDICES)
    return next((name for name, share in counts if share >= _ENOUGH), "")


def clock_of(index: str, headers: Sequence[Header], interval_s: float) -> Clock:
    """A count of time points as a clock, each step taken to last ``interval_s`` [s]."""
    note = f"no clock tells the time: {index} was counted, {interval_s:g} s a step"
    return Clock(index, _counted(index, headers) * interval_s, coarse=False, note=note)


def _counted(index: str, headers: Sequence[Header]) -> NDArray[np.float64]:
    counts = (dict(h.time_indices).get(index, np.nan) for h in headers)
    return np.fromiter(counts, np.float64, len(headers))


def _standard(
    source: str, headers: Sequence[Header], labels: NDArray[np.intp]
) -> tuple[Clock, float]:
    """A clock, and the share of its readings that are distinct within their slice."""
    time_s = _past_midnight(_readings(source, headers))
    share = _share(time_s, labels)
    return Clock(source, time_s, coarse=share < _ENOUGH or _whole_seconds(time_s)), share


def _private(source: str, headers: Sequence[Header], labels: NDArray[np.intp]) -> Clock | None:
    """A private clock, in the unit that makes its readings those of a perfusion scan."""
    readings = _readings(source, headers)
    if _share(readings, labels) < _ENOUGH:
        return None
    for unit, in_s in PRIVATE_CLOCKS[source].items():
        time_s = readings * in_s
        if _is_perfusion(time_s, labels):
            note = f"no other clock tells the time: GE's private {source} was read, in {unit}"
            return Clock(source, time_s, coarse=_whole_seconds(time_s), note=note)
    return None


def _readings(source: str, headers: Sequence[Header]) -> NDArray[np.float64]:
    readings = (dict(h.times_s).get(source, np.nan) for h in headers)
    return np.fromiter(readings, np.float64, len(headers))


def _share(time_s: NDArray[np.float64], labels: NDArray[np.intp]) -> float:
    """The share of readings that are distinct within their slice.

    0 where the clock is no use: on too few images, or standing still.
    """
    there = ~np.isnan(time_s)
    pairs = np.stack([labels[there].astype(np.float64), time_s[there]], axis=1)
    distinct = np.unique(pairs, axis=0)
    moves = len(distinct) >= 2 * len(np.unique(labels))
    return len(distinct) / len(pairs) if moves and there.mean() >= _ENOUGH else 0.0


def _whole_seconds(time_s: NDArray[np.float64]) -> bool:
    return bool(np.all(time_s[~np.isnan(time_s)] % 1 == 0))


def _is_perfusion(time_s: NDArray[np.float64], labels: NDArray[np.intp]) -> bool:
    """Whether these are times that images of a perfusion scan may have [s]."""
    there = ~np.isnan(time_s)
    slices = [np.unique(time_s[there & (labels == z)]) for z in np.unique(labels)]
    interval_s = float(np.median(np.concatenate([np.diff(each) for each in slices])))
    length_s = float(np.nanmax(time_s) - np.nanmin(time_s))
    return (
        _INTERVAL_S[0] <= interval_s <= _INTERVAL_S[1] and _LENGTH_S[0] <= length_s <= _LENGTH_S[1]
    )


def _past_midnight(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The readings with those after midnight a day later, where the date did not turn."""
    if np.isnan(time_s).all():
        return time_s
    if np.nanmin(time_s) < DAY_S <= np.nanmax(time_s):
        time_s = time_s % DAY_S  # some images lack the date: only the time of day compares
    early, late = np.nanmin(time_s), np.nanmax(time_s)
    if not DAY_S / 2 < late - early < DAY_S:
        return time_s
    return np.where(time_s < early + DAY_S / 2, time_s + DAY_S, time_s)


def spread_ties(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ascending times with each run of equal readings spread evenly up to the next.

    Parameters
    ----------
    time_s
        (K,) float64 [s], ascending with ties.
    """
    ticks, first, runs = np.unique(time_s, return_index=True, return_counts=True)
    if len(ticks) < 2 or len(ticks) == len(time_s):
        return time_s
    steps = np.append(np.diff(ticks), np.median(np.diff(ticks)))
    within = np.arange(len(time_s)) - np.repeat(first, runs)
    spread: NDArray[np.float64] = np.repeat(ticks, runs) + within * np.repeat(steps / runs, runs)
    return spread
