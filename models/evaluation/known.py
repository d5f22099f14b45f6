"""A scan whose truth is known, whoever made it: what an estimator is judged on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from models.simulator import KUDO_RESIDUES, KudoPhantom, SimulatedScan
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
    parts
        (Z, Y, X) int, for a phantom: voxels of one number are averaged before they are compared,
        those of 0 left out. None compares voxel by voxel.
    """

    scan: DynamicCt
    maps: Mapping[Quantity, NDArray[np.float32]]
    regions: Mapping[str, NDArray[np.bool_]]
    lesion: KnownLesion | None
    voxel_ml: float
    parts: NDArray[np.intp] | None = None


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


def known_phantom(phantom: KudoPhantom) -> KnownScan:
    """Kudo's phantom as a :class:`KnownScan`: a region for each residue function.

    The middle half of each tile counts, as a mean.
    """
    tiles = phantom.tiles
    # The first slice shows artery and vein; the others are as many for each residue function.
    parts = np.array_split(np.arange(1, len(tiles)), len(KUDO_RESIDUES))
    regions = {WHOLE: tiles}
    for name, part in zip(KUDO_RESIDUES, parts, strict=True):
        regions[f"{name} residue"] = tiles & np.isin(np.arange(len(tiles)), part)[:, None, None]
    return KnownScan(
        scan=phantom.scan,
        maps=phantom.maps,
        regions=regions,
        lesion=None,
        voxel_ml=phantom.scan.voxel_ml,
        parts=_tile_numbers(phantom),
    )


def _tile_numbers(phantom: KudoPhantom) -> NDArray[np.intp]:
    """A number for the middle half of each tile, 0 elsewhere, (Z, Y, X)."""
    slices = np.arange(len(phantom.tiles))[:, None, None] * np.ones(phantom.tiles.shape)
    each = np.stack([slices, phantom.delay_s, phantom.maps[Quantity.MTT]])[:, phantom.tiles]
    numbers = np.zeros(phantom.tiles.shape, np.intp)
    numbers[phantom.tiles] = np.unique(each, axis=1, return_inverse=True)[1].ravel() + 1
    side_px = np.sqrt(np.bincount(numbers.ravel())[1:].min())
    around = (1, int(side_px // 2) + 1, int(side_px // 2) + 1)
    least, most = (f(numbers, size=around) for f in (minimum_filter, maximum_filter))
    return np.where(least == most, numbers, 0)
