"""A CT perfusion scan as the science sees it: attenuation and times, no DICOM."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class DynamicCt:
    """A CT perfusion scan on its analysis grid.

    Parameters
    ----------
    hu
        Attenuation, (T, Z, Y, X) float32 [HU], slices ascending along the slice normal.
    time_s
        Time of every image, (T, Z) float64 [s] from the earliest image; strictly ascending
        along T for every slice. A shuttle's slabs differ along Z.
    spacing_mm
        Distance between voxel centres along (Z, Y, X) [mm].
    missing
        (T, Z) bool, True where no image arrived: ``hu`` there is interpolated in time.

    Raises
    ------
    ValueError
        If shapes or types disagree, an axis is empty, or times are not finite or do not ascend.
    """

    hu: NDArray[np.float32]
    time_s: NDArray[np.float64]
    spacing_mm: tuple[float, float, float]
    missing: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.hu.ndim != 4 or self.hu.dtype != np.float32:
            raise ValueError(
                f"hu must be (T, Z, Y, X) float32, got {self.hu.shape} {self.hu.dtype}"
            )
        if not self.hu.size:
            raise ValueError(f"hu {self.hu.shape} holds no pixels")
        frames_slices = self.hu.shape[:2]
        if self.time_s.shape != frames_slices or self.missing.shape != frames_slices:
            raise ValueError(
                f"time_s {self.time_s.shape} and missing {self.missing.shape} "
                f"must be {frames_slices}"
            )
        if not np.all(np.diff(self.time_s, axis=0) > 0):
            raise ValueError("time_s must ascend along T in every slice")
        if min(self.spacing_mm) <= 0:
            raise ValueError(f"spacing_mm must be positive, got {self.spacing_mm}")
        if not np.isfinite(self.time_s).all():
            raise ValueError("time_s must be finite")

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(T, Z, Y, X)."""
        t, z, y, x = self.hu.shape
        return t, z, y, x

    @property
    def coverage_s(self) -> float:
        """Time between the first and the last image [s]."""
        return float(self.time_s.max() - self.time_s.min())

    @property
    def interval_s(self) -> float:
        """Median time between images of the same slice [s]."""
        return float(np.median(np.diff(self.time_s, axis=0)))

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel [ml]."""
        z, y, x = self.spacing_mm
        return z * y * x / 1000.0
