"""A second opinion on the hypoperfusion: what a deconvolution makes of the network's own input."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.perfusion.lesion import Lesion, parenchyma, without_specks
from node.perfusion.maps import PerfusionMaps
from node.perfusion.model_input import ModelInput
from node.perfusion.pixels import weighted
from node.perfusion.quantities import Quantity
from node.perfusion.restoration import onto_model
from node.perfusion.sampling import MIN_POINTS, Clock
from node.perfusion.svd import OscillationSvd
from node.perfusion.timing import imaged_points
from node.perfusion.vessel_voxels import Shape

METHOD = OscillationSvd()
# Full widths at half maximum, wider than for maps: a volume needs no detail, and the noise of a
# low dose would pass for slow tissue.
IN_PLANE_MM, ACROSS_MM = 18.0, 12.0
# Of pixels so smooth, every third one is plenty.
STEP = 3


@dataclass(frozen=True)
class CrossCheck:
    """The hypoperfusion of network and deconvolution, both on the network's pixels.

    Parameters
    ----------
    network_ml, deconvolved_ml
        Volumes [ml].
    shared_ml
        What both call hypoperfused [ml].
    """

    network_ml: float
    deconvolved_ml: float
    shared_ml: float


def cross_check(prepared: ModelInput, maps: PerfusionMaps, lesion: Lesion) -> CrossCheck | None:
    """How the hypoperfusion compares with that of an oscillation-limited SVD.

    The deconvolution is quick because it works on what the network was given: the same pixels,
    the same times, the curves of the same artery and vein. Its Tmax is first brought to the
    network's level in the tissue that the network calls normal: truncation lengthens every
    Tmax by a second or two, noise by more. So it answers where tissue is slower than the rest,
    and cannot tell whether all of it is slow.

    Parameters
    ----------
    prepared, maps, lesion
        What was analysed, and what came of it.

    Returns
    -------
    CrossCheck or None
        None where there is no tissue, no vessel was looked for, or the scan shows too little of
        its passage.
    """
    points, step_s = imaged_points(prepared.enhancement), prepared.grid.interval_s
    artery = _arterial_input(prepared.vessels_hu[:, :points], step_s)
    parts = parenchyma(maps).astype(np.float32), lesion.hypoperfusion.astype(np.float32)
    tissue, network = (onto_model(part, prepared) > 0.5 for part in parts)
    rough = tissue[:, ::STEP, ::STEP]
    if artery is None or not rough.any():
        return None
    curves = _smoothed(prepared, tissue, points, maps.spacing_mm[0])
    tmax_s = METHOD.solve(artery, curves, step_s).tmax_s
    limit_s = lesion.thresholds.tmax_s
    expected_s = onto_model(maps[Quantity.TMAX], prepared)[:, ::STEP, ::STEP][rough]
    normal = expected_s <= limit_s
    if normal.any():
        tmax_s = tmax_s + np.median(expected_s[normal]) - np.median(tmax_s[normal])
    slow = np.zeros(rough.shape, np.bool_)
    slow[rough] = tmax_s > limit_s
    voxel_ml = maps.spacing_mm[0] * (STEP * prepared.grid.pixel_mm) ** 2 / 1000.0
    slow = without_specks(slow, lesion.thresholds.min_lesion_ml, voxel_ml)
    network_ml, deconvolved_ml, shared_ml = (
        float(mask.sum()) * voxel_ml
        for mask in (network[:, ::STEP, ::STEP], slow, network[:, ::STEP, ::STEP] & slow)
    )
    return CrossCheck(network_ml, deconvolved_ml, shared_ml)


def _arterial_input(vessels_hu: NDArray[np.float32], step_s: float) -> NDArray[np.float64] | None:
    """(N,) the artery's curve, brought to the vein's area [HU]; None where there is no bolus."""
    if vessels_hu.shape[1] < MIN_POINTS or not np.all(np.ptp(vessels_hu, axis=1) > 0):
        return None
    artery, vein = vessels_hu.astype(np.float64)
    shape = Shape.of(vessels_hu.T, Clock(0.0, step_s, len(artery)))
    lag = round(max(float(shape.half_rise_s[1] - shape.half_rise_s[0]), 0.0) / step_s)
    # The scan ends for both at once: the artery's last seconds have no counterpart in the vein.
    areas = float(vein.sum()), float(artery[: len(artery) - lag].sum())
    return artery * max(areas[0] / areas[1], 1.0) if min(areas) > 0 else None


def _smoothed(
    prepared: ModelInput, tissue: NDArray[np.bool_], points: int, slice_mm: float
) -> NDArray[np.float32]:
    """(points, V) curves of every :data:`STEP`-th of the tissue's pixels, smoothed among them."""
    down, across = (
        _gaussian(size, IN_PLANE_MM / prepared.grid.pixel_mm)[::STEP] for size in tissue.shape[1:]
    )
    through = _gaussian(len(tissue), ACROSS_MM / slice_mm)
    curves = prepared.enhancement[:, :points] * tissue[:, None]
    blurred = np.tensordot(through, weighted(curves, down, across), axes=1)
    share = np.tensordot(through, weighted(tissue.astype(np.float32), down, across), axes=1)
    inside = tissue[:, ::STEP, ::STEP]
    means = np.moveaxis(blurred, 1, -1)[inside] / share[inside][:, None]
    smoothed: NDArray[np.float32] = np.ascontiguousarray(means.T, np.float32)
    return smoothed


def _gaussian(size: int, width: float) -> NDArray[np.float32]:
    """(size, size) weights that smooth along an axis; ``width`` at half maximum in steps."""
    apart = np.arange(size)[:, None] - np.arange(size)
    weights: NDArray[np.float32] = np.exp(-4.0 * np.log(2.0) * (apart / width) ** 2)
    return weights.astype(np.float32)
