"""A scan that came as one series for each time point, put together again (decision 11).

Each of those series shows its slices once and could be anything: a plain CT, one phase of an
angiography. What makes them a scan is the others: five or more of one study, one frame of reference
and one geometry, at the same places, within a minute of one another.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from node.series.assembly import slice_labels
from node.series.eligibility import FEWEST_DYNAMIC_FRAMES
from node.series.header import Header, Instance, headers_of
from node.series.selection import is_slice, same_geometry
from node.series.timing import CLOCKS, choose_clock

# Longer than any pause of a perfusion protocol, shorter than the way to another scan.
_PAUSE_S = 60.0
_SAME_PLACE_MM = 0.1


@dataclass(frozen=True)
class Volume:
    """A series that shows its slices once.

    Parameters
    ----------
    header
        Of its lowest slice; the clocks are the earliest that any slice shows.
    low_mm, high_mm
        Where along the normal its slices begin and end.
    slices
        How many there are.
    """

    header: Header
    low_mm: float
    high_mm: float
    slices: int

    @property
    def series_instance_uid(self) -> str:
        """Which series it is."""
        return self.header.series_instance_uid


def volume_of(headers: Iterable[Header]) -> Volume | None:
    """The volume that a series is; None where it has no slices, or some more than once."""
    once = {h.sop_instance_uid: h for h in headers}.values()
    slices = [image for h in once for image in headers_of(h) if is_slice(image)]
    if not slices or not all(same_geometry(slices[0], each) for each in slices[1:]):
        return None
    labels, along_mm = slice_labels(slices)
    if np.bincount(labels).max() > 1:
        return None
    lowest = slices[int(along_mm.argmin())]
    header = replace(lowest, times_s=_earliest(slices))
    return Volume(header, float(along_mm.min()), float(along_mm.max()), len(slices))


def time_point_sets(volumes: Iterable[Volume]) -> list[tuple[Volume, ...]]:
    """The scans among the volumes of any number of studies, each in the order of time.

    A volume that belongs to no scan is in none of them. The result does not depend on the order
    of the volumes.
    """
    ordered = sorted(volumes, key=lambda v: v.series_instance_uid)
    alike: list[list[Volume]] = []
    for volume in ordered:
        home = next((group for group in alike if _alike(group[0], volume)), None)
        alike.append([volume]) if home is None else home.append(volume)
    return [run for group in alike for place in _by_place(group) for run in _runs(place)]


def put_together(series: Mapping[str, Sequence[Instance]]) -> list[list[Instance]]:
    """The instances of every scan: of a series, or of all series that are time points of one.

    Parameters
    ----------
    series
        Instances by Series Instance UID, in ascending order of it.
    """
    volumes = (volume_of(i.header for i in instances) for instances in series.values())
    leader = {
        member.series_instance_uid: min(v.series_instance_uid for v in members)
        for members in time_point_sets(v for v in volumes if v is not None)
        for member in members
    }
    scans: dict[str, list[Instance]] = {}
    for uid, instances in series.items():
        scans.setdefault(leader.get(uid, uid), []).extend(instances)
    return list(scans.values())


def _earliest(slices: Sequence[Header]) -> tuple[tuple[str, float], ...]:
    readings = [dict(h.times_s) for h in slices]
    return tuple(
        (clock, min(r[clock] for r in readings))
        for clock in CLOCKS
        if all(clock in r for r in readings)
    )


def _alike(one: Volume, other: Volume) -> bool:
    """Whether both may be of one scan by all but place and time."""
    a, b = one.header, other.header
    return (
        a.study_instance_uid == b.study_instance_uid
        and a.image_type[:2] == b.image_type[:2]
        and same_geometry(a, b)
    )


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
