"""Values on a grid in the patient, and the same values on another grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from node.series import Geometry

# Direction cosines that differ by more than this are other planes: half a degree.
_PARALLEL = 0.01


@dataclass(frozen=True, eq=False)
class Volume:
    """Values (Z, Y, X) and where they lie; slices ascend."""

    values: NDArray[np.float32]
    geometry: Geometry

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel [ml]."""
        return float(np.prod(self.geometry.spacing_mm)) / 1000.0


def onto(volume: Volume, grid: Geometry) -> NDArray[np.float32] | None:
    """The volume's values at the voxels of another grid, NaN outside of it.

    Linear within a slice and between slices, which need not be evenly spaced. A voxel counts as
    outside where its centre lies more than half a voxel beyond the outermost centres.

    Returns
    -------
    (Z, Y, X) float32 or None
        None where the planes are not parallel.
    """
    own = volume.geometry
    if np.abs(np.array(own.orientation) - np.array(grid.orientation)).max() > _PARALLEL:
        return None
    row, column = np.array(own.orientation[:3]), np.array(own.orientation[3:])
    corner = own.position_mm[0]
    result = np.empty((len(grid.position_mm), grid.rows, grid.columns), np.float32)
    for z, position in enumerate(grid.position_mm):
        slice_at = _index_along(own, float(position @ own.normal))
        rows_at = ((position - corner) @ column + np.arange(grid.rows) * grid.pixel_mm[0]) / (
            own.pixel_mm[0]
        )
        columns_at = ((position - corner) @ row + np.arange(grid.columns) * grid.pixel_mm[1]) / (
            own.pixel_mm[1]
        )
        result[z] = _sampled(volume.values, slice_at, rows_at, columns_at)
    return result


def _index_along(own: Geometry, at_mm: float) -> float:
    """Where a slice at that place lies among one's own: 1.5 between the second and the third."""
    along, step = own.along_mm, own.spacing_mm[0]
    last = len(along) - 1
    if at_mm < along[0]:
        return float((at_mm - along[0]) / step)
    if at_mm > along[-1]:
        return float(last + (at_mm - along[-1]) / step)
    return float(np.interp(at_mm, along, np.arange(len(along))))


def _sampled(
    values: NDArray[np.float32],
    slice_at: float,
    rows_at: NDArray[np.float64],
    columns_at: NDArray[np.float64],
) -> NDArray[np.float32]:
    rows, columns = np.meshgrid(rows_at, columns_at, indexing="ij")
    places = np.stack([np.full_like(rows, slice_at), rows, columns])
    sampled: NDArray[np.float32] = map_coordinates(values, places, order=1, mode="nearest")
    ends = np.array(values.shape)[:, None, None] - 0.5
    sampled[((places < -0.5) | (places > ends)).any(axis=0)] = np.nan
    return sampled
