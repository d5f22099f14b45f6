"""Perfusion maps by deconvolution: the classical methods that a network answers to."""

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.perfusion.arterial import find_inputs
from node.perfusion.box_model import BoxRegression
from node.perfusion.dynamic import DynamicCt
from node.perfusion.enhancement import GUARD_S, baseline_weights
from node.perfusion.flanks import peaks
from node.perfusion.input_functions import ArterialInput
from node.perfusion.maps import Estimator, PerfusionMaps
from node.perfusion.model_input import ModelInput
from node.perfusion.quantities import Quantity
from node.perfusion.solution import Method, Solution
from node.perfusion.svd import BlockCirculantSvd, OscillationSvd, StandardSvd
from node.refusals import Refusal

DENSITY_G_ML = 1.05
# (1 - large-vessel haematocrit) over (1 - capillary haematocrit), inverted: SCIENCE.md section 2.
HAEMATOCRIT_RATIO = (1.0 - 0.45) / (1.0 - 0.25)
VOLUME_ML_100G = 100.0 * HAEMATOCRIT_RATIO / DENSITY_G_ML
# The best for lesions of 3.5, 5, 7 and 9 mm on simulated scans at full dose.
SMOOTHING_MM = 7.0
# A large vessel's mean enhancement stands this far above the brain's (SCIENCE.md section 2).
VESSEL_RATIO = 2.5
KERNEL = (0.25, 0.5, 0.25)
WORKERS = min(4, os.cpu_count() or 1)

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (StandardSvd(), BlockCirculantSvd(), OscillationSvd(), BoxRegression())
    }
)
"""The classical methods by name, as commonly set."""


@dataclass(frozen=True, eq=False)
class Deconvolved:
    """Maps by one deconvolution method, (Z, Y, X) float32, 0 outside the brain.

    Parameters
    ----------
    values
        One map for every :class:`Quantity`, in its unit; TTP from the artery's arrival.
    delay_s
        Arrival behind the artery [s].
    baseline_hu
        Mean of the images before contrast [HU].
    """

    values: Mapping[Quantity, NDArray[np.float32]]
    delay_s: NDArray[np.float32]
    baseline_hu: NDArray[np.float32]


def deconvolve(
    scan: DynamicCt,
    brain: NDArray[np.bool_],
    artery: ArterialInput,
    method: Method,
    *,
    smoothing_mm: float = SMOOTHING_MM,
) -> Deconvolved:
    """Perfusion maps of a scan by a classical method.

    Parameters
    ----------
    scan
        Any sampling; slices may have times of their own.
    brain
        (Z, Y, X) bool, where maps are wanted.
    artery
        The input function, corrected for partial volume.
    method
        One of :data:`METHODS`, or with other parameters.
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
    maps = np.zeros((6, *brain.shape), np.float32)

    def fill(z: int) -> None:
        curves = _tissue_curves(scan, brain[z], weights, z, smoothing_mm)
        curves = artery.clock.weights(scan.time_s[:, z]) @ curves
        solution = method.solve(artery.hu, curves, artery.clock.interval_s)
        maps[:, z, brain[z]] = _in_units(solution, _time_to_peak(curves, artery))

    with ThreadPoolExecutor(WORKERS) as pool:
        # Every slice writes its own part; list() lets a worker's exception out.
        list(pool.map(fill, np.flatnonzero(brain.any(axis=(1, 2))).tolist()))
    return Deconvolved(
        values=dict(zip(_ORDER, maps[:5], strict=True)),
        delay_s=maps[5],
        baseline_hu=np.einsum("tz,tzyx->zyx", weights, scan.hu),
    )


def estimate(
    prepared: ModelInput, method: Method, *, smoothing_mm: float = SMOOTHING_MM
) -> PerfusionMaps | Refusal:
    """Maps of a prepared scan by a classical method, as a network would return them.

    Artery and vein are found automatically. The maps are on the scan's own grid.

    Parameters
    ----------
    prepared
        What a network would be given; its time and pixel grid are not used.
    method
        One of :data:`METHODS`, or with other parameters.
    smoothing_mm
        As in :func:`deconvolve`.

    Returns
    -------
    PerfusionMaps or Refusal
        ``NO_BOLUS`` where no artery is found.
    """
    inputs = find_inputs(prepared.scan, prepared.brain, prepared.arrival_s)
    if isinstance(inputs, Refusal):
        return inputs
    found = deconvolve(
        prepared.scan, prepared.brain, inputs.arterial_input, method, smoothing_mm=smoothing_mm
    )
    return PerfusionMaps(
        values=found.values,
        brain=prepared.brain,
        baseline_hu=found.baseline_hu,
        spacing_mm=prepared.scan.spacing_mm,
        estimator=estimator_of(method, smoothing_mm),
    )


def estimator_of(method: Method, smoothing_mm: float = SMOOTHING_MM) -> Estimator:
    """Name and version of a method; the digest is that of its parameters."""
    said = f"{method!r} version {method.version}, smoothing {smoothing_mm:g} mm"
    return Estimator(method.name, method.version, hashlib.sha256(said.encode()).hexdigest())


_ORDER = (Quantity.CBF, Quantity.CBV, Quantity.MTT, Quantity.TTP, Quantity.TMAX)


def _in_units(solution: Solution, ttp_s: NDArray[np.float32]) -> NDArray[np.float32]:
    """(6, V) the quantities in their units, and the delay."""
    return np.stack(
        [
            solution.flow * np.float32(60.0 * VOLUME_ML_100G),
            solution.volume * np.float32(VOLUME_ML_100G),
            solution.mtt_s,
            ttp_s,
            solution.tmax_s,
            solution.delay_s,
        ]
    )


def _time_to_peak(curves: NDArray[np.float32], artery: ArterialInput) -> NDArray[np.float32]:
    """(V,) time from the artery's arrival to the peak of the filtered curve [s]."""
    smooth = ndimage.convolve1d(curves, KERNEL, axis=0, mode="nearest")
    _, place = peaks(smooth)
    peak_s = artery.clock.start_s + place * artery.clock.interval_s
    ttp_s: NDArray[np.float32] = np.maximum(peak_s - artery.arrival_s, 0.0).astype(np.float32)
    return ttp_s


def _tissue_curves(
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
    mean = ndimage.gaussian_filter(planes.mean(axis=0), [s / 2.0 for s in sigma])
    vessel = inside & (mean > VESSEL_RATIO * max(float(np.median(mean[inside])), 1e-6))
    smoothed = np.zeros_like(planes)
    for part in (inside & ~vessel, vessel):
        share = ndimage.gaussian_filter(part.astype(np.float32), sigma)
        blurred = ndimage.gaussian_filter(planes * part, (0.0, *sigma))
        smoothed[:, part] = blurred[:, part] / share[part]
    return smoothed[:, inside]
