"""When each image of a series was acquired: one clock for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.series.clocks import DAY_S
from node.series.header import Header

# The most trusted first (DICOM.md 1.1).
CLOCKS = (
    "FrameReferenceDateTime",
    "FrameAcquisitionDateTime",
    "AcquisitionDateTime",
    "AcquisitionTime",
    "ContentTime",
    "FrameReferenceTime",
    "TriggerTime",
    "TemporalPositionTimeOffset",
)
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
    """

    source: str
    time_s: NDArray[np.float64]
    coarse: bool


def choose_clock(headers: Sequence[Header], labels: NDArray[np.intp]) -> Clock | None:
    """The first clock that nearly all images carry and that differs within their slices.

    A clock that ticks too coarsely, such as one of whole seconds, is taken only where no better
    one is there; None where every clock stands still.

    Parameters
    ----------
    headers
        Of N images.
    labels
        (N,) the slice each of them belongs to.
    """
    clocks = [_clock(source, headers, labels) for source in CLOCKS]
    usable = [(clock, share) for clock, share in clocks if share > 0]
    fine = (clock for clock, share in usable if share >= _ENOUGH)
    coarsest_last = sorted(usable, key=lambda pair: -pair[1])
    return next(fine, coarsest_last[0][0] if coarsest_last else None)


def _clock(source: str, headers: Sequence[Header], labels: NDArray[np.intp]) -> tuple[Clock, float]:
    """A clock, and the share of its readings that are distinct within their slice.

    The share is 0 where the clock is no use: on too few images, or standing still.
    """
    readings = (dict(h.times_s).get(source, np.nan) for h in headers)
    time_s = _past_midnight(np.fromiter(readings, np.float64, len(headers)))
    there = ~np.isnan(time_s)
    pairs = np.stack([labels[there].astype(np.float64), time_s[there]], axis=1)
    distinct = np.unique(pairs, axis=0)
    slices = len(np.unique(labels))
    moves = len(distinct) >= 2 * slices
    share = len(distinct) / len(pairs) if moves and there.mean() >= _ENOUGH else 0.0
    whole_seconds = bool(np.all(time_s[there] % 1 == 0))
    return Clock(source, time_s, coarse=share < _ENOUGH or whole_seconds), share


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
