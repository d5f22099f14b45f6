"""Where the brain is: from attenuation alone, slice by slice."""

import numpy as np
import scipy
from numpy.typing import NDArray

TISSUE_HU = (0.0, 100.0)
SMOOTHING_MM = 1.2
# Wider than scalp, eye muscles and the openings of the skull base, narrower than any part of
# the brain that matters: opening by this radius parts the brain from them.
OPENING_MM = 6.0


def find_brain(
    mean_hu: NDArray[np.float32], spacing_mm: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """The brain with its vessels and ventricles.

    Tissue between 0 and 100 HU is opened in-plane, so that the scalp outside the skull falls
    away; the largest connected part that is left is the brain. It is then grown back and filled.
    Bone beside the brain, smoothed into the outermost voxels, keeps them out: nothing more need
    be taken back from the skull. A slice whose tissue touches the edge of the picture is treated
    like any other.

    Parameters
    ----------
    mean_hu
        (Z, Y, X) float32 [HU], a mean over many frames with little contrast in it.
    spacing_mm
        Distance between voxel centres along (Z, Y, X) [mm].

    Returns
    -------
    (Z, Y, X) bool, all False where there is no brain
    """
    _, dy, dx = spacing_mm
    smooth = scipy.ndimage.gaussian_filter(mean_hu, (0.0, SMOOTHING_MM / dy, SMOOTHING_MM / dx))
    tissue = (smooth > TISSUE_HU[0]) & (smooth < TISSUE_HU[1])
    seeds = np.stack([_eroded(_filled(plane), OPENING_MM, (dy, dx)) for plane in tissue])
    seeds = _largest(seeds)
    return np.stack(
        [
            _regrown(seed, plane, OPENING_MM, (dy, dx))
            for seed, plane in zip(seeds, tissue, strict=True)
        ]
    )


def _regrown(
    seed: NDArray[np.bool_],
    tissue: NDArray[np.bool_],
    radius_mm: float,
    pixel_mm: tuple[float, float],
) -> NDArray[np.bool_]:
    """A seed grown back by what the opening took, and filled."""
    if not seed.any():
        return seed
    reach = _dilated(seed, radius_mm, pixel_mm)
    return _filled(reach & _filled(tissue)) & reach


def _filled(plane: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The plane with small holes (vessels full of contrast, calcifications) filled.

    Only holes that are small against the head are filled: the skull encloses the brain, and
    without it the brain's own ring must not swallow what is no tissue.
    """
    holes = scipy.ndimage.binary_fill_holes(plane) & ~plane
    labels, count = scipy.ndimage.label(holes)
    if not count:
        return plane
    sizes = np.bincount(labels.ravel())
    small = sizes <= max(int(0.01 * plane.size), 4)
    small[0] = False
    filled: NDArray[np.bool_] = plane | small[labels]
    return filled


def _eroded(
    plane: NDArray[np.bool_], radius_mm: float, pixel_mm: tuple[float, float]
) -> NDArray[np.bool_]:
    """Erosion by a disc; the edge of the picture does not erode."""
    padded = np.pad(plane, 1, mode="edge")
    if padded.all():
        return plane
    distance = scipy.ndimage.distance_transform_edt(padded, sampling=pixel_mm)
    eroded: NDArray[np.bool_] = distance[1:-1, 1:-1] > radius_mm
    return eroded


def _dilated(
    plane: NDArray[np.bool_], radius_mm: float, pixel_mm: tuple[float, float]
) -> NDArray[np.bool_]:
    """Dilation by a disc."""
    if not plane.any():
        return plane
    distance = scipy.ndimage.distance_transform_edt(~plane, sampling=pixel_mm)
    dilated: NDArray[np.bool_] = distance <= radius_mm
    return dilated


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part, empty for an empty mask."""
    labels, count = scipy.ndimage.label(mask)
    if not count:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest: NDArray[np.bool_] = labels == int(np.argmax(sizes))
    return largest
