"""More noise than a patient was simulated with, of every grain a scanner may give it."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.perfusion import averaged_alike, noise_hu

NOISE_SHARE = 0.4
MAX_NOISE_HU = 6.0
# In half of these: correlated in plane as by a soft kernel, and in time as by interpolation.
CORRELATED_SHARE = 0.5
BLUR_PX = (0.3, 0.9)
MAX_FOLLOWING = 0.5
DENOISED_SHARE = 0.3
# How far beyond a scan's noise courses may differ, in multiples of it.
STRENGTHS = (0.6, 1.8)


def noisier(
    rng: np.random.Generator, enhancement: NDArray[np.float32], baseline_hu: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Enhancement with noise added, averaged away as the node may, both or neither.

    Parameters
    ----------
    enhancement
        (S, N, H, W) [HU]; where it is 0 nothing is added.
    baseline_hu
        (S, H, W) [HU].
    """
    inside = enhancement != 0
    if rng.random() < NOISE_SHARE:
        enhancement = enhancement + inside * _noise(rng, enhancement.shape)
    if rng.random() < DENOISED_SHARE:
        noise = noise_hu(enhancement) * float(rng.uniform(*STRENGTHS))
        if noise > 0:
            enhancement = inside * averaged_alike(enhancement, baseline_hu, noise)
    return enhancement


def _noise(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    rough = rng.standard_normal(shape, dtype=np.float32)
    if rng.random() < CORRELATED_SHARE:
        blur = float(rng.uniform(*BLUR_PX))
        rough = ndimage.gaussian_filter(rough, (0, 0, blur, blur), truncate=3.0)
    if rng.random() < CORRELATED_SHARE:
        following = rng.uniform(0.0, MAX_FOLLOWING)
        kernel = np.array([following, 1.0, following], np.float32)
        rough = ndimage.convolve1d(rough, kernel, axis=1, mode="wrap")
    noise: NDArray[np.float32] = rough * np.float32(rng.uniform(0.0, MAX_NOISE_HU) / rough.std())
    return noise
