"""A frame brought back to where the head lay in the reference."""

import numpy as np
import scipy
from numpy.typing import NDArray

from node.perfusion.motion.grid import Grid
from node.perfusion.motion.rigid import Transform, applied

# A slice shows half its thickness beyond its centre; what lies farther out was not imaged.
REACH_SLICES = 0.5
# A tenth of a millimetre: beyond it a slice shows what the reference does not.
DRAWN_OUT_SLICES = 0.02
# Tissue gains less, noise included. Bone that enters a slice from a quarter of one beyond the
# reference already outshines every artery.
MAX_CONTRAST_HU = 60.0
# A quadratic spline; a cubic one takes longer and is no better.
CONTRAST_ORDER = 2
# Slices that the edge is repeated beyond itself, so that a spline ends level there.
BEYOND_SLICES = 3

Volume = NDArray[np.float32]
Window = tuple[slice, slice]
"""Rows and columns."""


def brought_back(
    frame: Volume,
    reference: Volume,
    grid: Grid,
    transforms: Transform,
    slab: NDArray[np.intp],
    head: Window,
) -> Volume:
    """A frame as it would have been without movement, (Z, Y, X) float32 [HU].

    What is brought back is the difference between the frame and the reference moved to the
    frame's pose: contrast and noise, which are smooth. Bone, fluid and tissue come from the
    reference; brought back themselves, they would be blurred, through thick slices above all,
    by more than tissue enhances. The reference is moved linearly: bone rings about anything
    sharper. The difference is brought back by a quadratic spline: a linear mean of neighbours
    fills the core with contrast from around it. Where parts of the head entered the slices that
    the reference does not show, the difference counts if it may be tissue's; where it is more,
    and where the head left the slices, that in the nearest slice is taken.

    Parameters
    ----------
    frame, reference
        (Z, Y, X) [HU].
    grid
        Where their voxels lie.
    transforms
        (G, 4, 4) from the reference to the frame, one for each slab.
    slab
        (Z,) the slab of each slice.
    head
        Where the reference shows the head; around it there is the reference's air.
    """
    back = reference.copy()
    for group, transform in enumerate(transforms):
        undone = np.linalg.inv(transform)
        known = _from_known(frame - _seen(reference, grid, undone), grid, undone)
        chosen = slab == group
        back[:, *head][chosen] += _splined(known, grid, transform, head)[chosen]
    return back


def imaged(points_mm: NDArray[np.float64], grid: Grid, slices: int, transform: Transform) -> float:
    """The share of points (N, 3) [mm] that still lies within the slices once moved."""
    height = grid.places(applied(transform, points_mm))[:, 0]
    within = (height >= -REACH_SLICES) & (height <= slices - 1 + REACH_SLICES)
    return float(within.mean())


def _from_known(difference: Volume, grid: Grid, undone: Transform) -> Volume:
    """The difference, what bone has entered replaced by that of the nearest slice seen in both."""
    slices, rows, columns = difference.shape
    matrix, offset = _indexed(grid, undone)
    (along_z, along_y, along_x), last = matrix[0], slices - 1
    # The reference's slice that is seen in the frame's lowest one, for every row and column.
    lowest = offset[0] + along_y * np.arange(rows)[:, None] + along_x * np.arange(columns)
    first = np.ceil((-DRAWN_OUT_SLICES - lowest) / along_z)
    final = np.floor((last + DRAWN_OUT_SLICES - lowest) / along_z)
    if first.max() <= 0 and final.min() >= last:
        return difference
    nearest = np.clip(np.arange(slices)[:, None, None], first, np.maximum(final, first))
    chosen = np.clip(nearest, 0, last).astype(np.intp)
    seen_in_both: Volume = np.take_along_axis(difference, chosen, axis=0)
    return np.where(np.abs(difference) < MAX_CONTRAST_HU, difference, seen_in_both)


def _seen(volume: Volume, grid: Grid, transform: Transform) -> Volume:
    """What a volume shows where its grid's points are moved to: linear, edges repeated."""
    matrix, offset = _indexed(grid, transform)
    seen: Volume = scipy.ndimage.affine_transform(volume, matrix, offset, order=1, mode="nearest")
    return seen


def _splined(volume: Volume, grid: Grid, transform: Transform, head: Window) -> Volume:
    """The same of a window's points, by a spline through the voxels."""
    coefficients = np.pad(volume, ((BEYOND_SLICES, BEYOND_SLICES), (0, 0), (0, 0)), mode="edge")
    for axis in range(3):
        coefficients = scipy.ndimage.spline_filter1d(
            coefficients, CONTRAST_ORDER, axis=axis, output=np.float32, mode="mirror"
        )
    matrix, offset = _indexed(grid.within(*head), transform, grid)
    seen: Volume = scipy.ndimage.affine_transform(
        coefficients,
        matrix,
        offset + np.array([BEYOND_SLICES, 0.0, 0.0]),
        output_shape=volume[:, *head].shape,
        order=CONTRAST_ORDER,
        mode="mirror",
        prefilter=False,
    )
    return seen


def _indexed(
    grid: Grid, transform: Transform, source: Grid | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A transform from voxels' indices to a source's (the grid's own): matrix (3, 3), offset."""
    spacing = grid.spacing_mm
    matrix = transform[:3, :3] * spacing / spacing[:, None]
    return matrix, (source or grid).places(applied(transform, grid.origin_mm[None]))[0]
