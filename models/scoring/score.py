"""How right the exported weights are on simulated patients they have not seen."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.simulator import ACQUISITIONS, simulate
from node.inference import OnnxModel
from node.perfusion import LesionThresholds, ModelInput, Quantity, find_lesion, prepare

# A lesion below this is no lesion: Dice of a few voxels says nothing.
MIN_LESION_ML = 1.0


@dataclass(frozen=True)
class CaseScore:
    """One patient at one dose: volumes [ml], overlap, and the maps' mean absolute errors."""

    seed: int
    dose: float
    core_ml: tuple[float, float]
    hypoperfusion_ml: tuple[float, float]
    core_dice: float | None
    hypoperfusion_dice: float | None
    errors: dict[Quantity, float]


def score_case(model: OnnxModel, seed: int, scheme: str, dose: float, rows: int) -> CaseScore:
    """The score of one stroke patient, through the same path that serves a PACS.

    Parameters
    ----------
    model
        The exported network.
    seed
        Of the patient.
    scheme
        One of ``models.simulator.ACQUISITIONS``.
    dose
        Share of the full tube current.
    rows
        Rows and columns over the field of view of 230 mm.

    Raises
    ------
    ValueError
        If ``prepare`` refuses the scan.
    """
    acquisition = replace(ACQUISITIONS[scheme].at(rows), dose=dose)
    simulated = simulate(seed, acquisition, pathology="stroke")
    truth, prepared = simulated.truth, prepare(simulated.scan, model.grid)
    if not isinstance(prepared, ModelInput):
        raise ValueError(f"the scan of seed {seed} is refused: {prepared}")
    maps = model.predict(prepared)
    lesion = find_lesion(maps, LesionThresholds())
    inside = truth.masks.parenchyma & maps.brain
    return CaseScore(
        seed=seed,
        dose=dose,
        core_ml=(truth.core_ml, lesion.core_ml),
        hypoperfusion_ml=(truth.hypoperfusion_ml, lesion.hypoperfusion_ml),
        core_dice=_dice(truth.core, lesion.core, truth.core_ml),
        hypoperfusion_dice=_dice(truth.hypoperfusion, lesion.hypoperfusion, truth.hypoperfusion_ml),
        errors={q: float(np.abs(maps[q] - truth.maps[q])[inside].mean()) for q in Quantity},
    )


def summary(scores: list[CaseScore]) -> dict[str, float]:
    """Means over patients, volume errors and correlations, named with their units."""
    found: dict[str, float] = {"cases": float(len(scores))}
    for name in ("hypoperfusion", "core"):
        dices = [d for s in scores if (d := getattr(s, f"{name}_dice")) is not None]
        truth, measured = np.array([getattr(s, f"{name}_ml") for s in scores]).T
        found[f"{name}_dice_mean"] = float(np.mean(dices))
        found[f"{name}_dice_median"] = float(np.median(dices))
        found[f"{name}_bias_ml"] = float(np.mean(measured - truth))
        found[f"{name}_error_ml"] = float(np.mean(np.abs(measured - truth)))
        found[f"{name}_volume_r"] = _correlation(truth, measured)
    for quantity in Quantity:
        found[f"{quantity}_error"] = float(np.mean([s.errors[quantity] for s in scores]))
    return {name: round(value, 4) for name, value in found.items()}


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Pearson's r, 0 where either side does not vary."""
    if not (one.std() > 0 and other.std() > 0):
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _dice(truth: NDArray[np.bool_], found: NDArray[np.bool_], truth_ml: float) -> float | None:
    """Dice overlap; None where the truth is too small for it to mean anything."""
    if truth_ml < MIN_LESION_ML:
        return None
    return float(2.0 * (truth & found).sum() / (truth.sum() + found.sum()))
