"""Images to a (T x Z) grid: geometry first, time second (DICOM.md 1.3)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.refusals import Refusal, RefusalCode
from node.series.eligibility import not_perfusion
from node.series.header import Header, Instance
from node.series.timing import Clock, spread_ties

# A slice with fewer of the time points than this is no part of the volume.
_FEWEST_OF_FRAMES = 0.8
_MOST_OF_USUAL = 1.25
# A time point with fewer of its slices than this is left out rather than made up.
_FEWEST_OF_SLICES = 0.5


@dataclass(frozen=True, eq=False)
class Column:
    """The images at one slice position, ascending in time.

    Parameters
    ----------
    along_mm
        Position along the slice normal [mm].
    images
        One for each time.
    time_s
        (K,) float64 [s], strictly ascending.
    """

    along_mm: float
    images: tuple[Instance, ...]
    time_s: NDArray[np.float64]

    def take(self, indices: NDArray[np.intp]) -> "Column":
        """The column with these images only."""
        return Column(self.along_mm, tuple(self.images[i] for i in indices), self.time_s[indices])


@dataclass(frozen=True, eq=False)
class Grid:
    """T rows of Z images, None where one is missing, and their times (T, Z) [s]."""

    rows: tuple[tuple[Instance | None, ...], ...]
    time_s: NDArray[np.float64]
    notes: tuple[str, ...]

    @property
    def missing(self) -> NDArray[np.bool_]:
        """(T, Z) bool, True where no image arrived."""
        return np.array([[image is None for image in row] for row in self.rows])


def slice_labels(headers: Sequence[Header]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The slice each image belongs to, and its place along the slice normal [mm].

    Positions closer than a tenth of the slice spacing (at most 0.1 mm) are one slice.

    Returns
    -------
    labels, along_mm
        (N,) from 0, ascending along the normal; (N,) float64 [mm].
    """
    positions = np.array([h.position_mm for h in headers], np.float64)
    cosines = np.array([h.orientation for h in headers], np.float64)
    normals = np.cross(cosines[:, :3], cosines[:, 3:])
    along = np.einsum("ij,ij->i", positions, normals)
    order = np.argsort(along, kind="stable")
    steps = np.diff(along[order])
    apart = steps[steps > 0.1]
    tolerance = min(0.1, 0.1 * float(np.median(apart))) if len(apart) else 0.1
    labels = np.empty(len(along), np.intp)
    labels[order] = np.concatenate([[0], np.cumsum(steps > tolerance)])
    return labels, along


def frame_count(per_slice: NDArray[np.intp]) -> int:
    """How many time points the series has: the most that any slice reached.

    A slice with a quarter more than is usual has images stored twice, and sets no measure.
    """
    usual = float(np.median(per_slice))
    return int(per_slice[per_slice <= max(_MOST_OF_USUAL * usual, usual + 1)].max())


def columns_of(
    images: Sequence[Instance], labels: NDArray[np.intp], along: NDArray[np.float64], clock: Clock
) -> list[Column]:
    """The images of each slice in time order; images without a time are left out."""
    columns = []
    for label in range(int(labels.max()) + 1):
        members = np.flatnonzero((labels == label) & ~np.isnan(clock.time_s)).tolist()
        if not members:
            continue
        ordered = sorted(members, key=lambda i: _in_time(images[i], float(clock.time_s[i])))
        time_s = clock.time_s[ordered]
        column = Column(float(np.median(along[members])), tuple(images[i] for i in ordered), time_s)
        columns.append(_without_ties(column, coarse=clock.coarse))
    return columns


def _in_time(image: Instance, time_s: float) -> tuple[float, int, str, int]:
    number = image.header.instance_number
    uid, frame = image.header.sop_instance_uid, image.frame or 0
    return time_s, 0 if number is None else number, uid, frame


def _without_ties(column: Column, *, coarse: bool) -> Column:
    """Ties of a coarse clock spread in time; those of a fine one are copies: the first stays."""
    if coarse:
        return Column(column.along_mm, column.images, spread_ties(column.time_s))
    return column.take(np.unique(column.time_s, return_index=True)[1])


def assemble(columns: Sequence[Column]) -> Grid | Refusal:
    """The grid of the slices that have (nearly) every time point."""
    frames, whole = _reference(columns)
    if refusal := not_perfusion(frames, len(columns)):
        return refusal
    placed = [(c, _rows_of(c, _nearest(c, whole), frames)) for c in columns]
    used = [(c, rows) for c, rows in placed if rows is not None]
    dropped = [c for c, rows in placed if rows is None]
    if refusal := _hole(used, dropped, frames):
        return refusal
    notes = []
    if dropped:
        notes.append(
            f"{len(dropped)} slice position(s) with too few of the {frames} time points left out"
        )
    if extra := sum(len(c.images) - int(np.sum(rows >= 0)) for c, rows in used):
        notes.append(f"{extra} image(s) beyond {frames} time points left out")
    return _filled(_table(used, frames), notes)


def _reference(columns: Sequence[Column]) -> tuple[int, list[Column]]:
    """How many time points there are, and slices that have them all.

    Where every slice lacks some, their common clock still tells how many there were.
    """
    frames = frame_count(np.array([len(c.images) for c in columns]))
    shared = _shared_times(columns)
    if len(shared) > frames:
        return len(shared), [Column(columns[0].along_mm, (), shared)]
    return frames, [c for c in columns if len(c.images) == frames]


def _shared_times(columns: Sequence[Column]) -> NDArray[np.float64]:
    """The times (K,) that most slices share [s]; none where each has its own, as in a spiral."""
    intervals = [np.median(np.diff(c.time_s)) for c in columns if len(c.time_s) > 1]
    if not intervals:
        return np.empty(0)
    step = float(np.median(intervals))
    times = np.sort(np.concatenate([c.time_s for c in columns]))
    volumes = np.split(times, np.flatnonzero(np.diff(times) > 0.1 * step) + 1)
    most = 0.6 * len(columns)  # more than one slab of a shuttle
    together = [v for v in volumes if len(v) > most and v[-1] - v[0] < 0.3 * step]
    return np.array([np.median(volume) for volume in together])


def _nearest(column: Column, whole: Sequence[Column]) -> Column:
    """The complete slice that lies nearest: the likeliest to share its times."""
    return min(whole, key=lambda other: abs(other.along_mm - column.along_mm))


def _rows_of(column: Column, reference: Column, frames: int) -> NDArray[np.intp] | None:
    """For each of T rows the image that belongs there, -1 for none; None: no part of the grid."""
    count = len(column.images)
    if count < _FEWEST_OF_FRAMES * frames:
        return None
    if count >= frames:
        return _matched(reference.time_s, column.time_s)
    rows = _matched(column.time_s, reference.time_s)
    if rows is None:
        return None
    images = np.full(frames, -1, np.intp)
    images[rows] = np.arange(count)
    return images


def _matched(few: NDArray[np.float64], many: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """For each of ``few`` the index of its partner in ``many``, ascending; None without a match.

    The two may differ by a constant, as the slabs of a shuttle do; among equally good matches
    the one that leaves the end of ``many`` over wins (a scan is cut short at its end).
    """
    step = float(np.median(np.diff(many)))
    best, least = None, np.inf
    for first in range(len(many) - len(few) + 1):
        shifted = few - (few[0] - many[first])
        partner = np.abs(shifted[:, None] - many[None, :]).argmin(axis=1)
        if np.any(np.diff(partner) <= 0):
            continue
        apart = few - many[partner]
        offset = float(np.median(apart))
        # Slabs are about half an interval apart; an offset well beyond is a wrong match.
        beyond = max(0.0, abs(offset) - 0.6 * step)
        cost = float(np.abs(apart - offset).mean()) + beyond + 1e-6 * step * first
        if cost < least:
            best, least = partner, cost
    return best


def _hole(
    used: Sequence[tuple[Column, NDArray[np.intp]]], dropped: Sequence[Column], frames: int
) -> Refusal | None:
    """The refusal of a volume that lacks a slice between others, or most of them.

    A few outer ones are only left out.
    """
    # A position with a single image is a drawing or a leftover, not a slice of the volume.
    slices = [c for c in dropped if len(c.images) > 1]
    if len(slices) <= len(used):  # else most of the volume is gone, wherever it lay
        along = [c.along_mm for c, _ in used]
        slices = [c for c in slices if min(along) < c.along_mm < max(along)]
    if not slices:
        return None
    return Refusal(
        RefusalCode.INCOMPLETE,
        found=f"{len(slices)} slice(s) inside the volume have as few as"
        f" {min(len(c.images) for c in slices)} of {frames} time points",
        remedy="Send the whole series again.",
    )


_Table = tuple[list[list[Instance | None]], NDArray[np.float64]]


def _table(used: Sequence[tuple[Column, NDArray[np.intp]]], frames: int) -> _Table:
    """Images and times on the grid, None and NaN where there is none."""
    time_s = np.full((frames, len(used)), np.nan)
    rows: list[list[Instance | None]] = [[None] * len(used) for _ in range(frames)]
    for z, (column, indices) in enumerate(used):
        for frame in np.flatnonzero(indices >= 0):
            rows[frame][z] = column.images[indices[frame]]
            time_s[frame, z] = column.time_s[indices[frame]]
    return rows, time_s


def _filled(table: _Table, notes: list[str]) -> Grid:
    """The grid without time points that are mostly absent, missing times filled in."""
    rows, time_s = table
    present = ~np.isnan(time_s)
    kept = present.mean(axis=1) >= _FEWEST_OF_SLICES
    kept[-1] = present[-1].all()
    if not kept[-1]:
        notes.append(
            f"the last volume has {present[-1].sum()} of {len(present[-1])} images and is left out"
        )
    if scattered := int(np.sum(~kept[:-1])):
        notes.append(f"{scattered} time point(s) with few of their slices left out")
    rows, time_s = [rows[frame] for frame in np.flatnonzero(kept)], time_s[kept]
    missing = np.isnan(time_s)
    if missing.any():
        notes.append(f"{missing.sum()} missing image(s) interpolated in time")
        time_s = _times_filled(time_s)
    return Grid(tuple(tuple(row) for row in rows), time_s - time_s.min(), tuple(notes))


def _times_filled(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Missing times (NaN) from the slice's own neighbours, in the rhythm of a whole slice."""
    whole = np.flatnonzero(~np.isnan(time_s).any(axis=0))
    frame = np.arange(len(time_s))
    filled = time_s.copy()
    for z in np.flatnonzero(np.isnan(time_s).any(axis=0)):
        known = np.flatnonzero(~np.isnan(time_s[:, z]))
        candidate = np.full(len(frame), np.nan)
        if len(whole):
            rhythm = time_s[:, whole[np.abs(whole - z).argmin()]]
            late = np.interp(frame, known, time_s[known, z] - rhythm[known])
            candidate = np.where(np.isnan(time_s[:, z]), rhythm + late, time_s[:, z])
        if not np.all(np.diff(candidate) > 0):
            candidate = _extrapolated(frame, known, time_s[known, z])
        filled[:, z] = candidate
    return filled


def _extrapolated(
    frame: NDArray[np.intp], known: NDArray[np.intp], time_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Times on a straight line between the known ones, and on at their mean step beyond them."""
    step = (time_s[-1] - time_s[0]) / (known[-1] - known[0])
    inside = np.interp(frame, known, time_s)
    before, after = np.minimum(frame - known[0], 0), np.maximum(frame - known[-1], 0)
    straight: NDArray[np.float64] = inside + step * (before + after)
    return straight
