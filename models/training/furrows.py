"""Sulci where the simulator drew none: tissue thinned by fluid, to any share of a voxel."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.network import SCALES
from models.training.loss import FLOWS

SPACING_PX = (2.0, 7.0)
WIDTH = (0.2, 0.8)
DEEPEST = (0.6, 1.0)
FLUID_HU = (6.0, 14.0)
# Between these, in standard deviations of a wide field, furrows fade out.
FADING = (-0.8, 0.4)
WIDE_PX = 16.0
# The baseline is a mean of a few frames.
BASELINE_FRAMES = 4.0
FLOW_MAPS = [i for i, quantity in enumerate(SCALES) if quantity in FLOWS]

Stack = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def furrowed(rng: np.random.Generator, stack: Stack) -> Stack:
    """A stack with fluid in new furrows, some of its voxels half tissue and half fluid.

    What flows is thinned, what is timed stays. Voxels that are less than half tissue no longer
    are parenchyma. Fluid is as noisy as tissue.

    Parameters
    ----------
    stack
        Enhancement (S, N, H, W) and baseline (S, 1, H, W) [HU], maps (S, 5, H, W) and shares
        (S, 4, H, W), as in :class:`models.training.Case`.
    """
    enhancement, baseline, maps, shares = stack
    fluid = _fluid(rng, shares[:, 3])[:, None]
    left = 1.0 - fluid
    # Thinned noise is made up for; what thinning leaves of the variance is its square.
    lost = noise_of(enhancement, shares[:, 3]) * np.sqrt(1.0 - left**2)
    rough = rng.standard_normal(enhancement.shape, dtype=np.float32)
    grain = rng.standard_normal(baseline.shape, dtype=np.float32) / np.float32(BASELINE_FRAMES**0.5)
    thinned = maps.copy()
    thinned[:, FLOW_MAPS] *= left
    tissue = shares.copy()
    tissue[:, :3] *= left > 0.5
    fluid_hu = np.float32(rng.uniform(*FLUID_HU))
    return (
        enhancement * left + lost * rough,
        baseline * left + fluid * fluid_hu + lost * grain,
        thinned,
        tissue,
    )


def _fluid(rng: np.random.Generator, brain: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much of each voxel becomes fluid, (S, H, W), 0 to 1: along the zeros of a field."""
    folds = smooth_field(rng, brain.shape, float(rng.uniform(*SPACING_PX)))
    fading = np.clip(
        (smooth_field(rng, brain.shape, WIDE_PX) - FADING[0]) / np.ptp(FADING), 0.0, 1.0
    )
    walls = np.clip(1.0 - np.abs(folds) / np.float32(rng.uniform(*WIDTH)), 0.0, 1.0)
    share: NDArray[np.float32] = np.float32(rng.uniform(*DEEPEST)) * walls * fading * brain
    return share.astype(np.float32)


def smooth_field(
    rng: np.random.Generator, shape: tuple[int, ...], spacing_px: float
) -> NDArray[np.float32]:
    """A smooth random field of unit variance; neighbouring slices are alike."""
    rough = rng.standard_normal(shape, dtype=np.float32)
    smooth = ndimage.gaussian_filter(rough, (0.7, spacing_px, spacing_px), mode="nearest")
    unit: NDArray[np.float32] = smooth / max(float(smooth.std()), 1e-6)
    return unit


def noise_of(enhancement: NDArray[np.float32], brain: NDArray[np.float32]) -> np.float32:
    """The noise of a voxel's curve [HU], from how it bends from sample to sample."""
    inside = enhancement.transpose(0, 2, 3, 1)[brain > 0.5]
    bends = np.abs(np.diff(inside[::7], n=2, axis=1))
    # After a scan's end its curves are held level.
    seen = bends[bends > 0.0]
    return np.float32(np.median(seen) / (0.6745 * 6.0**0.5)) if len(seen) else np.float32(0.0)
