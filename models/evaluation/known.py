"""A scan whose truth is known, whoever made it: what an estimator is judged on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.simulator import SimulatedScan
from node.perfusion import DynamicCt, Quantity

# Benign oligaemia begins at a Tmax of 4 s (SCIENCE.md section 3): it is neither healthy nor ill.
HEALTHY_TMAX_S = 4.0
WHOLE = "all tissue"
REGIONS = (WHOLE, "healthy grey", "healthy white", "penumbra", "core")


@dataclass(frozen=True, eq=False)
class KnownLesion:
    """The true lesion: core and hypoperfusion, (Z, Y, X) bool, the core inside."""

    core: NDArray[np.bool_]
    hypoperfusion: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class KnownScan:
    """A scan and its truth.

    Parameters
    ----------
    scan
        What an estimator is given.
    maps
        True (Z, Y, X) float32 maps in the quantities' units; a quantity whose truth is not
        known is absent.
    regions
        (Z, Y, X) bool by name: where the maps are compared.
    lesion
        The true lesion; None where the question makes no sense, as in a phantom of tiles.
    voxel_ml
        Volume of one voxel [ml].
    """

    scan: DynamicCt
    maps: Mapping[Quantity, NDArray[np.float32]]
    regions: Mapping[str, NDArray[np.bool_]]
    lesion: KnownLesion | None
    voxel_ml: float


def known_patient(simulated: SimulatedScan) -> KnownScan:
    """A simulated patient as a :class:`KnownScan`, its regions by :data:`REGIONS`."""
    truth = simulated.truth
    tissue = truth.masks.parenchyma
    healthy = tissue & (truth.maps[Quantity.TMAX] <= HEALTHY_TMAX_S)
    masks = (
        tissue,
        healthy & truth.masks.grey,
        healthy & truth.masks.white,
        truth.hypoperfusion & ~truth.core,
        truth.core,
    )
    return KnownScan(
        scan=simulated.scan,
        maps=truth.maps,
        regions=dict(zip(REGIONS, masks, strict=True)),
        lesion=KnownLesion(truth.core, truth.hypoperfusion),
        voxel_ml=truth.voxel_ml,
    )
