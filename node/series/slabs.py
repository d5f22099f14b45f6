"""A scan whose slabs came as series of their own, put together again (decision 11).

A shuttle images two places in turn, and some scanners write a series for each of them, or even for
each of them every time. Either is a perfusion scan by itself, half as high. What makes them one is
that they are alike, lie side by side and were imaged over the same time, by the same clock.
"""

import re
from collections.abc import Iterable

from node.series.clocks import DAY_S
from node.series.timing import WALL_CLOCKS
from node.series.volumes import Volume, alike

# From the last slice of one slab to the first of the next, in distances between slices.
_CLOSEST, _FARTHEST = 0.5, 1.6
_SAME_SPACING_MM = 0.1
# What of the shorter one's frames, interval or time the other shares at least.
_ALIKE = 0.8


def slab_sets(volumes: Iterable[Volume]) -> list[tuple[Volume, ...]]:
    """The scans among the slabs of any number of studies, each in ascending order.

    A volume that no other continues is in none of them; nor is one where it is not plain which
    of several continues it.
    """
    slabs = [v for v in volumes if v.frames > 1 and v.slices > 1 and v.clock in WALL_CLOCKS]
    scans: list[list[Volume]] = []
    for slab in sorted(slabs, key=lambda v: (v.low_mm, v.series_instance_uid)):
        homes = [scan for scan in scans if _continues(scan[-1], slab)]
        if len(homes) > 1:  # two reconstructions of the one below
            homes = [scan for scan in homes if _name(scan[-1]) == _name(slab)]
        if len(homes) == 1:
            homes[0].append(slab)
        else:
            scans.append([slab])
    return [tuple(scan) for scan in scans if len(scan) > 1]


def _continues(lower: Volume, upper: Volume) -> bool:
    """Whether the upper slab is the next one of the lower one's scan."""
    spacing_mm = _spacing_mm(lower)
    apart = (upper.low_mm - lower.high_mm) / spacing_mm
    return (
        alike(lower, upper)
        and abs(_spacing_mm(upper) - spacing_mm) < _SAME_SPACING_MM
        and _CLOSEST < apart < _FARTHEST
        and lower.clock == upper.clock
        and _similar(lower.frames, upper.frames)
        and _similar(_length_s(lower) / lower.frames, _length_s(upper) / upper.frames)
        and _shared_s(lower, upper) >= _ALIKE * min(_length_s(lower), _length_s(upper))
    )


def _spacing_mm(slab: Volume) -> float:
    return (slab.high_mm - slab.low_mm) / (slab.slices - 1)


def _length_s(slab: Volume) -> float:
    return slab.last_s - slab.first_s


def _shared_s(one: Volume, other: Volume) -> float:
    """For how long both were imaged; without a date the time of day compares, past midnight too."""
    late_s = other.first_s - one.first_s
    if max(one.first_s, other.first_s) < 2 * DAY_S:
        late_s = (late_s + DAY_S / 2) % DAY_S - DAY_S / 2
    return min(_length_s(one), late_s + _length_s(other)) - max(0.0, late_s)


def _similar(one: float, other: float) -> bool:
    return min(one, other) >= _ALIKE * max(one, other)


def _name(slab: Volume) -> str:
    """The description without the numbers that tell its slabs apart."""
    return re.sub(r"\d+", "", slab.header.series_description)
