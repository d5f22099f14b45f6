"""Random fields with a chosen spectrum, on a periodic lattice."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_POINTS = 72
_STEP_MM = 4.0


@dataclass(frozen=True, eq=False)
class Lattice:
    """A periodic field of zero mean and unit variance on a lattice of 4 mm.

    Parameters
    ----------
    values
        (72, 72, 72) float32.
    """

    values: NDArray[np.float32]

    @classmethod
    def power_law(cls, rng: np.random.Generator, exponent: float) -> "Lattice":
        """A field whose power falls with frequency to the power of ``exponent``."""
        return cls._shaped(rng, _frequencies() ** (-exponent / 2.0))

    @classmethod
    def banded(cls, rng: np.random.Generator, wavelength_mm: float) -> "Lattice":
        """A field of about one wavelength: its zeros wind like the furrows of a brain."""
        off = _frequencies() * wavelength_mm - 1.0
        return cls._shaped(rng, np.exp(-(off**2) / (2 * 0.18**2)))

    @classmethod
    def _shaped(cls, rng: np.random.Generator, amplitude: NDArray[np.float64]) -> "Lattice":
        white = rng.standard_normal((_POINTS,) * 3)
        spectrum = np.fft.rfftn(white, axes=(0, 1, 2)) * amplitude
        spectrum[0, 0, 0] = 0.0
        field = np.fft.irfftn(spectrum, (_POINTS,) * 3, axes=(0, 1, 2))
        return cls((field / field.std()).astype(np.float32))

    def at(self, places_mm: NDArray[np.float32]) -> NDArray[np.float32]:
        """The field at (3, ...) places [mm], (...) float32."""
        index = places_mm / np.float32(_STEP_MM)
        values: NDArray[np.float32] = ndimage.map_coordinates(
            self.values, index, order=1, mode="grid-wrap"
        )
        return values


def _frequencies() -> NDArray[np.float64]:
    """Spatial frequency of every half-spectrum sample [1/mm], never 0."""
    whole = np.fft.fftfreq(_POINTS, _STEP_MM)
    half = np.fft.rfftfreq(_POINTS, _STEP_MM)
    squares = whole[:, None, None] ** 2 + whole[None, :, None] ** 2 + half[None, None, :] ** 2
    return np.asarray(np.sqrt(np.maximum(squares, 1e-8)), np.float64)
