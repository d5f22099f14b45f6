"""The contrast bolus: the true arterial curve and the venous one it becomes."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

STEP_S = 0.25
"""Distance between samples of every internal curve [s]."""

_TAIL_S = 30.0


@dataclass(frozen=True, eq=False)
class Bolus:
    """A bolus of contrast passing through the head (SCIENCE.md section 3).

    A gamma-variate first pass, a recirculation plateau that fills as the first pass drains,
    and a venous curve that is the arterial one after the transit through the brain.

    Parameters
    ----------
    time_s
        (N,) internal times [s] from the start of the scan, ``STEP_S`` apart.
    arrival_s
        When contrast reaches the arteries of the head [s].
    peak_hu
        Height of the first pass in pure arterial blood [HU].
    shape, scale_s
        Of the gamma variate: its peak is at ``arrival_s + shape * scale_s``.
    plateau
        Recirculation as a fraction of the peak.
    recirculation_s
        How much later than the first pass the recirculated one comes [s].
    venous_delay_s, venous_transit_s
        Pure delay and mean transit time from artery to sinus [s].
    """

    time_s: NDArray[np.float64]
    arrival_s: float
    peak_hu: float
    shape: float
    scale_s: float
    plateau: float
    recirculation_s: float
    venous_delay_s: float
    venous_transit_s: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, end_s: float, *, low_output: bool = False) -> "Bolus":
        """A bolus with the statistics of 93 measured patients (SCIENCE.md section 3).

        Parameters
        ----------
        rng
            Random numbers.
        end_s
            End of the scan [s]; the curves go on beyond it.
        low_output
            A failing heart: later, wider and lower.
        """
        slow = rng.uniform(1.3, 1.8) if low_output else 1.0
        peak_hu = float(np.clip(175.0 * np.exp(0.5 * rng.standard_normal()), 65.0, 480.0)) / slow
        arrival_s = float(np.clip(8.0 * np.exp(0.4 * rng.standard_normal()), 4.0, 16.0))
        shape = rng.uniform(2.2, 4.5)
        width_s = float(np.clip(10.5 * np.exp(0.25 * rng.standard_normal()), 6.5, 18.0)) * slow
        return cls(
            time_s=_internal_times(end_s),
            arrival_s=min(arrival_s * slow, 20.0),
            peak_hu=peak_hu,
            shape=shape,
            scale_s=width_s / (2.35 * np.sqrt(shape)),
            plateau=float(np.clip(0.2 * np.exp(0.35 * rng.standard_normal()), 0.08, 0.4)),
            recirculation_s=rng.uniform(6.0, 12.0) * slow,
            venous_delay_s=rng.uniform(1.5, 3.5),
            venous_transit_s=rng.uniform(3.0, 5.0) * slow,
        )

    def until(self, end_s: float) -> "Bolus":
        """The same bolus for a scan that ends at ``end_s`` [s]."""
        return replace(self, time_s=_internal_times(end_s))

    def artery(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Enhancement of pure arterial blood at any times [HU]."""
        first = np.clip((t_s - self.arrival_s) / (self.shape * self.scale_s), 0.0, None)
        wave = first**self.shape * np.exp(self.shape * (1.0 - first))
        late = np.clip((t_s - self.arrival_s - self.recirculation_s) / self.scale_s, 0.0, None)
        recirculated: NDArray[np.float64] = special.gammainc(self.shape + 1.0, late)
        # Contrast leaves for the rest of the body: the plateau sinks slowly.
        fade = np.exp(-np.clip(t_s - self.arrival_s, 0.0, None) / 150.0)
        return self.peak_hu * (wave + self.plateau * recirculated * fade)

    @property
    def aif(self) -> NDArray[np.float64]:
        """Enhancement of pure arterial blood at ``time_s`` [HU]."""
        return self.artery(self.time_s)

    @property
    def vof(self) -> NDArray[np.float64]:
        """Enhancement of pure venous blood at ``time_s`` [HU]."""
        shape = 6.0
        edges = np.append(self.time_s, self.time_s[-1] + STEP_S) - STEP_S / 2
        late = np.clip(edges - self.venous_delay_s, 0.0, None)
        transit = np.diff(special.gammainc(shape, late * shape / self.venous_transit_s))
        curve: NDArray[np.float64] = np.convolve(self.aif, transit)[: len(self.time_s)]
        return curve


def _internal_times(end_s: float) -> NDArray[np.float64]:
    return np.arange(0.0, end_s + _TAIL_S + STEP_S, STEP_S)
