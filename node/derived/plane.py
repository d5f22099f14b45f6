"""The place of an image in the patient (PS3.3 C.7.6.2) and the letters that name directions."""

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.valuerep import format_number_as_ds

from node.series import Geometry

# A direction gets a second letter once it leans this far (cosine of 67.5 degrees).
_LEANING = 0.38


def place(dataset: Dataset, geometry: Geometry, z: int) -> None:
    """Write matrix, spacing, position and orientation of slice ``z``."""
    dataset.Rows, dataset.Columns = geometry.rows, geometry.columns
    dataset.PixelSpacing = decimals(geometry.pixel_mm)
    dataset.ImageOrientationPatient = decimals(geometry.orientation)
    dataset.SliceThickness = decimal(thickness_mm(geometry))
    dataset.FrameOfReferenceUID = geometry.frame_of_reference_uid
    dataset.PositionReferenceIndicator = ""
    move(dataset, geometry, z)


def move(dataset: Dataset, geometry: Geometry, z: int) -> None:
    """Write where slice ``z`` lies; the rest is the same for all slices."""
    dataset.ImagePositionPatient = decimals(geometry.position_mm[z])
    dataset.SliceLocation = decimal(location_mm(geometry, z))


def decimal(value: float) -> str:
    """A Decimal String: at most 16 characters (PS3.5 6.2)."""
    return format_number_as_ds(float(value))


def decimals(values: NDArray[np.float64] | tuple[float, ...]) -> list[str]:
    """Decimal Strings."""
    return [decimal(v) for v in values]


def thickness_mm(geometry: Geometry) -> float:
    """Nominal slice thickness, or the distance between slices where it is unknown [mm]."""
    return geometry.slice_thickness_mm or geometry.spacing_mm[0]


def location_mm(geometry: Geometry, z: int) -> float:
    """Place of slice ``z`` along the normal [mm]."""
    return float(geometry.position_mm[z] @ geometry.normal)


def letters(direction: NDArray[np.float64]) -> str:
    """The anatomical direction a vector points to, such as ``L`` or ``PH`` (C.7.6.1.1.1)."""
    names = [("L", "R"), ("P", "A"), ("H", "F")]
    order = np.argsort(-np.abs(direction), kind="stable")
    return "".join(
        names[axis][int(direction[axis] < 0)]
        for rank, axis in enumerate(order[:2])
        if rank == 0 or abs(direction[axis]) > _LEANING
    )


def row_letters(geometry: Geometry) -> tuple[str, str]:
    """Where the first and the last column of an image lie."""
    row = np.array(geometry.orientation[:3])
    return letters(-row), letters(row)


def column_letters(geometry: Geometry) -> tuple[str, str]:
    """Where the first and the last row of an image lie."""
    column = np.array(geometry.orientation[3:])
    return letters(-column), letters(column)
