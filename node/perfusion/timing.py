"""Time: when contrast arrives, and curves brought from any sampling to a regular grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.perfusion.passage import follows_tissue

FINE_STEP_S = 0.25
STRONG_FRACTION = 0.01
# Among as many times the strongest are vessels enough, whatever else has moved.
WIDER = 4
MIN_STRONG_VOXELS = 12
# Contrast counts as arrived at this fraction of the strong enhancers' rise: early on an
# arterial upstroke (4-6 s long), yet clear of noise and of slow drifts.
ARRIVAL_FRACTION = 0.07


@dataclass(frozen=True)
class Arrival:
    """When contrast reaches the head, and how clearly.

    Parameters
    ----------
    time_s
        Time of arrival on the scan's clock [s]; the first image's where contrast was there
        from the start.
    rise_hu
        Rise of the strongest enhancers from their lowest level to their peak [HU].
    noise_hu
        Noise of their mean curve [HU].
    """

    time_s: float
    rise_hu: float
    noise_hu: float


def averaging_weights(
    time_s: NDArray[np.float64], start_s: float, interval_s: float, points: int
) -> NDArray[np.float32]:
    """Weights that turn the samples of one slice into means over a regular grid's intervals.

    Every grid point is the mean, over its own interval, of the curve drawn as straight lines
    between the samples and held level before the first and after the last. A fast scan is
    averaged, so that its noise falls; a slow one is interpolated; both are blurred in time
    alike, whatever the sampling.

    Parameters
    ----------
    time_s
        (T,) times of the samples [s], ascending.
    start_s
        Time of the first grid point [s].
    interval_s
        Time between grid points [s].
    points
        Number of grid points.

    Returns
    -------
    (points, T) float32, rows sum to 1
    """
    per_point = max(1, round(interval_s / FINE_STEP_S))
    offsets = ((np.arange(per_point) + 0.5) / per_point - 0.5) * interval_s
    fine = (start_s + interval_s * np.arange(points)[:, None] + offsets).ravel()
    right = np.clip(np.searchsorted(time_s, fine), 1, len(time_s) - 1)
    left = right - 1
    share = np.clip((fine - time_s[left]) / (time_s[right] - time_s[left]), 0.0, 1.0)
    weights = np.zeros((len(fine), len(time_s)))
    rows = np.arange(len(fine))
    weights[rows, left] = 1.0 - share
    weights[rows, right] += share
    means: NDArray[np.float32] = (
        weights.reshape(points, per_point, -1).mean(axis=1).astype(np.float32)
    )
    return means


def to_grid(
    curves: NDArray[np.float32],
    time_s: NDArray[np.float64],
    start_s: float,
    interval_s: float,
    points: int,
) -> NDArray[np.float32]:
    """Curves on a regular time grid, each slice from its own times.

    Parameters
    ----------
    curves
        (T, Z, H, W) float32.
    time_s
        (T, Z) [s].
    start_s, interval_s, points
        The grid, as in :func:`averaging_weights`.

    Returns
    -------
    (Z, points, H, W) float32
    """
    frames, slices, height, width = curves.shape
    out = np.empty((slices, points, height, width), np.float32)
    for z in range(slices):
        weights = averaging_weights(time_s[:, z], start_s, interval_s, points)
        out[z] = (weights @ curves[:, z].reshape(frames, -1)).reshape(points, height, width)
    return out


def imaged_points(enhancement: NDArray[np.float32]) -> int:
    """How many points of a time grid lie before the curves are held level, in every slice.

    Parameters
    ----------
    enhancement
        (Z, N, H, W), what :func:`to_grid` gave; slices that are 0 everywhere do not count.
    """
    rough = enhancement[:, :, ::4, ::4]
    changes = (np.diff(rough, axis=1) != 0).any(axis=(2, 3))
    level = changes[:, ::-1].argmax(axis=1)
    # What comes after the last change is held; so is the point that it leads to.
    points = np.where(level > 0, rough.shape[1] - 1 - level, rough.shape[1])
    return int(points[changes.any(axis=1)].min(initial=rough.shape[1]))


def find_arrival(
    curves: NDArray[np.float32], time_s: NDArray[np.float64], region: NDArray[np.bool_]
) -> Arrival:
    """When contrast arrives in the head, read off the voxels that enhance most.

    The strongest hundredth of the region (arteries and veins) is averaged, so that the noise
    of a single voxel does not matter; from the peak of that mean curve one walks back to where
    it last was near its lowest level.

    Parameters
    ----------
    curves
        (T, Z, H, W) float32 [HU].
    time_s
        (T, Z) [s].
    region
        (Z, H, W) bool, where to look.
    """
    interval_s = float(np.median(np.diff(time_s, axis=0)))
    step_s = max(0.5, interval_s / 2.0)
    clock = np.arange(time_s.min(), time_s.max() + step_s / 2.0, step_s)
    strong = _strong_enhancers(curves, region, interval_s)
    curve = _mean_curve(curves, time_s, strong, clock)
    peak = int(np.argmax(curve))
    lowest = float(curve[: peak + 1].min())
    rise = float(curve[peak]) - lowest
    noise = _noise(curves, strong)
    threshold = lowest + max(ARRIVAL_FRACTION * rise, 2.0 * noise)
    below = np.flatnonzero(curve[: peak + 1] < threshold)
    if not len(below) or peak == 0:
        return Arrival(float(clock[0]), rise, noise)
    last = int(below[-1])
    if last >= peak:
        return Arrival(float(clock[last]), rise, noise)
    share = (threshold - curve[last]) / max(curve[last + 1] - curve[last], 1e-6)
    return Arrival(float(clock[last] + step_s * np.clip(share, 0.0, 1.0)), rise, noise)


def _strong_enhancers(
    curves: NDArray[np.float32], region: NDArray[np.bool_], interval_s: float
) -> NDArray[np.bool_]:
    """(Z, H, W) bool: the region's strongest hundredth by deviation over time.

    Only those that follow the tissue's passage, where there are enough: a head that moved has
    stronger deviations where bone is near.
    """
    places = np.flatnonzero(region)
    inside = curves.reshape(len(curves), -1)[:, places]
    spread = inside.std(axis=0)
    wanted = min(max(MIN_STRONG_VOXELS, int(STRONG_FRACTION * len(places))), len(places))
    order = np.argsort(-spread, kind="stable")
    wider = order[: WIDER * wanted]
    tissue = np.median(inside, axis=1).astype(np.float64)
    follows = wider[follows_tissue(inside[:, wider].T.astype(np.float64), tissue, interval_s)]
    chosen = follows[:wanted] if len(follows) >= MIN_STRONG_VOXELS else order[:wanted]
    strong = np.zeros(region.size, np.bool_)
    strong[places[chosen]] = True
    return strong.reshape(region.shape)


def _mean_curve(
    curves: NDArray[np.float32],
    time_s: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    clock: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Mean curve of the chosen voxels on a common clock, slices weighted by their share."""
    total = np.zeros(len(clock))
    for z in np.flatnonzero(chosen.any(axis=(1, 2))):
        mine = curves[:, z][:, chosen[z]].sum(axis=1, dtype=np.float64)
        total += np.interp(clock, time_s[:, z], mine)
    return total / max(int(chosen.sum()), 1)


def _noise(curves: NDArray[np.float32], chosen: NDArray[np.bool_]) -> float:
    """Noise of the chosen voxels' mean curve [HU], from second differences over time.

    A bolus bends a curve too, but all chosen voxels together; what is left after their common
    course is taken out is noise. 6 = 1 + 4 + 1 is the variance gain of a second difference.
    """
    mine = curves[:, chosen].astype(np.float64)
    if mine.shape[0] < 3 or not mine.size:
        return 0.0
    bends = np.diff(mine, n=2, axis=0)
    bends -= np.median(bends, axis=1, keepdims=True)
    one_voxel = 1.4826 * float(np.median(np.abs(bends))) / np.sqrt(6.0)
    # Neighbours share noise: about four pixels count as one.
    return float(one_voxel / np.sqrt(max(mine.shape[1] / 4.0, 1.0)))
