"""How the flags about the network go with how right its maps are."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from models.evaluation.agreement import dice
from models.evaluation.cases import DOSES, FLAWS, PATIENTS, WITHOUT_STROKE, Case
from models.evaluation.known import KnownLesion, KnownScan
from node.inference import OnnxModel, load_model
from node.perfusion import (
    Lesion,
    LesionThresholds,
    Seen,
    assess,
    cross_check,
    disagreement,
    features,
    find_lesion,
    prepare,
    raised,
    unfamiliar,
    unsettled,
)
from node.refusals import Refusal

# Maps are bad whose hypoperfusion overlaps the true one less, or is off by more of its volume.
LEAST_DICE = 0.8
MOST_OFF = 0.3
# Of a smaller lesion, neither says much: then the volume may be off by this [ml].
SMALL_ML = 5.0
SLICES = 16


@dataclass(frozen=True)
class Trusted:
    """One scan through the network.

    Parameters
    ----------
    point
        Of which question the scan is a case.
    bad
        Whether the hypoperfusion is far from the true one.
    numbers
        What each flag about the network is set by, by the flag's code.
    flags
        The codes of all flags that are set.
    inside
        Whether the true hypoperfusion and core lie within the range that the network gives;
        None where it gives none.
    """

    point: str
    bad: bool
    numbers: Mapping[str, float]
    flags: frozenset[str]
    inside: tuple[bool, bool] | None


def trust_cases(seeds: range, rows: int) -> dict[str, tuple[Case, ...]]:
    """Scans of both generators at every dose, with every flaw, and without a stroke, by point.

    Parameters
    ----------
    seeds
        The patients of every point.
    rows
        Rows and columns over the view of 230 mm.
    """

    def each(**changed: Any) -> tuple[Case, ...]:
        return tuple(Case(seed, rows, SLICES, **changed) for seed in seeds)

    by_dose = {
        f"{generator}, dose {name}": each(generator=generator, dose=dose)
        for generator in PATIENTS
        for name, dose in DOSES.items()
    }
    flawed = {name: each(flaw=name) for name in FLAWS}
    return by_dose | flawed | {name: each(pathology=name) for name in WITHOUT_STROKE}


def trusted(point: str, case: Case, weights: Path) -> Trusted | None:
    """A case through network, lesion and flags; None where the scan is refused.

    Parameters
    ----------
    point
        As in :class:`Trusted`.
    case
        The scan.
    weights
        The .onnx file.
    """
    model, known = _opened(weights), case.make()
    prepared = prepare(known.scan, model.grid)
    if isinstance(prepared, Refusal) or known.lesion is None:
        return None
    maps = model.predict(prepared)
    lesion = find_lesion(maps, LesionThresholds())
    check, open_share = cross_check(prepared, maps, lesion), unsettled(lesion)
    strange = unfamiliar(features(Seen.of(prepared)), model.familiar)
    numbers = {"unfamiliar": float(len(strange))}
    if check is not None:
        numbers["disagreement"] = disagreement(check)
    if open_share is not None:
        numbers["uncertain"] = open_share
    flags = raised(assess(prepared, maps, lesion, familiar=model.familiar))
    return Trusted(
        point=point,
        bad=_bad(known.lesion, lesion, known.voxel_ml),
        numbers=numbers,
        flags=frozenset(flag.code for flag in flags),
        inside=_inside(known, lesion),
    )


@lru_cache(maxsize=1)
def _opened(weights: Path) -> OnnxModel:
    # One thread: a case runs on every core.
    return load_model(weights, device="cpu", threads=1)


def _bad(truth: KnownLesion, found: Lesion, voxel_ml: float) -> bool:
    truth_ml = float(truth.hypoperfusion.sum()) * voxel_ml
    off_ml = abs(found.hypoperfusion_ml - truth_ml)
    if truth_ml < SMALL_ML:
        return off_ml > SMALL_ML
    overlap = dice(truth.hypoperfusion, found.hypoperfusion) or 0.0
    return overlap < LEAST_DICE or off_ml > MOST_OFF * truth_ml


def _inside(known: KnownScan, found: Lesion) -> tuple[bool, bool] | None:
    if found.range_ml is None or known.lesion is None:
        return None
    truths = (
        (known.lesion.hypoperfusion, found.range_ml.hypoperfusion_ml),
        (known.lesion.core, found.range_ml.core_ml),
    )
    slow, core = (
        least <= float(mask.sum()) * known.voxel_ml <= most for mask, (least, most) in truths
    )
    return slow, core
