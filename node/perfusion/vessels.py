"""The artery's and the vein's curve, read off the scan without a person choosing them."""

import numpy as np
import scipy
from numpy.typing import NDArray

from node.perfusion.passage import follows_tissue

VOXELS = 12
# What is lower than this share of the highest, the sinus's, is tissue with a vessel near it.
LEAST_HEIGHT = 0.25
HIGHEST_FRACTION = 0.002
# SCIENCE.md section 2: score = z(height) - 3.5 z(arrival) - z(width).
ARRIVAL_WEIGHT = 3.5
# A sinus fills 4-9 s after the artery; one point of a 2 s grid tells the two apart.
VENOUS_LAG_POINTS = 1.0
# Voxels that fill later than the likeliest ones by more than this are another vessel's.
BEST_VOXELS = 3
ARTERIAL_SPREAD_POINTS = 0.6
# A bolus goes up and down once (2 peaks' heights of way) and recirculates a little; the
# highest of 93 patients' veins had 397 HU (SCIENCE.md section 3).
MAX_WAYS = 3.0
MAX_LEFT = 0.9
MAX_DIP = 0.15
HIGHEST_HU = 700.0


def vessel_curves(
    enhancement: NDArray[np.float32], region: NDArray[np.bool_], interval_s: float
) -> NDArray[np.float32]:
    """The curves of the likeliest artery and the likeliest vein.

    The artery is the mean of the voxels that, among those high enough to be a vessel's, are
    early, high and narrow; the vein the mean of the highest that fill clearly later, which lie in
    a large sinus and suffer least from partial volume. Both are scale references for the network
    as much as input functions.

    Parameters
    ----------
    enhancement
        (Z, N, H, W) float32 [HU] on a regular time grid.
    region
        (Z, H, W) bool, where to look.
    interval_s
        Time between samples [s].

    Returns
    -------
    (2, N) float32 [HU], artery then vein
    """
    curves = np.moveaxis(enhancement, 1, -1)[region].astype(np.float64)
    if not len(curves):
        return np.zeros((2, enhancement.shape[1]), np.float32)
    smooth = scipy.ndimage.convolve1d(curves, [0.25, 0.5, 0.25], axis=1, mode="nearest")
    likely = np.flatnonzero(_like_a_bolus(smooth) & _high(smooth))
    likely = likely[follows_tissue(smooth[likely], np.median(smooth, axis=0), interval_s)]
    if len(likely) < VOXELS:
        likely = np.argsort(-smooth.max(axis=1))[: 2 * VOXELS]
    curves, smooth = curves[likely], smooth[likely]
    arterial = _alike(smooth, _arterial_order(smooth)[:VOXELS])
    venous = _venous_order(smooth, arterial)[:VOXELS]
    return np.stack([curves[arterial].mean(axis=0), curves[venous].mean(axis=0)]).astype(np.float32)


def _high(curves: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(V,) bool, the curves as high as a vessel's: a good share of the highest plausible ones.

    Above the plausible are bone and air that move.
    """
    peak = curves.max(axis=1)
    plausible = np.sort(peak[peak < HIGHEST_HU])
    count = max(VOXELS, int(HIGHEST_FRACTION * len(peak)))
    highest = float(plausible[-count:].mean()) if len(plausible) else 0.0
    high: NDArray[np.bool_] = peak >= LEAST_HEIGHT * highest
    return high


def _like_a_bolus(curves: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(V,) bool, the curves that rise once, fall again and hardly dip below the baseline.

    Where a moving head brings bone or air into a voxel, its curve steps, wanders and dips.
    """
    peak = np.maximum(curves.max(axis=1), 1e-6)
    ways = np.abs(np.diff(curves, axis=1)).sum(axis=1)
    left = curves[:, -4:].mean(axis=1)
    plausible: NDArray[np.bool_] = (
        (peak < HIGHEST_HU)
        & (ways < MAX_WAYS * peak)
        & (left < MAX_LEFT * peak)
        & (curves.min(axis=1) > -MAX_DIP * peak)
    )
    return plausible


def _arterial_order(curves: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of (V, N) curves, the most arterial first."""
    height = curves.max(axis=1)
    half = curves >= height[:, None] / 2.0
    arrival = _first_crossing(curves, height)
    width = half.sum(axis=1).astype(np.float64)
    score = _standard(height) - ARRIVAL_WEIGHT * _standard(arrival) - _standard(width)
    return np.argsort(-score)


def _alike(curves: NDArray[np.float64], chosen: NDArray[np.intp]) -> NDArray[np.intp]:
    """The chosen curves that fill as early as the best of them.

    An artery of few voxels must not be filled up with those of the vein.
    """
    arrival = _first_crossing(curves[chosen], curves[chosen].max(axis=1))
    latest = np.median(arrival[:BEST_VOXELS]) + ARTERIAL_SPREAD_POINTS
    return chosen[arrival <= latest]


def _venous_order(curves: NDArray[np.float64], arterial: NDArray[np.intp]) -> NDArray[np.intp]:
    """Indices of (V, N) curves, the highest first, those later than the artery before all."""
    height = curves.max(axis=1)
    arrival = _first_crossing(curves, height)
    late = arrival >= np.median(arrival[arterial]) + VENOUS_LAG_POINTS
    return np.lexsort((-height, ~late))


def _first_crossing(
    curves: NDArray[np.float64], height: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Grid index, with fraction, at which each curve first reaches half its height."""
    target = height / 2.0
    above = np.argmax(curves >= target[:, None], axis=1)
    before = np.maximum(above - 1, 0)
    rows = np.arange(len(curves))
    step = np.maximum(curves[rows, above] - curves[rows, before], 1e-6)
    share = np.clip((target - curves[rows, before]) / step, 0.0, 1.0)
    crossing: NDArray[np.float64] = before + np.where(above > 0, share, 0.0)
    return crossing


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values less their mean, over their standard deviation."""
    scaled: NDArray[np.float64] = (values - values.mean()) / max(float(values.std()), 1e-6)
    return scaled
