"""Where the voxels of a series lie in the patient (DICOM PS3.3 C.7.6.2)."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Geometry:
    """A stack of parallel slices, ascending along the slice normal.

    Parameters
    ----------
    position_mm
        (Z, 3) float64, ImagePositionPatient of every slice [mm].
    orientation
        ImageOrientationPatient, 6 direction cosines: along a row, then along a column.
    pixel_mm
        PixelSpacing: distance between rows, then between columns [mm].
    rows, columns
        Matrix of one slice.
    slice_thickness_mm
        Nominal thickness [mm]; positions, not this, say how slices are spaced.
    frame_of_reference_uid
        The patient coordinate system.
    """

    position_mm: NDArray[np.float64]
    orientation: tuple[float, float, float, float, float, float]
    pixel_mm: tuple[float, float]
    rows: int
    columns: int
    slice_thickness_mm: float
    frame_of_reference_uid: str

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector along which slices ascend."""
        row, column = np.array(self.orientation[:3]), np.array(self.orientation[3:])
        normal: NDArray[np.float64] = np.cross(row, column)
        return normal / np.linalg.norm(normal)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along (Z, Y, X) [mm]; one slice has its thickness."""
        steps = np.diff(self.along_mm)
        dz = float(np.median(steps)) if len(steps) else self.slice_thickness_mm
        return dz, self.pixel_mm[0], self.pixel_mm[1]

    @property
    def along_mm(self) -> NDArray[np.float64]:
        """(Z,) where the slices lie along the normal [mm]."""
        along: NDArray[np.float64] = self.position_mm @ self.normal
        return along

    def binned(self, factor: int, slices: int = 1) -> "Geometry":
        """The geometry after averaging ``slices`` x ``factor`` x ``factor`` voxels into one.

        Rows and columns that do not fill a whole block are cropped at the far edge, slices at
        both ends; the position moves to the centre of the first block.
        """
        shift = (factor - 1) / 2.0
        row, column = np.array(self.orientation[:3]), np.array(self.orientation[3:])
        moved = self.position_mm + shift * (self.pixel_mm[1] * row + self.pixel_mm[0] * column)
        groups = self.grouped(slices)
        return replace(
            self,
            position_mm=np.array([moved[group].mean(axis=0) for group in groups]),
            pixel_mm=(self.pixel_mm[0] * factor, self.pixel_mm[1] * factor),
            rows=self.rows // factor,
            columns=self.columns // factor,
            slice_thickness_mm=self.slice_thickness_mm + (slices - 1) * self.spacing_mm[0],
        )

    def grouped(self, slices: int) -> list[slice]:
        """The slices in groups of so many neighbours; what is left over lies at both ends."""
        count = len(self.position_mm)
        first = count % slices // 2
        return [slice(at, at + slices) for at in range(first, count - slices + 1, slices)]
