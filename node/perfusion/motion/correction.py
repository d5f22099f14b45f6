"""A scan whose head moved, as if it had lain still."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.perfusion.dynamic import DynamicCt
from node.perfusion.gaps import fill
from node.perfusion.motion.curve import Motion
from node.perfusion.motion.grid import Grid
from node.perfusion.motion.measurement import Measured, measure
from node.perfusion.motion.resampling import Window, brought_back
from node.perfusion.motion.threads import Each, threads
from node.refusals import Refusal, RefusalCode

MAX_EXCLUDED_FRACTION = 1 / 3
MAX_GAP_S = 12.0
SCALP_MM = 10.0


@dataclass(frozen=True, eq=False)
class Corrected:
    """A scan as if the head had lain still, and how it moved.

    Parameters
    ----------
    scan
        Without the frames beyond repair; the very same where nothing moved.
    motion
        How the head moved.
    """

    scan: DynamicCt
    motion: Motion


def correct_motion(scan: DynamicCt) -> Corrected | Refusal:
    """The scan with the head where it was in its first frame, or why that cannot be had.

    Every frame is registered to the first as a rigid body, by the edges of the skull. Frames
    that moved less than :data:`node.perfusion.motion.curve.STILL_MM` stay as they are, bit for
    bit; frames that no pose lays over the first are left out. Of a shuttle, whose slabs are
    imaged in turn, each slab has a pose of its own in every frame; within a slab (a spiral's
    sweep, say) a frame has one.

    Parameters
    ----------
    scan
        Of any frame count and sampling.

    Returns
    -------
    Corrected or Refusal
        ``MOTION`` where so many frames are beyond repair that contrast cannot be followed.
    """
    with threads() as each:
        found = measure(scan, each) if _sound(scan) else None
        if found is None:
            return Corrected(scan, _unknown(scan))
        if refusal := _beyond_repair(scan, found.motion.excluded):
            return refusal
        return Corrected(_corrected(scan, found, each), found.motion)


def _sound(scan: DynamicCt) -> bool:
    """Whether there is a scan to register; ``prepare`` refuses what is not."""
    return min(scan.shape[:2]) > 1 and bool(np.isfinite(scan.hu.sum()))


def _unknown(scan: DynamicCt) -> Motion:
    """The motion of a scan without a skull."""
    frames = scan.shape[0]
    return Motion(
        time_s=scan.time_s.mean(axis=1),
        reference=0,
        transforms=np.tile(np.eye(4), (frames, 1, 1, 1)),
        moved_mm=np.zeros(frames),
        turned_deg=np.zeros(frames),
        left_mm=np.zeros(frames),
        excluded=np.zeros(frames, np.bool_),
        measured=False,
    )


def _beyond_repair(scan: DynamicCt, excluded: NDArray[np.bool_]) -> Refusal | None:
    """The refusal of a scan that has lost too much of its course."""
    if not excluded.any():
        return None
    gap_s = float(np.diff(scan.time_s[~excluded], axis=0).max(initial=0.0))
    if excluded.mean() <= MAX_EXCLUDED_FRACTION and gap_s <= MAX_GAP_S:
        return None
    return Refusal(
        RefusalCode.MOTION,
        found=f"the head moved: {excluded.sum()} of {excluded.size} time points cannot be "
        f"brought back, which leaves a gap of {gap_s:.0f} s",
        remedy="Scan again with the head held still, or read the source images.",
    )


def _corrected(scan: DynamicCt, found: Measured, each: Each) -> DynamicCt:
    """What is left of the scan, moved frames brought back and gaps filled from them."""
    motion = found.motion
    if not (motion.corrected.any() or motion.excluded.any()):
        return scan
    hu = scan.hu.copy()
    grid = Grid.of(scan.shape[1:], scan.spacing_mm)
    at_rest = _around(scan, found.skull_mm, SCALP_MM)

    def bring(frame: int) -> None:
        # A point of the skull may move by twice what it moves on the average.
        margin_mm = SCALP_MM + 2.0 * float(motion.moved_mm[frame])
        window = _around(scan, found.skull_mm, margin_mm)
        seen, reference = (scan.hu[t, :, *window] for t in (frame, motion.reference))
        head = _within(window, at_rest)
        poses = motion.transforms[frame]
        hu[frame, :, *window] = brought_back(
            seen, reference, grid.within(*window), poses, found.slab, head
        )

    list(each(bring, np.flatnonzero(motion.corrected)))
    kept = ~motion.excluded
    if not kept.all():
        hu = hu[kept]
    fill(hu, scan.time_s[kept], scan.missing[kept])
    return DynamicCt(hu, scan.time_s[kept], scan.spacing_mm, scan.missing[kept])


def _around(scan: DynamicCt, skull_mm: NDArray[np.float64], margin_mm: float) -> Window:
    """Rows and columns of the skull and a margin about it."""
    low, high = skull_mm.min(axis=0) - margin_mm, skull_mm.max(axis=0) + margin_mm
    places = Grid.of(scan.shape[1:], scan.spacing_mm).places(np.stack([low, high]))
    sides = [
        slice(max(0, int(first)), min(pixels, int(last) + 2))
        for first, last, pixels in zip(*places[:, 1:], scan.shape[2:], strict=True)
    ]
    return sides[0], sides[1]


def _within(window: Window, inner: Window) -> Window:
    """A window inside another one, counted from that one's first row and column."""
    rows, columns = (
        slice(i.start - w.start, i.stop - w.start) for w, i in zip(window, inner, strict=True)
    )
    return rows, columns
