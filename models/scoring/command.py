"""``python -m models score``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.export import WEIGHTS, keep_manifest
from models.scoring.score import score_case, summary
from models.simulator import ACQUISITIONS
from node.inference import load_model

DOSES = {"full_dose": 1.0, "quarter_dose": 0.25}


def score(
    cases: Annotated[int, typer.Option(min=2, help="Stroke patients, all unseen.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of the first patient.")] = 950_000,
    scheme: Annotated[str, typer.Option(help=f"One of {', '.join(ACQUISITIONS)}.")] = "standard",
    size: Annotated[int, typer.Option(min=64, help="Rows and columns over 230 mm.")] = 256,
    weights: Annotated[Path, typer.Option(help="The .onnx file.")] = WEIGHTS,
    record: Annotated[bool, typer.Option(help="Write the figures into the manifest.")] = False,
) -> None:
    """Score the weights on simulated stroke patients, at full and at a quarter of the dose."""
    model = load_model(weights, device="cpu")
    console = Console(stderr=True)
    metrics: dict[str, float] = {}
    for name, dose in DOSES.items():
        scores = [
            score_case(model, patient, scheme, dose, size)
            for patient in track(range(seed, seed + cases), f"{name}", console=console)
        ]
        metrics |= {f"{key}_{name}": value for key, value in summary(scores).items()}
    _show(metrics)
    if record:
        keep_manifest(model.manifest.model_copy(update={"metrics": metrics}), weights)


def _show(metrics: dict[str, float]) -> None:
    table = Table("figure", *DOSES)
    first = next(iter(DOSES))
    for key in [k.removesuffix(f"_{first}") for k in metrics if k.endswith(first)]:
        table.add_row(key, *(f"{metrics[f'{key}_{name}']:.3f}" for name in DOSES))
    Console().print(table)
