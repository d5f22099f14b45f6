"""Core and hypoperfusion from the maps (SCIENCE.md section 2)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LesionThresholds:
    """Where hypoperfusion and core begin, and how small a speck is dropped."""

    tmax_s: float = 6.0
    rcbf: float = 0.3
    min_lesion_ml: float = 1.0


@dataclass(frozen=True, eq=False)
class Lesion:
    """Core and hypoperfusion of one scan.

    Parameters
    ----------
    core, hypoperfusion
        (Z, Y, X) bool; the core lies inside the hypoperfusion.
    core_ml, hypoperfusion_ml
        Their volumes [ml].
    hypoperfusion_intensity_ratio
        V(Tmax > 10 s) / V(Tmax > 6 s), None without hypoperfusion.
    normal_cbf
        The CBF that counted as normal [ml/100 g/min].
    thresholds
        The thresholds used.
    """

    core: NDArray[np.bool_]
    hypoperfusion: NDArray[np.bool_]
    core_ml: float
    hypoperfusion_ml: float
    hypoperfusion_intensity_ratio: float | None
    normal_cbf: float
    thresholds: LesionThresholds

    @property
    def penumbra(self) -> NDArray[np.bool_]:
        """Hypoperfusion without the core, (Z, Y, X) bool."""
        return self.hypoperfusion & ~self.core

    @property
    def mismatch_ml(self) -> float:
        """Hypoperfusion volume less core volume [ml]."""
        return self.hypoperfusion_ml - self.core_ml

    @property
    def mismatch_ratio(self) -> float | None:
        """Hypoperfusion over core volume; None without a core."""
        return self.hypoperfusion_ml / self.core_ml if self.core_ml > 0 else None
