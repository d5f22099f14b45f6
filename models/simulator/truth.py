"""What a simulated scan really is: the maps, masks and curves it was made from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.perfusion import LesionThresholds, Quantity


@dataclass(frozen=True, eq=False)
class Masks:
    """Where things are; every array (Z, Y, X) bool.

    Parameters
    ----------
    brain
        Inside the skull, fluid included.
    parenchyma
        Grey or white matter without large vessels: where the maps mean something.
    grey, white, csf
        The tissue that fills most of the voxel.
    vessels, arteries, veins
        Large vessels.
    left
        The patient's left half.
    """

    brain: NDArray[np.bool_]
    parenchyma: NDArray[np.bool_]
    grey: NDArray[np.bool_]
    white: NDArray[np.bool_]
    csf: NDArray[np.bool_]
    vessels: NDArray[np.bool_]
    arteries: NDArray[np.bool_]
    veins: NDArray[np.bool_]
    left: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Curves:
    """The true arterial and venous curves.

    Parameters
    ----------
    time_s
        (N,) float64 [s] from the earliest image.
    aif_hu, vof_hu
        (N,) float64, enhancement of pure blood [HU].
    """

    time_s: NDArray[np.float64]
    aif_hu: NDArray[np.float64]
    vof_hu: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth of one simulated scan, on the scan's own grid.

    Parameters
    ----------
    maps
        One (Z, Y, X) float32 array for every :class:`Quantity`, 0 outside the brain. Tmax is
        delay + MTT/2; TTP is the time from ``arrival_s`` to the peak of the noise-free curve.
    delay_s
        (Z, Y, X) float32, arrival in tissue after arrival in the head's arteries [s].
    masks
        Where things are.
    core, hypoperfusion
        (Z, Y, X) bool, by the rule of :func:`lesion`.
    normal_cbf
        The CBF that counted as normal [ml/100 g/min].
    curves
        The true arterial and venous curves.
    arrival_s
        When contrast arrives in the head's arteries [s] from the earliest image; negative
        where it was there before.
    motion
        (T, 3) float64: how far each pass is moved along Y and X [mm] and turned in-plane
        [degrees]; (T, 6) where the head moves as a rigid body: then also along Z [mm] and
        turned about Y and X [degrees].
    pathology, side
        What was simulated, and on which side.
    voxel_ml
        Volume of one voxel [ml].
    """

    maps: Mapping[Quantity, NDArray[np.float32]]
    delay_s: NDArray[np.float32]
    masks: Masks
    core: NDArray[np.bool_]
    hypoperfusion: NDArray[np.bool_]
    normal_cbf: float
    curves: Curves
    arrival_s: float
    motion: NDArray[np.float64]
    pathology: str
    side: str
    voxel_ml: float

    @property
    def core_ml(self) -> float:
        """Volume of the core [ml]."""
        return float(self.core.sum()) * self.voxel_ml

    @property
    def hypoperfusion_ml(self) -> float:
        """Volume of the hypoperfusion, core included [ml]."""
        return float(self.hypoperfusion.sum()) * self.voxel_ml


def lesion(
    cbf: NDArray[np.float32], tmax: NDArray[np.float32], masks: Masks
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], float]:
    """Core, hypoperfusion and normal CBF by SCIENCE.md section 2, specks included.

    Parameters
    ----------
    cbf, tmax
        (Z, Y, X) float32, [ml/100 g/min] and [s].
    masks
        Parenchyma and the patient's left half.
    """
    thresholds = LesionThresholds()
    hypoperfusion = masks.parenchyma & (tmax > thresholds.tmax_s)
    halves = (masks.left, ~masks.left)
    less = min(halves, key=lambda half: int((hypoperfusion & half).sum()))
    healthy = masks.parenchyma & less & ~hypoperfusion
    normal = float(cbf[healthy].mean()) if healthy.any() else 0.0
    core = hypoperfusion & (cbf < thresholds.rcbf * normal)
    return core, hypoperfusion, normal
