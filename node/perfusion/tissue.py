"""The tissue's curves, as every classical method starts from them."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from node.perfusion.dynamic import DynamicCt
from node.perfusion.enhancement import GUARD_S, baseline_weights
from node.perfusion.flanks import peaks
from node.perfusion.input_functions import ArterialInput

# The best for lesions of 3.5, 5, 7 and 9 mm on simulated scans at full dose.
SMOOTHING_MM = 7.0
# A large vessel's mean enhancement stands this far above the brain's (SCIENCE.md section 2).
VESSEL_RATIO = 2.5
KERNEL = (0.25, 0.5, 0.25)
WORKERS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, eq=False)
class Tissue:
    """The brain's curves on the artery's clock, and all else that methods do not differ in.

    Parameters
    ----------
    artery
        The input function.
    brain
        (Z, Y, X) bool, where the curves are from.
    curves
        For every slice (N, V) float32 [HU], V the slice's brain voxels, smoothed in-plane.
    ttp_s
        (Z, Y, X) float32 [s] from the artery's arrival, 0 outside the brain.
    baseline_hu
        (Z, Y, X) float32 [HU], mean of the images before contrast.
    smoothing_mm
        Full width at half maximum of the smoothing [mm].
    """

    artery: ArterialInput
    brain: NDArray[np.bool_]
    curves: tuple[NDArray[np.float32], ...]
    ttp_s: NDArray[np.float32]
    baseline_hu: NDArray[np.float32]
    smoothing_mm: float


def tissue_of(
    scan: DynamicCt,
    brain: NDArray[np.bool_],
    artery: ArterialInput,
    *,
    smoothing_mm: float = SMOOTHING_MM,
) -> Tissue:
    """The tissue of a scan, once for any number of methods.

    Parameters
    ----------
    scan
        Any sampling; slices may have times of their own.
    brain
        (Z, Y, X) bool, where maps are wanted.
    artery
        The input function, corrected for partial volume.
    smoothing_mm
        Full width at half maximum of a Gaussian over the brain's pixels, large vessels kept
        apart [mm]; 0 leaves the pixels alone.

    Raises
    ------
    ValueError
        If the scan is not finite, the brain is empty or not on the scan's grid, or the
        smoothing is negative.
    """
    if brain.shape != scan.shape[1:] or not brain.any():
        raise ValueError(f"the brain {brain.shape} must be on {scan.shape[1:]} and not be empty")
    if not np.isfinite(scan.hu.sum()):
        raise ValueError("the scan holds values that are not finite")
    if smoothing_mm < 0:
        raise ValueError(f"smoothing_mm must not be negative, got {smoothing_mm}")
    weights = baseline_weights(scan.time_s, artery.contrast_s + GUARD_S)
    ttp_s = np.zeros(brain.shape, np.float32)

    def of_slice(z: int) -> NDArray[np.float32]:
        if not brain[z].any():
            return np.zeros((artery.clock.points, 0), np.float32)
        curves = _smoothed(scan, brain[z], weights, z, smoothing_mm)
        curves = artery.clock.weights(scan.time_s[:, z]) @ curves
        # Every slice writes its own part.
        ttp_s[z, brain[z]] = _time_to_peak(curves, artery)
        return curves

    with ThreadPoolExecutor(WORKERS) as pool:
        curves = tuple(pool.map(of_slice, range(len(brain))))
    baseline_hu = np.einsum("tz,tzyx->zyx", weights, scan.hu)
    return Tissue(artery, brain, curves, ttp_s, baseline_hu, smoothing_mm)


def _time_to_peak(curves: NDArray[np.float32], artery: ArterialInput) -> NDArray[np.float32]:
    """(V,) time from the artery's arrival to the peak of the filtered curve [s]."""
    smooth = scipy.ndimage.convolve1d(curves, KERNEL, axis=0, mode="nearest")
    _, place = peaks(smooth)
    peak_s = artery.clock.start_s + place * artery.clock.interval_s
    ttp_s: NDArray[np.float32] = np.maximum(peak_s - artery.arrival_s, 0.0).astype(np.float32)
    return ttp_s


def _smoothed(
    scan: DynamicCt,
    brain: NDArray[np.bool_],
    weights: NDArray[np.float32],
    z: int,
    smoothing_mm: float,
) -> NDArray[np.float32]:
    """(T, V) enhancement of one slice's brain, smoothed in-plane.

    A large vessel must not spread into the tissue around it: both are smoothed apart.
    """
    rows, columns = (np.flatnonzero(brain.any(axis=axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    inside = brain[box]
    hu = scan.hu[:, z, box[0], box[1]]
    planes = hu - np.tensordot(weights[:, z], hu, axes=1)
    if smoothing_mm == 0:
        return np.asarray(planes[:, inside], np.float32)
    sigma = [smoothing_mm / 2.3548 / mm for mm in scan.spacing_mm[1:]]
    mean = scipy.ndimage.gaussian_filter(planes.mean(axis=0), [s / 2.0 for s in sigma])
    vessel = inside & (mean > VESSEL_RATIO * max(float(np.median(mean[inside])), 1e-6))
    smoothed = np.zeros_like(planes)
    for part in (inside & ~vessel, vessel):
        share = scipy.ndimage.gaussian_filter(part.astype(np.float32), sigma)
        blurred = scipy.ndimage.gaussian_filter(planes * part, (0.0, *sigma))
        smoothed[:, part] = blurred[:, part] / share[part]
    return smoothed[:, inside]
