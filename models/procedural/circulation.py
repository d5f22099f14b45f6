"""Curves of another family: lagged normal boluses, Weibull and log-normal transit times."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from models.simulator import RHO_OVER_KH

STEP_S = 0.1
_AFTER_S = 20.0
_MTT_S = np.geomspace(0.8, 32.0, 260)
TRANSITS = ("weibull", "log-normal")


def lagged_normal(
    t_s: NDArray[np.float64], centre_s: float, spread_s: float, lag_s: float
) -> NDArray[np.float64]:
    """A normal density delayed by an exponential one, of unit area [1/s].

    Bassingthwaighte, Ackerman and Wood, Circ Res 1966;18:398.

    Parameters
    ----------
    t_s
        Times [s].
    centre_s, spread_s
        Mean and standard deviation of the normal part [s].
    lag_s
        Mean of the exponential part [s].
    """
    z = (spread_s / lag_s - (t_s - centre_s) / spread_s) / np.sqrt(2.0)
    # erfcx keeps the product of a huge and a tiny number finite.
    rise = np.exp(-((t_s - centre_s) ** 2) / (2.0 * spread_s**2))
    with np.errstate(over="ignore", invalid="ignore"):
        late = special.erfc(z) * np.exp(0.5 * (spread_s / lag_s) ** 2 - (t_s - centre_s) / lag_s)
    early = rise * special.erfcx(np.maximum(z, 0.0))
    return np.asarray(np.where(z > 0.0, early, late) / (2.0 * lag_s), np.float64)


def retained(
    transit: str, shape: float, mtt_s: float, t_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The share of contrast still in the tissue, the residue function: 1 at 0, area ``mtt_s``.

    Parameters
    ----------
    transit
        One of :data:`TRANSITS`.
    shape
        The Weibull's exponent, or the standard deviation of the logarithm.
    mtt_s
        Mean transit time [s].
    t_s
        Times from 0 on [s].

    Raises
    ------
    ValueError
        If the transit is not known.
    """
    after = np.maximum(t_s, 1e-9)
    if transit == "weibull":
        scale_s = mtt_s / special.gamma(1.0 + 1.0 / shape)
        return np.asarray(np.exp(-((after / scale_s) ** shape)), np.float64)
    if transit == "log-normal":
        middle = np.log(mtt_s) - shape**2 / 2.0
        return np.asarray(special.ndtr((middle - np.log(after)) / shape), np.float64)
    raise ValueError(f"no transit {transit!r}; there are {', '.join(TRANSITS)}")


@dataclass(frozen=True, eq=False)
class Circulation:
    """One patient's bolus and what vessels and tissue make of it.

    Parameters
    ----------
    time_s
        (N,) [s], :data:`STEP_S` apart from the start of the scan.
    aif_hu, vof_hu
        (N,) enhancement of pure arterial and venous blood [HU].
    arrival_s
        When the artery has reached a hundredth of its peak [s].
    tissue_hu
        (M, N) float32, what a volume of 100 ml/100 g shows for each transit time [HU].
    """

    time_s: NDArray[np.float64]
    aif_hu: NDArray[np.float64]
    vof_hu: NDArray[np.float64]
    arrival_s: float
    tissue_hu: NDArray[np.float32]

    @classmethod
    def drawn(cls, rng: np.random.Generator, end_s: float, slow: float) -> "Circulation":
        """A patient's, with SCIENCE.md section 3's peaks, widths and arrivals.

        Parameters
        ----------
        rng
            Random numbers.
        end_s
            End of the scan [s].
        slow
            1 for a healthy heart; above it, everything is later, wider and lower.
        """
        t_s = np.arange(0.0, end_s + _AFTER_S, STEP_S)
        spread_s, lag_s = rng.uniform([1.8, 2.0], [3.2, 4.5]) * slow
        centre_s = float(rng.uniform(5.0, 13.0)) * slow**0.5 + 2.5 * spread_s
        second = rng.uniform([13.0, 1.6, 0.10], [20.0, 2.4, 0.22]) * [slow, 1.0, 1.0]
        first = lagged_normal(t_s, centre_s, spread_s, lag_s)
        again = lagged_normal(t_s, centre_s + second[0], spread_s * second[1], lag_s * second[1])
        steady = special.ndtr((t_s - centre_s - 12.0 * slow) / 6.0) * rng.uniform(0.04, 0.16)
        peak_hu = float(np.exp(rng.uniform(np.log(90.0), np.log(420.0)))) / slow
        shape = first / first.max() + second[2] * again / again.max() + steady
        aif = peak_hu * shape / shape.max()
        through = _density("log-normal", 0.45, float(rng.uniform(4.5, 7.5)) * slow, t_s)
        vof = np.convolve(aif, through)[: len(t_s)]
        arrival_s = float(t_s[np.argmax(aif > 0.01 * aif.max())])
        transit = str(rng.choice(TRANSITS))
        spread = rng.uniform(0.8, 2.6) if transit == "weibull" else rng.uniform(0.35, 0.9)
        return cls(t_s, aif, vof, arrival_s, _tissue(aif, transit, float(spread)))

    def nearest(self, mtt_s: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """The rows of ``tissue_hu`` for transit times, and the transit times they stand for [s]."""
        step = np.log(_MTT_S[1] / _MTT_S[0])
        row = np.rint(np.log(np.maximum(mtt_s, _MTT_S[0]) / _MTT_S[0]) / step).astype(np.intp)
        row = np.minimum(row, len(_MTT_S) - 1)
        return row, _MTT_S[row].astype(np.float32)

    def tissue_at(self, row: NDArray[np.intp], times_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """Curves of voxels at their own times, (V, T) float32 [HU] per 100 ml/100 g.

        Parameters
        ----------
        row
            (V,) row of each voxel.
        times_s
            (V, T) [s], the voxel's delay taken off.
        """
        place = np.clip(times_s / STEP_S, 0.0, len(self.time_s) - 1.001)
        low = place.astype(np.int32)
        part = (place - low).astype(np.float32)
        before, after = self.tissue_hu[row[:, None], low], self.tissue_hu[row[:, None], low + 1]
        return before + (after - before) * part

    @property
    def peak_s(self) -> NDArray[np.float64]:
        """(M,) when each row of ``tissue_hu`` peaks [s] from the start of the scan."""
        return np.asarray(self.time_s[self.tissue_hu.argmax(axis=1)], np.float64)


def _tissue(aif: NDArray[np.float64], transit: str, shape: float) -> NDArray[np.float32]:
    """Artery through tissue for every transit time, (M, N) float32."""
    n = len(aif)
    # What is retained falls steeply at first: each step's mean, from eight samples.
    fine = np.asarray((np.arange(8 * n) - 3.5) * STEP_S / 8.0, np.float64)
    kernels = np.stack(
        [
            np.where(fine >= 0, retained(transit, shape, float(mtt_s), fine), 0.0)
            .reshape(n, 8)
            .mean(axis=1)
            * (STEP_S / mtt_s)
            for mtt_s in _MTT_S
        ]
    )
    size = 2 * n
    spectra = np.fft.rfft(kernels, size) * np.fft.rfft(aif, size)[None]
    return (RHO_OVER_KH * np.fft.irfft(spectra, size)[:, :n]).astype(np.float32)


def _density(
    transit: str, shape: float, mtt_s: float, t_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The density of transit times in bins of :data:`STEP_S`, summing to 1."""
    edges = np.asarray(np.append(t_s, t_s[-1] + STEP_S), np.float64)
    return -np.diff(retained(transit, shape, mtt_s, edges))
