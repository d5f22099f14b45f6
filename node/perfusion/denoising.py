"""Noise averaged away between neighbours whose courses are alike, where there is much of it."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from node.perfusion.timing import imaged_points

# To the right and down: what a pixel gives its neighbour, the neighbour gives it.
_STEPS = [step for step in product((0, 1), (-1, 0, 1)) if step > (0, 0)]
_NEARNESS = 1.0 / 1.5
_WIDTH = 0.5
# Noise over the vein's peak below which the network sees better alone, and how fast the tolerance
# grows above it, up to where more only blurs.
QUIET = 0.008
STRENGTH_PER_NOISE = 100.0
MAX_STRENGTH = 1.8


def noise_hu(enhancement: NDArray[np.float32]) -> float:
    """The noise of enhancement, by its changes from one point in time to the next [HU].

    Tissue enhances slowly and is most of what there is: the median pixel's changes are noise.

    Parameters
    ----------
    enhancement
        (Z, N, H, W) float32 [HU]; pixels that are 0 throughout do not count.
    """
    imaged = enhancement[:, : imaged_points(enhancement)]
    changes = np.abs(np.diff(imaged, axis=1)).mean(axis=1) if imaged.shape[1] > 1 else imaged[:0]
    changes = changes[changes > 0]
    # Two samples' difference has root two of their deviation, and a mean of root (2 / pi) of that.
    return float(np.median(changes)) * np.sqrt(np.pi) / 2.0 if changes.size else 0.0


def tolerance_hu(enhancement: NDArray[np.float32], vessels_hu: NDArray[np.float32]) -> float:
    """How far courses may differ and still be averaged [HU]; 0 where nothing is to be averaged.

    What counts is the noise over the vein's peak, since the network divides by that.

    Parameters
    ----------
    enhancement
        (Z, N, H, W) float32 [HU].
    vessels_hu
        (2, N) float32 [HU], artery and vein.
    """
    noise, vein_hu = noise_hu(enhancement), float(vessels_hu[1].max(initial=0.0))
    if vein_hu <= 0.0:
        return 0.0
    strength = STRENGTH_PER_NOISE * (noise / vein_hu - QUIET)
    return noise * float(np.clip(strength, 0.0, MAX_STRENGTH))


def averaged_alike(
    enhancement: NDArray[np.float32], baseline_hu: NDArray[np.float32], tolerance: float
) -> NDArray[np.float32]:
    """Every pixel averaged with those of its eight neighbours that take the same course.

    Time-intensity profile similarity (Mendrik et al., Phys Med Biol 2011;56:3857): weights by
    distance and by how far two courses differ beyond what is tolerated. A vessel's course is like
    no tissue's, and what is late is not like what is on time, so that edges stay.

    Parameters
    ----------
    enhancement
        (Z, N, H, W) float32 [HU].
    baseline_hu
        (Z, H, W) float32 [HU]: courses differ by their baselines, too.
    tolerance
        Standard deviation of what noise may be [HU]; with 0 nothing changes.

    Returns
    -------
    (Z, N, H, W) float32 [HU]
    """
    if tolerance <= 0.0:
        return enhancement
    out = np.empty_like(enhancement)
    for z, (curves, resting) in enumerate(zip(enhancement, baseline_hu, strict=True)):
        out[z] = _averaged(curves, resting, np.float32(tolerance**2))
    return out


def _averaged(
    curves: NDArray[np.float32], resting: NDArray[np.float32], variance: np.float32
) -> NDArray[np.float32]:
    """One slice, (N, H, W)."""
    rows, columns = resting.shape
    summed, total = curves.copy(), np.ones_like(resting)
    for down, right in _STEPS:
        near = np.float32(np.exp(-(_NEARNESS**2) * (down**2 + right**2)))
        one = np.s_[: rows - down, max(0, -right) : columns - max(0, right)]
        other = np.s_[down:, max(0, right) : columns - max(0, -right)]
        here, there = curves[:, *one], curves[:, *other]
        apart = here - there
        apart += resting[one] - resting[other]
        beyond = np.einsum("nhw,nhw->hw", apart, apart) / np.float32(len(curves))
        # Noise alone makes two courses differ by twice its variance.
        beyond = np.maximum(beyond - 2 * variance, 0)
        weight = near * np.exp(-beyond / (2 * np.float32(_WIDTH) * variance))
        summed[:, *one] += weight * there
        summed[:, *other] += weight * here
        total[one] += weight
        total[other] += weight
    averaged: NDArray[np.float32] = summed / total
    return averaged
