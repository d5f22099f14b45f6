"""Noise of a CT image: its strength and texture at any pixel size."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

NATIVE_PIXEL_MM = 0.45
_BLUR_MM = 0.9 * 0.49
_REACH = 4


def autocorrelation(pixel_mm: float) -> NDArray[np.float64]:
    """Covariance along one axis at lags 0, 1, ... pixels, in units of the native variance.

    White noise through a Gaussian of 0.9 pixels of 0.49 mm (SCIENCE.md section 3); a pixel
    larger than the native one is the mean of the native pixels it covers.

    Parameters
    ----------
    pixel_mm
        Distance between pixel centres [mm].
    """
    covered = max(1, round(pixel_mm / NATIVE_PIXEL_MM))
    inside = (np.arange(covered) - (covered - 1) / 2) * pixel_mm / covered
    lags = np.arange(_REACH + 1) * pixel_mm
    apart = lags[:, None, None] + inside[None, :, None] - inside[None, None, :]
    covariance: NDArray[np.float64] = np.exp(-(apart**2) / (4 * _BLUR_MM**2)).mean(axis=(1, 2))
    return covariance


def kernel(pixel_mm: float) -> NDArray[np.float64]:
    """The symmetric filter that gives unit white noise :func:`autocorrelation` along an axis."""
    size = 64
    ring = np.zeros(size)
    covariance = autocorrelation(pixel_mm)
    ring[: _REACH + 1] = covariance
    ring[-_REACH:] = covariance[:0:-1]
    root = np.fft.irfft(np.sqrt(np.clip(np.fft.rfft(ring).real, 0.0, None)), size)
    taps = np.concatenate([root[-_REACH:], root[: _REACH + 1]])
    # The truncated taps keep the variance that was asked for.
    scaled: NDArray[np.float64] = taps * np.sqrt(covariance[0] / np.sum(taps**2))
    return scaled


def noise(
    rng: np.random.Generator, shape: tuple[int, int, int], sigma_hu: float, pixel_mm: float
) -> NDArray[np.float32]:
    """Correlated noise for a run of images of one slice, (T, Y, X) float32 [HU].

    Parameters
    ----------
    rng
        Random numbers.
    shape
        (T, Y, X).
    sigma_hu
        Standard deviation at the native pixel of 0.45 mm [HU].
    pixel_mm
        Distance between pixel centres [mm].
    """
    values = rng.standard_normal(shape, dtype=np.float32)
    taps = kernel(pixel_mm)
    for axis in (1, 2):
        values = ndimage.correlate1d(values, taps, axis=axis, mode="wrap")
    values *= np.float32(sigma_hu)
    return values
