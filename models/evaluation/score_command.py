"""``python -m models score``: the figures that a network's manifest carries."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.evaluation.cases import Case
from models.evaluation.estimators import estimator
from models.evaluation.known import WHOLE
from models.evaluation.score import LESIONS, Score, score
from models.evaluation.summary import summary
from models.export import WEIGHTS, keep_manifest
from models.simulator import ACQUISITIONS
from node.inference import read_manifest
from node.perfusion import Quantity

DOSES = {"full_dose": 1.0, "quarter_dose": 0.25}


def score_command(
    cases: Annotated[int, typer.Option(min=2, help="Stroke patients, all unseen.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of the first patient.")] = 950_000,
    scheme: Annotated[str, typer.Option(help=f"One of {', '.join(ACQUISITIONS)}.")] = "standard",
    size: Annotated[int, typer.Option(min=64, help="Rows and columns over 230 mm.")] = 256,
    weights: Annotated[Path, typer.Option(help="The .onnx file.")] = WEIGHTS,
    record: Annotated[bool, typer.Option(help="Write the figures into the manifest.")] = False,
) -> None:
    """Score one network at full and a quarter of the dose; ``evaluate`` is the whole report."""
    console = Console(stderr=True)
    estimate = estimator(str(weights))
    found: dict[str, float] = {}
    for name, dose in DOSES.items():
        patients = [
            Case(patient, size, ACQUISITIONS[scheme].slices, scheme=scheme, dose=dose)
            for patient in range(seed, seed + cases)
        ]
        scores = [score(estimate, p.make()) for p in track(patients, name, console=console)]
        found |= {f"{key}_{name}": value for key, value in metrics(scores).items()}
    _show(found)
    if record:
        manifest = read_manifest(weights)
        keep_manifest(manifest.model_copy(update={"metrics": found}), weights)


def metrics(scores: list[Score]) -> dict[str, float]:
    """Means over patients, volume errors and correlations, named with their units.

    A figure that is not defined, such as the correlation of volumes that do not vary, is left
    out; refused scans are in no figure.

    Parameters
    ----------
    scores
        One a patient.
    """
    measured = [s for s in scores if not s.refusal]
    found: dict[str, float] = {"cases": float(len(measured))}
    summed = summary(scores)
    for name in LESIONS:
        lesion = summed.lesion(name)
        figures = {
            "dice_mean": lesion.dice,
            "dice_median": lesion.dice_quartiles,
            "error_ml": lesion.error_ml,
            "volume_r": lesion.volume_r,
        }
        found |= {f"{name}_{key}": s.value for key, s in figures.items() if s is not None}
        if lesion.limits_ml is not None:
            found[f"{name}_bias_ml"] = lesion.limits_ml.bias
    for quantity in Quantity:
        errors = [s.maps[quantity.value][WHOLE].mae for s in measured]
        if errors:
            found[f"{quantity}_error"] = float(np.mean(errors))
    return {name: round(value, 4) for name, value in found.items()}


def _show(found: dict[str, float]) -> None:
    table = Table("figure", *DOSES)
    keys = {
        key.removesuffix(f"_{name}"): None for name in DOSES for key in found if key.endswith(name)
    }
    for key in keys:
        values = (found.get(f"{key}_{name}") for name in DOSES)
        table.add_row(key, *("" if value is None else f"{value:.3f}" for value in values))
    Console().print(table)
