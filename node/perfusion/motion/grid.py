"""Where voxels lie, in millimetres from the scan's centre."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Grid:
    """A regular grid of voxels.

    Parameters
    ----------
    origin_mm
        (3,) float64, the first voxel's centre along Z, Y and X from the scan's centre [mm].
    spacing_mm
        (3,) float64, distance between voxel centres along Z, Y and X [mm].
    """

    origin_mm: NDArray[np.float64]
    spacing_mm: NDArray[np.float64]

    @classmethod
    def of(cls, shape: tuple[int, ...], spacing_mm: tuple[float, float, float]) -> "Grid":
        """The grid of a whole scan of so many voxels along Z, Y and X."""
        spacing = np.array(spacing_mm)
        return cls(-(np.array(shape) - 1) / 2.0 * spacing, spacing)

    def binned(self, factor: int) -> "Grid":
        """The grid of blocks of ``factor`` x ``factor`` pixels."""
        shift = self.spacing_mm * (0.0, (factor - 1) / 2.0, (factor - 1) / 2.0)
        return Grid(self.origin_mm + shift, self.spacing_mm * (1.0, factor, factor))

    def within(self, rows: slice, columns: slice) -> "Grid":
        """The grid of a window of rows and columns."""
        first = np.array([0.0, rows.start, columns.start])
        return Grid(self.origin_mm + first * self.spacing_mm, self.spacing_mm)

    def points_mm(self, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Where voxels of the indices (N, 3) lie [mm]."""
        points: NDArray[np.float64] = self.origin_mm + places * self.spacing_mm
        return points

    def places(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """The indices, with fractions, at which points (N, 3) [mm] lie."""
        places: NDArray[np.float64] = (points_mm - self.origin_mm) / self.spacing_mm
        return places
