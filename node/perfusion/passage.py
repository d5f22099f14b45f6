"""The passage of contrast through tissue, as the measure of what a vessel's curve may look like.

Where a moving head brings bone or air into a voxel, its curve steps and wanders, and is often
higher than any vessel's. Tissue well inside the head shows the true passage, and a vessel's curve
is like it, some seconds earlier or later.
"""

import numpy as np
from numpy.typing import NDArray

LEAST_LIKENESS = 0.8
# From the artery's lead over tissue to the vein's lag behind it.
MOST_SHIFT_S = 6.0


def follows_tissue(
    curves: NDArray[np.float64], tissue: NDArray[np.float64], interval_s: float
) -> NDArray[np.bool_]:
    """(V,) bool, the curves that have the course of the tissue's, whenever they have it.

    Parameters
    ----------
    curves
        (V, N) [HU].
    tissue
        (N,) [HU], the typical tissue's curve.
    interval_s
        Time between samples [s].
    """
    most = max(1, min(round(MOST_SHIFT_S / interval_s), len(tissue) // 3))
    best = np.full(len(curves), -1.0)
    for shift in range(-most, most + 1):
        moved = curves[:, max(shift, 0) : len(tissue) + min(shift, 0)]
        still = tissue[max(-shift, 0) : len(tissue) + min(-shift, 0)]
        best = np.maximum(best, _correlation(moved, still))
    follows: NDArray[np.bool_] = best >= LEAST_LIKENESS
    return follows


def _correlation(
    curves: NDArray[np.float64], reference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(V,) Pearson's correlation of each curve with the reference; 0 where one is level."""
    rows = curves - curves.mean(axis=1, keepdims=True)
    row = reference - reference.mean()
    scale = np.sqrt((rows**2).sum(axis=1) * (row**2).sum())
    correlation: NDArray[np.float64] = (rows @ row) / np.maximum(scale, 1e-9)
    return correlation
