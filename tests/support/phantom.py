"""The phantom of the synthetic CT perfusion series: a head, an artery, a vein, a late lesion."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

ARRIVAL_S = 8.0
AIR_HU, SKULL_HU, BRAIN_HU, CSF_HU = -1000.0, 900.0, 35.0, 8.0


@dataclass(frozen=True, eq=False)
class Regions:
    """The parts of one slice, (Y, X) each; ``baseline_hu`` is its attenuation before contrast."""

    head: NDArray[np.bool_]
    brain: NDArray[np.bool_]
    lesion: NDArray[np.bool_]
    core: NDArray[np.bool_]
    artery: NDArray[np.bool_]
    vein: NDArray[np.bool_]
    baseline_hu: NDArray[np.float64]


@cache
def regions(rows: int, z: int, slices: int) -> Regions:
    """The phantom's parts in one slice; it tapers along z, so that no axis is symmetric."""
    grid = (np.arange(rows) + 0.5) / rows * 2 - 1
    y, x = np.meshgrid(grid, grid, indexing="ij")
    taper = 1.0 - 0.15 * z / max(slices - 1, 1)

    def disc(cy: float, cx: float, ry: float, rx: float) -> NDArray[np.bool_]:
        inside: NDArray[np.bool_] = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= taper**2
        return inside

    head, inner = disc(0, 0, 0.92, 0.78), disc(0, 0, 0.82, 0.68)
    csf = disc(0.05, 0, 0.2, 0.1)
    artery, vein = disc(-0.25, 0.2, 0.08, 0.08), disc(0.72, 0, 0.09, 0.09)
    brain = inner & ~csf & ~artery & ~vein
    lesion = brain & disc(0.1, -0.4, 0.35, 0.22)
    core = lesion & disc(0.1, -0.4, 0.15, 0.1)
    hu = np.select([csf, inner, head], [CSF_HU, BRAIN_HU, SKULL_HU], AIR_HU)
    return Regions(head, brain, lesion, core, artery, vein, hu)


def attenuation(rows: int, z: int, slices: int, time_s: float) -> NDArray[np.float64]:
    """Attenuation of one slice without noise, (Y, X) [HU]."""
    parts = regions(rows, z, slices)
    hu = parts.baseline_hu.copy()
    hu[parts.brain] += _bolus(time_s, 12.0, delay=2.0, rise=8.0)
    hu[parts.lesion] = BRAIN_HU + _bolus(time_s, 8.0, delay=9.0, rise=12.0)
    hu[parts.core] = BRAIN_HU - 4 + _bolus(time_s, 2.0, delay=10.0, rise=14.0)
    hu[parts.artery] = 40.0 + _bolus(time_s, 280.0, delay=0.0, rise=6.0)
    hu[parts.vein] = 40.0 + _bolus(time_s, 240.0, delay=5.0, rise=8.0)
    return hu


def _bolus(time_s: float, peak_hu: float, *, delay: float, rise: float) -> float:
    """A gamma variate that starts at ``ARRIVAL_S + delay`` and peaks ``rise`` later [HU]."""
    x = max(0.0, time_s - ARRIVAL_S - delay) / rise
    return float(peak_hu * x**3 * np.exp(3.0 * (1.0 - x)))
