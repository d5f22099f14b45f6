"""What a series would be of a scan that came as several of them (decision 11)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from node.series.assembly import frame_count, slice_labels
from node.series.eligibility import FEWEST_DYNAMIC_FRAMES
from node.series.header import Header, headers_of
from node.series.selection import is_slice, same_geometry
from node.series.timing import CLOCKS, choose_clock

# A slab whose slices differ by more in how often they are shown is none, or not all there yet.
_FEWEST_OF_FRAMES = 0.8


@dataclass(frozen=True)
class Volume:
    """A series that may be a part of a scan: one time point of it, or one slab.

    It is plain JSON data but for its header, as the registry keeps it.

    Parameters
    ----------
    header
        Of its lowest slice; the clocks are the earliest that any slice shows.
    low_mm, high_mm
        Where along the normal its slices begin and end.
    slices
        How many there are.
    frames
        How often each is shown: 1, or nearly always as often.
    clock
        What tells a slab's images apart in time; empty for a time point, or where nothing does.
    first_s, last_s
        When, by that clock, a slab's imaging began and ended [s].
    """

    header: Header
    low_mm: float
    high_mm: float
    slices: int
    frames: int = 1
    clock: str = ""
    first_s: float = 0.0
    last_s: float = 0.0

    @property
    def series_instance_uid(self) -> str:
        """Which series it is."""
        return self.header.series_instance_uid


def volume_of(headers: Iterable[Header]) -> Volume | None:
    """What a series would be of a scan in several series.

    None where it has no slices, or neither shows each of them once nor all of them as often as
    a perfusion scan does.
    """
    once = {h.sop_instance_uid: h for h in headers}.values()
    slices = [image for h in once for image in headers_of(h) if is_slice(image)]
    if not slices or not all(same_geometry(slices[0], each) for each in slices[1:]):
        return None
    labels, along_mm = slice_labels(slices)
    per_slice = np.bincount(labels)
    frames = frame_count(per_slice)
    lowest = slices[int(along_mm.argmin())]
    header = replace(lowest, times_s=_earliest(slices))
    low_mm, high_mm = float(along_mm.min()), float(along_mm.max())
    volume = Volume(header, low_mm, high_mm, len(per_slice), frames)
    if per_slice.max() == 1:
        return volume
    if frames < FEWEST_DYNAMIC_FRAMES or per_slice.min() < _FEWEST_OF_FRAMES * frames:
        return None
    return _timed(volume, slices, labels)


def as_slab(points: Sequence[Volume]) -> Volume:
    """What a scan of one series for each time point would be of a scan in several slabs."""
    headers = [point.header for point in points]
    widest = max(points, key=lambda point: point.slices)
    volume = replace(widest, header=points[0].header, frames=len(points))
    return _timed(volume, headers, np.zeros(len(headers), np.intp))


def _timed(volume: Volume, slices: Sequence[Header], labels: NDArray[np.intp]) -> Volume:
    clock = choose_clock(slices, labels)
    if clock is None:
        return volume
    first_s, last_s = float(np.nanmin(clock.time_s)), float(np.nanmax(clock.time_s))
    return replace(volume, clock=clock.source, first_s=first_s, last_s=last_s)


def alike(one: Volume, other: Volume) -> bool:
    """Whether two parts may be of one scan by all but place and time."""
    a, b = one.header, other.header
    return (
        a.study_instance_uid == b.study_instance_uid
        and a.image_type[:2] == b.image_type[:2]
        and same_geometry(a, b)
    )


def _earliest(slices: Sequence[Header]) -> tuple[tuple[str, float], ...]:
    readings = [dict(h.times_s) for h in slices]
    return tuple(
        (clock, min(r[clock] for r in readings))
        for clock in CLOCKS
        if all(clock in r for r in readings)
    )
