"""How the head moved: every frame and slab registered to one frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.perfusion.dynamic import DynamicCt
from node.perfusion.motion.curve import Motion
from node.perfusion.motion.grid import Grid
from node.perfusion.motion.registration import MIN_POINTS, Placed, place
from node.perfusion.motion.resampling import imaged
from node.perfusion.motion.rigid import Transform, turn_deg, way_mm
from node.perfusion.motion.skull import Edges, Level, bone, edges
from node.perfusion.motion.threads import Each

# A frame during which the head moved has a double skull, that no pose makes single: 1.3 mm is
# left of a jump of 6 mm in its middle. Sound and turned by 8 degrees, at most 1.0 mm is left.
MAX_LEFT_MM = 1.2
# Less of the skull than this in view: too much of the frame is of another part of the head.
MIN_IMAGED = 0.5
# Pixels on which the skull's edges are as wide as heads move.
COARSE_MM = 3.0
# Slices of a shuttle's next slab come this much of the interval after their neighbours.
SLAB_GAP = 0.25


@dataclass(frozen=True, eq=False)
class Measured:
    """How the head moved, and what correcting it needs to know.

    Parameters
    ----------
    motion
        The motion curve.
    slab
        (Z,) the slab of each slice.
    skull_mm
        (N, 3) points on the reference's skull, along Z, Y and X from the scan's centre [mm].
    """

    motion: Motion
    slab: NDArray[np.intp]
    skull_mm: NDArray[np.float64]


def measure(scan: DynamicCt, each: Each) -> Measured | None:
    """How the head of a scan moved; None where no skull is seen.

    The reference is the first frame, which lies nearest to the scans before it. If most others
    do not fit it (the head moved just then, say), the one in the middle is tried.

    Parameters
    ----------
    scan
        Finite, of two frames and slices or more.
    each
        Applies a function to every frame.
    """
    grid = Grid.of(scan.shape[1:], scan.spacing_mm)
    levels = _levels(bone(scan.hu, grid, each), each)
    best: Measured | None = None
    for reference in (0, scan.shape[0] // 2):
        found = _measured_from(reference, scan, levels, each)
        if found and (best is None or _excluded(found) < _excluded(best)):
            best = found
        if best and _excluded(best) < 0.5:
            break
    return best


def slabs(scan: DynamicCt) -> NDArray[np.intp]:
    """(Z,) the slab of each slice, from 0: neighbours that are imaged together share one."""
    later = np.abs(np.median(np.diff(scan.time_s, axis=1), axis=0))
    borders = np.cumsum(later > SLAB_GAP * scan.interval_s)
    return np.concatenate([[0], borders]).astype(np.intp)


def _levels(fine: Level, each: Each) -> tuple[Level, ...]:
    """Coarse to fine, where the fine one is not coarse enough."""
    return (fine,) if fine.grid.spacing_mm[1:].max() > COARSE_MM else (fine.halved(each), fine)


def _excluded(found: Measured) -> float:
    return float(found.motion.excluded.mean())


def _measured_from(
    reference: int, scan: DynamicCt, levels: tuple[Level, ...], each: Each
) -> Measured | None:
    """The movement seen from one frame."""
    outlines = [edges(level, reference, ~scan.missing[reference]) for level in levels]
    if min(len(outline.value) for outline in outlines) < MIN_POINTS:
        return None
    slab = slabs(scan)
    placed = _placed(outlines, scan, levels, slab, each)
    skull_mm = outlines[-1].points_mm
    transforms = np.stack([[one.transform for one in frame] for frame in placed])
    left_mm = np.array([[one.left_mm for one in frame] for frame in placed]).max(axis=1)
    grid = levels[-1].grid
    in_view = [
        np.mean([imaged(skull_mm, grid, scan.shape[1], one) for one in frame])
        for frame in transforms
    ]
    motion = Motion(
        time_s=scan.time_s.mean(axis=1),
        reference=reference,
        transforms=transforms,
        moved_mm=np.array([max(way_mm(one, skull_mm) for one in frame) for frame in transforms]),
        turned_deg=np.array([max(turn_deg(one) for one in frame) for frame in transforms]),
        left_mm=left_mm,
        excluded=(left_mm > MAX_LEFT_MM) | (np.array(in_view) < MIN_IMAGED),
    )
    return Measured(motion, slab, skull_mm)


def _placed(
    outlines: list[Edges],
    scan: DynamicCt,
    levels: tuple[Level, ...],
    slab: NDArray[np.intp],
    each: Each,
) -> list[list[Placed]]:
    """The place of every slab in every frame.

    Each is looked for from the reference's place, so that none depends on another; only what
    is not found there is looked for again from where the nearest frame's was.
    """

    def look(task: tuple[int, int, Transform]) -> Placed:
        frame, group, start = task
        usable = (slab == group) & ~scan.missing[frame]
        placed = Placed(start, np.inf)
        for outline, level in zip(outlines, levels, strict=True):
            placed = place(outline, level, frame, usable, placed.transform)
        return placed

    frames, groups = range(scan.shape[0]), range(int(slab[-1]) + 1)
    found = list(each(look, [(frame, group, np.eye(4)) for frame in frames for group in groups]))
    table = [found[frame * len(groups) : (frame + 1) * len(groups)] for frame in frames]
    failed = [(t, g) for t in frames for g in groups if table[t][g].left_mm > MAX_LEFT_MM]
    again = [(t, g, _nearest(table, t, g)) for t, g in failed]
    for (frame, group), other in zip(failed, each(look, again), strict=True):
        if other.left_mm < table[frame][group].left_mm:
            table[frame][group] = other
    return table


def _nearest(table: list[list[Placed]], frame: int, group: int) -> Transform:
    """Where the slab was in the nearest frame in which it was found."""
    found = [t for t, placed in enumerate(table) if placed[group].left_mm <= MAX_LEFT_MM]
    if not found:
        return np.eye(4)
    return table[min(found, key=lambda t: abs(t - frame))][group].transform
