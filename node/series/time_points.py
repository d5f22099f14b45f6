"""A scan that came as one series for each time point, put together again (decision 11).

Each of those series shows its slices once and could be anything: a plain CT, one phase of an
angiography. What makes them a scan is the others: five or more of one study, one frame of reference
and one geometry, at the same places, within a minute of one another.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from node.series.eligibility import FEWEST_DYNAMIC_FRAMES
from node.series.timing import choose_clock
from node.series.volumes import Volume, alike

# Longer than any pause of a perfusion protocol, shorter than the way to another scan.
_PAUSE_S = 60.0
_SAME_PLACE_MM = 0.1


def time_point_sets(volumes: Iterable[Volume]) -> list[tuple[Volume, ...]]:
    """The scans among the time points of any number of studies, each in the order of time.

    A volume that belongs to no scan, or is no single time point, is in none of them.
    """
    points = (volume for volume in volumes if volume.frames == 1)
    ordered = sorted(points, key=lambda v: v.series_instance_uid)
    groups: list[list[Volume]] = []
    for volume in ordered:
        home = next((group for group in groups if alike(group[0], volume)), None)
        groups.append([volume]) if home is None else home.append(volume)
    return [run for group in groups for place in _by_place(group) for run in _runs(place)]


def _by_place(group: Sequence[Volume]) -> list[list[Volume]]:
    """Volumes of the same range; one whose images are not all there lies inside its range."""
    ranges: list[list[Volume]] = []
    for volume in sorted(group, key=lambda v: v.low_mm - v.high_mm):  # widest first
        home = next((r for r in ranges if _same_range(r[0], volume)), None)
        ranges.append([volume]) if home is None else home.append(volume)
    scans = [r for r in ranges if len(r) >= FEWEST_DYNAMIC_FRAMES]
    for rest in (r for r in ranges if len(r) < FEWEST_DYNAMIC_FRAMES):
        for volume in rest:
            homes = [scan for scan in scans if _inside(volume, scan[0])]
            if homes:
                homes[0].append(volume)
    return scans


def _same_range(one: Volume, other: Volume) -> bool:
    return (
        abs(one.low_mm - other.low_mm) < _SAME_PLACE_MM
        and abs(one.high_mm - other.high_mm) < _SAME_PLACE_MM
    )


def _inside(part: Volume, whole: Volume) -> bool:
    return (
        part.low_mm > whole.low_mm - _SAME_PLACE_MM
        and part.high_mm < whole.high_mm + _SAME_PLACE_MM
    )


def _runs(volumes: Sequence[Volume]) -> list[tuple[Volume, ...]]:
    """The volumes by time, parted where the scanner paused for long."""
    headers = [v.header for v in volumes]
    clock = choose_clock(headers, np.zeros(len(headers), np.intp))
    if clock is None:
        return _of_each_name(volumes)
    order = [
        int(i) for i in np.argsort(clock.time_s, kind="stable") if not np.isnan(clock.time_s[i])
    ]
    time_s = clock.time_s[order]
    if len(np.unique(time_s)) < len(time_s) and (named := _of_each_name(volumes)):
        return named
    ends = [*(np.flatnonzero(np.diff(time_s) > _PAUSE_S) + 1).tolist(), len(order)]
    begins = [0, *ends[:-1]]
    runs = [order[begin:end] for begin, end in zip(begins, ends, strict=True)]
    return [tuple(volumes[i] for i in run) for run in runs if len(run) >= FEWEST_DYNAMIC_FRAMES]


def _of_each_name(volumes: Sequence[Volume]) -> list[tuple[Volume, ...]]:
    """The runs of each description where several times occur twice: two reconstructions.

    Empty where the descriptions, but for numbers in them, are all the same.
    """
    named: dict[str, list[Volume]] = {}
    for volume in volumes:
        name = re.sub(r"\d+", "", volume.header.series_description)
        named.setdefault(name, []).append(volume)
    if len(named) == 1:
        return []
    large = [group for group in named.values() if len(group) >= FEWEST_DYNAMIC_FRAMES]
    return [run for group in large for run in _runs(group)]
