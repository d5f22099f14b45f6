"""Noise as filtered back-projection makes it: a ramp's spectrum, strongest where rays are long."""

import numpy as np
from numpy.typing import NDArray

from models.simulator import Acquisition

_NATIVE_MM = 0.45
# The soft kernel's roll-off, a Gaussian [1/mm], and water's attenuation at 80 kV [1/mm].
_ROLL_OFF = 0.42
_WATER_PER_MM = 0.0184
_ANGLES = 24


def spectrum(rows: int, pixel_mm: float) -> NDArray[np.float64]:
    """Noise power on a half spectrum, (Y, X // 2 + 1), for unit variance at 0.45 mm.

    Larger pixels average: the mean over all their frequencies is below 1.

    Parameters
    ----------
    rows
        Rows and columns.
    pixel_mm
        Distance between pixel centres [mm].
    """
    return _aliased(rows, pixel_mm) / _mean(_aliased(128, _NATIVE_MM))


def _aliased(rows: int, pixel_mm: float) -> NDArray[np.float64]:
    """Power of samples: the ramp's, averaged over a pixel and folded at the sampling rate."""
    down = np.fft.fftfreq(rows, pixel_mm)[:, None]
    across = np.fft.rfftfreq(rows, pixel_mm)[None, :]
    power = np.zeros((rows, rows // 2 + 1))
    folds = range(-3, 4)
    for v, u in ((v, u) for v in folds for u in folds):
        y, x = down + v / pixel_mm, across + u / pixel_mm
        frequency = np.hypot(y, x)
        # A pixel is the mean of the native ones that it covers.
        covered = max(1.0, pixel_mm / _NATIVE_MM)
        wide_mm = pixel_mm if covered > 1 else 0.0
        box = np.sinc(y * wide_mm) ** 2 * np.sinc(x * wide_mm) ** 2
        power += frequency * np.exp(-((frequency / _ROLL_OFF) ** 2)) * box
    return power / pixel_mm**2


def _mean(half: NDArray[np.float64]) -> float:
    """The mean over the whole spectrum of which ``half`` is the half."""
    weights = np.full(half.shape[1], 2.0)
    weights[0] = weights[-1] = 1.0
    return float((half * weights).sum() / (weights.sum() * half.shape[0]))


def strength(half_axes_mm: NDArray[np.float64], acquisition: Acquisition) -> NDArray[np.float32]:
    """How strong noise is at each pixel, (Y, X) float32, 1 on the average of the head.

    Photons that cross a longer way are fewer: the variance of a view's ray grows as
    exp(attenuation x way), and a pixel has the mean variance of the rays through it.

    Parameters
    ----------
    half_axes_mm
        Of the head along (y, x) [mm].
    acquisition
        The pixels.
    """
    axis = (np.arange(acquisition.rows) - (acquisition.rows - 1) / 2) * acquisition.pixel_mm
    y, x = axis[:, None], axis[None, :]
    a, b = half_axes_mm
    variance = np.zeros((acquisition.rows, acquisition.rows))
    for angle in np.arange(_ANGLES) * np.pi / _ANGLES:
        offset = y * np.cos(angle) + x * np.sin(angle)
        reach = np.hypot(a * np.cos(angle), b * np.sin(angle))
        inside = np.clip(reach**2 - offset**2, 0.0, None)
        variance += np.exp(_WATER_PER_MM * 2.0 * a * b * np.sqrt(inside) / reach**2)
    head = (y / a) ** 2 + (x / b) ** 2 < 1.0
    return np.asarray(np.sqrt(variance / variance[head].mean()), np.float32)


def grain(rng: np.random.Generator, frames: int, power: NDArray[np.float64]) -> NDArray[np.float32]:
    """Noise of a run of images before :func:`strength`, (T, Y, X) float32.

    Parameters
    ----------
    rng
        Random numbers.
    frames
        How many images.
    power
        As :func:`spectrum` gives it.
    """
    rows = power.shape[0]
    root = np.sqrt(power).astype(np.float32)
    white = rng.standard_normal((frames, rows, rows), dtype=np.float32)
    images = np.fft.irfft2(np.fft.rfft2(white, axes=(1, 2)) * root, (rows, rows), axes=(1, 2))
    return np.asarray(images, np.float32)
