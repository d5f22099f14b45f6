"""What tissue makes of an arterial curve: residue functions and their look-up table."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special

from models.simulator.bolus import STEP_S, Bolus

FAMILIES = ("exponential", "box", "linear", "gamma")
RHO_OVER_KH = 1.05 / ((1 - 0.45) / (1 - 0.25))
"""Brain density over the haematocrit correction [g/ml] (SCIENCE.md section 2)."""

_MTT_S = np.geomspace(1.0, 40.0, 40)
_DELAY_S = np.arange(0.0, 24.01, 0.5)
# Collaterals that bring blood 4 s late have spread it in full.
_DISPERSED_DELAY_S = 4.0


def transported(family: str, t_s: NDArray[np.float64], mtt_s: float) -> NDArray[np.float64]:
    """Running integral of the residue function over its mean transit time, 0 to 1.

    Parameters
    ----------
    family
        One of :data:`FAMILIES`; the gamma family's transit times have shape 3.
    t_s
        Times at which to evaluate [s]; 0 before time 0.
    mtt_s
        Mean transit time, the area of the residue function [s].

    Raises
    ------
    ValueError
        If the family is not known.
    """
    u = np.clip(t_s, 0.0, None) / mtt_s
    if family == "exponential":
        return 1.0 - np.exp(-u)
    if family == "box":
        return np.minimum(u, 1.0)
    if family == "linear":
        short = np.minimum(u, 2.0)
        return short - short**2 / 4.0
    if family == "gamma":
        shape = 3.0
        left: NDArray[np.float64] = u * special.gammaincc(shape, shape * u) + special.gammainc(
            shape + 1.0, shape * u
        )
        return left
    raise ValueError(f"no residue family {family!r}; there are {', '.join(FAMILIES)}")


@dataclass(frozen=True, eq=False)
class TissueTable:
    """Arterial curve through tissue, for every (MTT, delay), per unit of blood volume.

    Parameters
    ----------
    curves
        (M, D, N) float32 [HU]: what 100 ml/100 g of blood would show, N times apart by
        :data:`models.simulator.bolus.STEP_S`.
    peak_s
        (M, D) float32, time of each curve's peak [s] from the start of the scan.
    """

    curves: NDArray[np.float32]
    peak_s: NDArray[np.float32]

    @classmethod
    def of(
        cls, bolus: Bolus, mixture: NDArray[np.float64], dispersion_s: float = 0.0
    ) -> "TissueTable":
        """The table of one bolus and one mixture of the residue :data:`FAMILIES`.

        Parameters
        ----------
        bolus
            The true arterial curve.
        mixture
            The share of each family.
        dispersion_s
            Spread of the arrival in tissue that is 4 s late or later [s]; less spread where
            less late, so that a delay stays the mean time of arrival.
        """
        n = len(bolus.time_s)
        edges = np.asarray((np.arange(n + 1) - 0.5) * STEP_S, np.float64)
        kernels = np.zeros((len(_MTT_S), n))
        for row, mtt_s in enumerate(_MTT_S):
            for family, weight in zip(FAMILIES, mixture, strict=True):
                # Bins centred on the samples keep area and mean transit time exact.
                kernels[row] += weight * np.diff(transported(family, edges, float(mtt_s)))
        spread_s = dispersion_s * np.clip(_DELAY_S / _DISPERSED_DELAY_S, 0.0, 1.0)
        arterial = bolus.artery(bolus.time_s[None, :] - (_DELAY_S - spread_s)[:, None])
        size = fft.next_fast_len(2 * n, real=True)
        arriving = fft.rfft(arterial, size)
        if dispersion_s > 0:
            arriving *= fft.rfft(_spreads(spread_s, edges), size)
        spectrum = fft.rfft(kernels, size)[:, None] * arriving[None]
        curves = RHO_OVER_KH * fft.irfft(spectrum, size)[..., :n]
        return cls(curves.astype(np.float32), _peaks(curves))

    def sampled(self, times_s: NDArray[np.float64]) -> "SliceTable":
        """The table at one slice's own times."""
        place = np.clip(times_s / STEP_S, 0, self.curves.shape[2] - 1.001)
        low = place.astype(int)
        part = (place - low).astype(np.float32)
        values = self.curves[..., low] * (1 - part) + self.curves[..., low + 1] * part
        return SliceTable(np.ascontiguousarray(values))

    def peaks(
        self, mtt_s: NDArray[np.float32], delay_s: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Time of the peak of tissue curves [s] from the start of the scan."""
        return _bilinear(self.peak_s[..., None], mtt_s.ravel(), delay_s.ravel()).reshape(
            mtt_s.shape
        )


@dataclass(frozen=True, eq=False)
class SliceTable:
    """A :class:`TissueTable` at T image times, (M, D, T) float32."""

    values: NDArray[np.float32]

    def curves(
        self, mtt_s: NDArray[np.float32], delay_s: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Curves per unit of blood volume for N voxels, (N, T) float32 [HU]."""
        return _bilinear(self.values, mtt_s, delay_s)


def _spreads(spread_s: NDArray[np.float64], edges_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponential transport functions of these means, in bins, one a row."""
    late = np.clip(edges_s, 0.0, None)[None, :] / np.maximum(spread_s, 1e-6)[:, None]
    bins: NDArray[np.float64] = -np.diff(np.exp(-late), axis=1)
    return bins


def _peaks(curves: NDArray[np.float64]) -> NDArray[np.float32]:
    """Time of each curve's highest sample, refined by a parabola through its neighbours [s]."""
    top = np.clip(curves.argmax(axis=-1), 1, curves.shape[-1] - 2)[..., None]
    before, at, after = (
        np.take_along_axis(curves, top + offset, axis=-1)[..., 0] for offset in (-1, 0, 1)
    )
    bend = before - 2 * at + after
    shift = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1.0), 0.0)
    return np.asarray((top[..., 0] + np.clip(shift, -1, 1)) * STEP_S, np.float32)


def _bilinear(
    table: NDArray[np.float32], mtt_s: NDArray[np.float32], delay_s: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Rows of (M, D, T) interpolated in log MTT and in delay, (N, T)."""
    rows, columns, times = table.shape
    octave = float(np.log(_MTT_S[1] / _MTT_S[0]))
    i = np.clip(np.log(np.clip(mtt_s, _MTT_S[0], None) / _MTT_S[0]) / octave, 0, rows - 1.001)
    j = np.clip(delay_s / (_DELAY_S[1] - _DELAY_S[0]), 0, columns - 1.001)
    i0, j0 = i.astype(np.int32), j.astype(np.int32)
    di, dj = (i - i0).astype(np.float32)[:, None], (j - j0).astype(np.float32)[:, None]
    flat = table.reshape(rows * columns, times)
    first = i0 * columns + j0
    low = flat[first] * (1 - dj) + flat[first + 1] * dj
    high = flat[first + columns] * (1 - dj) + flat[first + columns + 1] * dj
    values: NDArray[np.float32] = low + (high - low) * di
    return values
