"""The arterial and venous functions, found without a person (SCIENCE.md section 2)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from node.perfusion.dynamic import DynamicCt
from node.perfusion.enhancement import baseline_weights
from node.perfusion.input_functions import InputFunctions, VesselCurve
from node.perfusion.sampling import Clock
from node.perfusion.vessel_voxels import Candidates, Shape, strong_voxels
from node.refusals import Refusal, RefusalCode

ARRIVAL_WEIGHT = 3.5
# The usual widest is 15 s; a failing heart widens the bolus, and ``assess`` flags the widest.
NARROWEST_FWHM_S, WIDEST_FWHM_S = 3.0, 30.0
ARRIVAL_ERROR_S = 2.0
MIN_VENOUS_LAG_S = 2.0
SINUS_FRACTION = 0.6
CLUSTER_VOXELS = 3
BEST_VOXELS = 10
MIN_ARTERY_HU = 8.0
# Of the height of the large veins, which partial volume spares: an artery has a quarter of it
# in the median patient (40 and 148 HU, SCIENCE.md section 3).
LEAST_SHARES = (0.25, 0.1)
MIN_PEAK_TO_NOISE = 5.0
MIN_KEPT_HEIGHT = 0.7


def find_inputs(
    scan: DynamicCt, brain: NDArray[np.bool_], arrival_s: float
) -> InputFunctions | Refusal:
    """The AIF and VOF of a scan, or why there is no artery.

    Among the highest 5 % of the voxels in and around the brain, arteries are those with the
    best score z(height) - 3.5 z(arrival) - z(width); the best connected cluster of at least
    three voxels is averaged. The vein is the largest high cluster that fills at least 2 s later.
    Slices may have times of their own.

    Parameters
    ----------
    scan
        Any frame count and sampling.
    brain
        (Z, Y, X) bool; vessels are looked for in it and in a rim around it.
    arrival_s
        When contrast arrives in the head [s] on the scan's clock: earlier images are baseline.

    Returns
    -------
    InputFunctions or Refusal
        ``NO_BOLUS`` where nothing looks like an artery, ``TOO_FEW_FRAMES`` where the slices
        share too short a time to show one.

    Raises
    ------
    ValueError
        If the scan is not finite or the brain is not on its grid.
    """
    if brain.shape != scan.shape[1:]:
        raise ValueError(f"the brain {brain.shape} is not on the scan's grid {scan.shape[1:]}")
    if not np.isfinite(scan.hu.sum()):
        raise ValueError("the scan holds values that are not finite")
    try:
        clock = Clock.of(scan)
    except ValueError as too_short:
        return _no_clock(str(too_short))
    found = strong_voxels(scan, brain, clock, baseline_weights(scan.time_s, arrival_s))
    # No vessel is half full before contrast arrives.
    found = found.only(found.half_rise_s >= arrival_s - ARRIVAL_ERROR_S)
    artery = _artery(found, scan, clock)
    if artery is None:
        return _no_artery(found)
    vein = _vein(found, artery, scan, clock)
    return InputFunctions(clock, artery, vein, max(_partial_volume(artery, vein, clock), 1.0))


def _artery(found: Candidates, scan: DynamicCt, clock: Clock) -> VesselCurve | None:
    """The best cluster of arterial voxels; a low one only where there is no other."""
    highest = float(np.percentile(found.height_hu, 95)) if len(found.height_hu) else 0.0
    possible = (found.fwhm_s >= NARROWEST_FWHM_S) & (found.fwhm_s <= WIDEST_FWHM_S)
    for share in LEAST_SHARES:
        lowest = max(MIN_ARTERY_HU, share * highest)
        chosen = found.only(possible & (found.height_hu >= lowest))
        if len(chosen.height_hu) < CLUSTER_VOXELS:
            continue
        score = (
            _standard(chosen.height_hu)
            - ARRIVAL_WEIGHT * _standard(chosen.half_rise_s)
            - _standard(chosen.fwhm_s)
        )
        for voxels in _clusters(chosen, score):
            curve = _curve(chosen, voxels, scan, clock)
            if _arterial(curve, float(chosen.height_hu[voxels].mean())):
                return curve
    return None


def _arterial(curve: VesselCurve, height_hu: float) -> bool:
    """Whether a cluster's mean is still what its voxels were chosen for.

    Noise that looks like an early bolus in each of some voxels averages out.
    """
    return (
        curve.peak_hu >= MIN_PEAK_TO_NOISE * curve.noise_hu
        and curve.peak_hu >= MIN_KEPT_HEIGHT * height_hu
        and NARROWEST_FWHM_S <= curve.fwhm_s <= WIDEST_FWHM_S
    )


def _vein(
    found: Candidates, artery: VesselCurve, scan: DynamicCt, clock: Clock
) -> VesselCurve | None:
    """The highest voxels of the largest sinus: of what is high and later than the artery.

    Arteries beyond an occlusion fill late too, and high, but they are small.
    """
    late = found.half_rise_s >= artery.half_rise_s + MIN_VENOUS_LAG_S
    chosen = found.only(late & (found.fwhm_s <= 2.0 * WIDEST_FWHM_S))
    if len(chosen.height_hu) < CLUSTER_VOXELS:
        return None
    high = np.flatnonzero(chosen.height_hu >= SINUS_FRACTION * chosen.height_hu.max())
    labels = chosen.clusters(high)
    largest = high[labels == np.bincount(labels)[1:].argmax() + 1]
    if len(largest) < CLUSTER_VOXELS:
        return None
    best = largest[np.argsort(-chosen.height_hu[largest])][:BEST_VOXELS]
    return _curve(chosen, best, scan, clock)


def _clusters(found: Candidates, score: NDArray[np.float64]) -> Iterator[NDArray[np.intp]]:
    """The best voxels of each connected cluster, the best cluster first.

    The net is cast wider as long as no cluster is taken.
    """
    order = np.argsort(-score)
    wanted = max(3 * BEST_VOXELS, len(order) // 20)
    while True:
        caught = order[:wanted]
        labels = found.clusters(caught)
        large = np.flatnonzero(np.bincount(labels)[1:] >= CLUSTER_VOXELS) + 1
        members = [caught[labels == label][:BEST_VOXELS] for label in large]
        yield from sorted(members, key=lambda voxels: -float(score[voxels].mean()))
        if wanted >= len(order):
            return
        wanted *= 2


def _curve(
    found: Candidates, voxels: NDArray[np.intp], scan: DynamicCt, clock: Clock
) -> VesselCurve:
    mean = found.curves[:, voxels].mean(axis=1).astype(np.float64)
    shape = Shape.of(mean[:, None], clock)
    bends = np.diff(found.curves[:, voxels], n=2, axis=0)
    bends -= np.median(bends, axis=1, keepdims=True)
    # 6 = 1 + 4 + 1: variance gain of a second difference. Neighbours share noise: about
    # three count as one.
    voxel_noise = 1.4826 * float(np.median(np.abs(bends))) / np.sqrt(6.0)
    return VesselCurve(
        hu=mean,
        site=found.site(voxels, scan.shape[1:]),
        peak_hu=float(mean.max()),
        fwhm_s=float(shape.fwhm_s[0]),
        arrival_s=float(shape.arrival_s[0]),
        half_rise_s=float(shape.half_rise_s[0]),
        noise_hu=float(voxel_noise / np.sqrt(max(len(voxels) / 3.0, 1.0))),
    )


def _partial_volume(artery: VesselCurve, vein: VesselCurve | None, clock: Clock) -> float:
    """AUC(VOF)/AUC(AIF), each up to the same point of its course; 1 without a vein.

    The scan ends at one time for both, but the vein is later: the artery's last seconds have
    no counterpart in the vein and are left out.
    """
    if vein is None:
        return 1.0
    lag_s = vein.half_rise_s - artery.half_rise_s
    end_s = clock.times_s[-1]
    venous = _area(vein.hu, clock, end_s)
    arterial = _area(artery.hu, clock, end_s - lag_s)
    return venous / arterial if arterial > 0 else 1.0


def _area(hu: NDArray[np.float64], clock: Clock, end_s: float) -> float:
    """Area under a curve up to a time [HU s]."""
    fine = np.arange(clock.start_s, end_s, clock.interval_s / 8.0)
    return float(np.trapezoid(np.interp(fine, clock.times_s, hu), fine))


def _no_artery(found: Candidates) -> Refusal:
    highest = float(found.height_hu.max(initial=0.0))
    return Refusal(
        RefusalCode.NO_BOLUS,
        found=f"no artery was found: no {CLUSTER_VOXELS} neighbouring voxels rise and fall like "
        f"one within {WIDEST_FWHM_S:.0f} s; the highest rises by {highest:.0f} HU",
        remedy="Check that contrast was given and that the scan ran during its passage.",
    )


def _no_clock(why: str) -> Refusal:
    return Refusal(
        RefusalCode.TOO_FEW_FRAMES,
        found=why,
        remedy="Send a CT perfusion series with its full course over time.",
    )


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values less their mean, over their standard deviation."""
    scaled: NDArray[np.float64] = (values - values.mean()) / max(float(values.std()), 1e-6)
    return scaled
