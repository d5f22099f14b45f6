"""Which images make each slice of the analysis at each time point, and how much of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.series.frames import CtpSeries
from node.series.header import Instance


@dataclass(frozen=True, eq=False)
class Cell:
    """One slice of the analysis at one time point.

    Parameters
    ----------
    frame, z
        Which.
    images
        What it is the sum of, and the share of each; shares add up to 1.
    """

    frame: int
    z: int
    images: tuple[tuple[Instance, float], ...]


def cells_of(series: CtpSeries, groups: Sequence[slice]) -> list[Cell]:
    """The cells of a series, time by time, each the mean of a group of its slices.

    Parameters
    ----------
    series
        As recognised.
    groups
        Slices that become one.
    """
    columns = list(zip(*series.grid, strict=True))
    known = [np.array([t for t, i in enumerate(c) if i is not None], np.intp) for c in columns]
    return [
        Cell(frame, z, tuple(_group(series, columns, known, frame, group)))
        for frame in range(len(series.grid))
        for z, group in enumerate(groups)
    ]


_Columns = Sequence[tuple[Instance | None, ...]]


def _group(
    series: CtpSeries,
    columns: _Columns,
    known: Sequence[NDArray[np.intp]],
    frame: int,
    group: slice,
) -> list[tuple[Instance, float]]:
    """The images of a group at one time, each of them for its part of the mean."""
    part = 1.0 / (group.stop - group.start)
    return [
        (image, part * share)
        for z in range(group.start, group.stop)
        for at, share in _shares(known[z], series.time_s[:, z], frame)
        if (image := columns[z][at]) is not None
    ]


def _shares(
    known: NDArray[np.intp], time_s: NDArray[np.float64], frame: int
) -> list[tuple[int, float]]:
    """A slice's images that make up one time point: its own, or its neighbours in time.

    Before the first and after the last image that is there, that one stands.
    """
    after = int(np.searchsorted(known, frame))
    if after < len(known) and known[after] == frame:
        return [(frame, 1.0)]
    if after in (0, len(known)):
        return [(int(known[min(after, len(known) - 1)]), 1.0)]
    first, second = int(known[after - 1]), int(known[after])
    share = float((time_s[frame] - time_s[first]) / (time_s[second] - time_s[first]))
    return [(first, 1.0 - share), (second, share)]
