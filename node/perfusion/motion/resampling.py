"""A frame brought back to where the head lay in the reference."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.perfusion.motion.grid import Grid
from node.perfusion.motion.rigid import Transform, applied

# A slice shows half its thickness beyond its centre; what lies farther out was not imaged.
REACH_SLICES = 0.5
# A tenth of a millimetre. Bone that enters a slice from a quarter of one beyond the reference
# already outshines every artery.
DRAWN_OUT_SLICES = 0.02

Volume = NDArray[np.float32]


def brought_back(
    frame: Volume, reference: Volume, grid: Grid, transforms: Transform, slab: NDArray[np.intp]
) -> Volume:
    """A frame as it would have been without movement, (Z, Y, X) float32 [HU].

    What is brought back is the difference between the frame and the reference moved to the
    frame's pose: contrast and noise, which are smooth. Bone, fluid and tissue come from the
    reference; brought back themselves, they would be blurred, through thick slices above all,
    by more than tissue enhances. Where the head left the slices, or parts of it entered them
    that the reference does not show, the difference in the nearest slice is taken.

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
    """
    back = np.empty_like(frame)
    for group, transform in enumerate(transforms):
        undone = np.linalg.inv(transform)
        known = _from_known(frame - _seen(reference, grid, undone), grid, undone)
        difference = _seen(known, grid, transform)
        chosen = slab == group
        back[chosen] = reference[chosen] + difference[chosen]
    return back


def imaged(points_mm: NDArray[np.float64], grid: Grid, slices: int, transform: Transform) -> float:
    """The share of points (N, 3) [mm] that still lies within the slices once moved."""
    height = grid.places(applied(transform, points_mm))[:, 0]
    within = (height >= -REACH_SLICES) & (height <= slices - 1 + REACH_SLICES)
    return float(within.mean())


def _from_known(difference: Volume, grid: Grid, undone: Transform) -> Volume:
    """The difference, where the reference shows nothing that of the nearest slice it shows."""
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
    return np.take_along_axis(difference, chosen, axis=0)


def _seen(volume: Volume, grid: Grid, transform: Transform) -> Volume:
    """What a volume shows where its grid's points are moved to: linear, edges repeated."""
    matrix, offset = _indexed(grid, transform)
    seen: Volume = ndimage.affine_transform(volume, matrix, offset, order=1, mode="nearest")
    return seen


def _indexed(grid: Grid, transform: Transform) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A transform of voxels' indices: matrix (3, 3) and offset (3,)."""
    spacing = grid.spacing_mm
    matrix = transform[:3, :3] * spacing / spacing[:, None]
    return matrix, grid.places(applied(transform, grid.origin_mm[None]))[0]
