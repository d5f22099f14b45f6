"""NIfTI-1 volumes (nifti.nimh.nih.gov) of maps, segments and background CT."""

import gzip
from collections.abc import Sequence

import nibabel
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from node.series import Geometry

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # DICOM points left and back, NIfTI right and front
_EVEN_MM = 0.05  # how far a slice may lie off an even grid
_SCANNER = 1  # NIfTI's code of the scanner's own coordinates


def unevenness_mm(geometry: Geometry) -> float:
    """How far the worst slice lies off a grid of equal steps [mm]; NIfTI knows no other."""
    positions = geometry.position_mm
    steps = np.arange(len(positions))[:, None]
    even = positions[0] + steps * _step(geometry)
    return float(np.linalg.norm(positions - even, axis=1).max())


def is_even(geometry: Geometry) -> bool:
    """Whether a NIfTI file can say where the slices lie."""
    return unevenness_mm(geometry) <= _EVEN_MM


def nifti(values: NDArray[np.generic], geometry: Geometry, meaning: str) -> bytes:
    """A compressed NIfTI-1 file; the same volume gives the same bytes.

    Parameters
    ----------
    values
        (Z, Y, X), slices ascending along the normal.
    geometry
        Where they lie. A tilted gantry's shear stands in the sform alone: a qform has none.
    meaning
        What the values are, with their unit; at most 79 ASCII characters.

    Raises
    ------
    ValueError
        If the slices are not evenly spaced, or ``meaning`` is too long.
    """
    if not is_even(geometry):
        raise ValueError(f"slices lie up to {unevenness_mm(geometry):.2f} mm off an even grid")
    if len(meaning.encode("ascii")) > 79:
        raise ValueError(f"too long for a NIfTI header: {meaning}")
    affine = _LPS_TO_RAS @ _lps(geometry)
    image = nibabel.Nifti1Image(np.ascontiguousarray(values.transpose(2, 1, 0)), affine)
    image.set_sform(affine, code=_SCANNER)
    image.set_qform(affine, code=0 if _sheared(affine) else _SCANNER, strip_shears=True)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = meaning
    return gzip.compress(image.to_bytes(), compresslevel=6, mtime=0)


def segment_masks(segmentation: Dataset, geometry: Geometry) -> dict[str, NDArray[np.uint8]]:
    """(Z, Y, X) uint8 by the segment's label without its brackets, on the grid of ``geometry``.

    A Segmentation leaves out frames without a voxel; the others are placed by where they lie.
    """
    labels = {
        int(s.SegmentNumber): str(s.SegmentLabel).partition(" (")[0]
        for s in segmentation.SegmentSequence
    }
    shape = (len(geometry.position_mm), geometry.rows, geometry.columns)
    masks = {label: np.zeros(shape, np.uint8) for label in labels.values()}
    frames = np.asarray(segmentation.pixel_array).reshape(-1, geometry.rows, geometry.columns)
    for item, frame in zip(segmentation.PerFrameFunctionalGroupsSequence, frames, strict=True):
        number = int(item.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        position = [float(v) for v in item.PlanePositionSequence[0].ImagePositionPatient]
        distance = np.linalg.norm(geometry.position_mm - np.array(position), axis=1)
        masks[labels[number]][int(distance.argmin())] = frame
    return masks


def background_hu(images: Sequence[Dataset]) -> NDArray[np.float32]:
    """(Z, Y, X) float32 [HU] of the background CT, in the order given."""
    return np.stack(
        [
            image.pixel_array * np.float32(image.RescaleSlope) + np.float32(image.RescaleIntercept)
            for image in images
        ]
    ).astype(np.float32)


def _step(geometry: Geometry) -> NDArray[np.float64]:
    """From a slice to the next, on the mean; one slice steps by its thickness."""
    positions = geometry.position_mm
    if len(positions) == 1:
        return geometry.normal * geometry.slice_thickness_mm
    step: NDArray[np.float64] = (positions[-1] - positions[0]) / (len(positions) - 1)
    return step


def _lps(geometry: Geometry) -> NDArray[np.float64]:
    """From (column, row, slice) to the patient's coordinates [mm] (PS3.3 C.7.6.2.1.1)."""
    affine = np.eye(4)
    affine[:3, 0] = np.array(geometry.orientation[:3]) * geometry.pixel_mm[1]
    affine[:3, 1] = np.array(geometry.orientation[3:]) * geometry.pixel_mm[0]
    affine[:3, 2] = _step(geometry)
    affine[:3, 3] = geometry.position_mm[0]
    return affine


def _sheared(affine: NDArray[np.float64]) -> bool:
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return not np.allclose(axes.T @ axes, np.eye(3), atol=1e-4)
