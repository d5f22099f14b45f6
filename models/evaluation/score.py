"""What one estimator made of one case, as numbers."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.agreement import Agreement, agreement, dice
from models.evaluation.classical import Classical
from models.evaluation.estimators import Estimate
from models.evaluation.known import KnownScan
from node.errors import NodeError
from node.perfusion import LesionThresholds, PerfusionMaps, Quantity, find_lesion
from node.refusals import Refusal

LESIONS = ("hypoperfusion", "core")
# A lesion below this is no lesion: the overlap of a few voxels says nothing.
MIN_LESION_ML = 1.0


@dataclass(frozen=True)
class LesionScore:
    """True and measured volume [ml] and overlap; no overlap where the truth is a speck."""

    truth_ml: float
    found_ml: float
    dice: float | None


@dataclass(frozen=True)
class Score:
    """One estimator on one case.

    Parameters
    ----------
    refusal
        Code and finding where the scan was refused or the estimator failed, else empty; with
        it nothing was measured.
    maps
        Agreement by quantity and region, over the region's voxels that were analysed.
    lesions
        By the names in :data:`LESIONS`; empty for a phantom without lesions.
    analysed
        Share of the true tissue that the estimator took for brain.
    seconds
        Time the estimator takes [s], with what it was spared because another estimator had
        done it for the same scan.
    """

    refusal: str
    maps: Mapping[str, Mapping[str, Agreement]]
    lesions: Mapping[str, LesionScore]
    analysed: float
    seconds: float

    @property
    def facts(self) -> dict[str, Any]:
        """The score as JSON data."""
        return asdict(self)

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> "Score":
        """The score of what :attr:`facts` gave.

        Raises
        ------
        KeyError, TypeError
            If it is something else.
        """
        maps = {
            quantity: {region: Agreement(**found) for region, found in regions.items()}
            for quantity, regions in facts["maps"].items()
        }
        lesions = {name: LesionScore(**found) for name, found in facts["lesions"].items()}
        return cls(**{**facts, "maps": maps, "lesions": lesions})


def score(estimate: Estimate, known: KnownScan) -> Score:
    """What an estimator makes of a scan; a refusal or a fault of it is a score too.

    Parameters
    ----------
    estimate
        The estimator.
    known
        The scan and its truth.
    """
    began = time.perf_counter()
    try:
        maps = estimate(known.scan)
    except NodeError as fault:
        return _nothing(f"failed: {fault}", time.perf_counter() - began)
    spared_s = estimate.spared_s if isinstance(estimate, Classical) else 0.0
    seconds = time.perf_counter() - began + spared_s
    if isinstance(maps, Refusal):
        return _nothing(f"{maps.code}: {maps.found}", seconds)
    tissue = np.logical_or.reduce(list(known.regions.values()))
    return Score(
        refusal="",
        maps=_map_scores(maps, known),
        lesions=_lesion_scores(maps, known),
        analysed=float((tissue & maps.brain).sum() / max(int(tissue.sum()), 1)),
        seconds=seconds,
    )


def _nothing(refusal: str, seconds: float) -> Score:
    return Score(refusal, {}, {}, 0.0, seconds)


def _map_scores(maps: PerfusionMaps, known: KnownScan) -> dict[str, dict[str, Agreement]]:
    found: dict[str, dict[str, Agreement]] = {}
    for quantity in (q for q in Quantity if q in known.maps):
        regions = {
            name: agreement(*_values(known, maps, quantity, region & maps.brain))
            for name, region in known.regions.items()
        }
        found[quantity.value] = {name: a for name, a in regions.items() if a is not None}
    return found


def _values(
    known: KnownScan, maps: PerfusionMaps, quantity: Quantity, inside: NDArray[np.bool_]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """True and measured values of a region: voxels, or the means of a phantom's parts."""
    pair = known.maps[quantity], maps[quantity]
    if known.parts is None:
        return pair[0][inside], pair[1][inside]
    inside &= known.parts > 0
    _, place = np.unique(known.parts[inside], return_inverse=True)
    voxels = np.maximum(np.bincount(place), 1)
    truth, measured = (np.bincount(place, values[inside]) / voxels for values in pair)
    return truth, measured


def _lesion_scores(maps: PerfusionMaps, known: KnownScan) -> dict[str, LesionScore]:
    if known.lesion is None:
        return {}
    lesion = find_lesion(maps, LesionThresholds())
    pairs = {
        "hypoperfusion": (known.lesion.hypoperfusion, lesion.hypoperfusion),
        "core": (known.lesion.core, lesion.core),
    }
    return {name: _lesion_score(*masks, known.voxel_ml) for name, masks in pairs.items()}


def _lesion_score(
    truth: NDArray[np.bool_], found: NDArray[np.bool_], voxel_ml: float
) -> LesionScore:
    truth_ml, found_ml = (float(mask.sum()) * voxel_ml for mask in (truth, found))
    overlap = dice(truth, found) if truth_ml >= MIN_LESION_ML else None
    return LesionScore(truth_ml, found_ml, overlap)
