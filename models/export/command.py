"""``python -m models export``."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import track

from models.export.calibration import calibrated
from models.export.onnx import NORMALISATION, WEIGHTS, export_network, write_manifest
from models.export.paper import PAPER_SMALL, export_paper
from models.training import cohort, trained_network, trained_paper
from node.inference import Manifest, Training, load_model

# Far from the seeds of any training, and from those of the evaluation.
CALIBRATION_SEED = 880_000
# The weights that come with the project; the paper's large network is beyond any repository.
OUT = {"perfusion": WEIGHTS, "paper-small": PAPER_SMALL}


def export(
    version: Annotated[str, typer.Option(help="Of the weights.")],
    checkpoint: Annotated[
        Path | None, typer.Option(help="What ``train`` kept, if not where it does by itself.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The .onnx file; its manifest goes beside.")
    ] = None,
    patients: Annotated[
        int, typer.Option(min=1, help="Simulated to calibrate the uncertainty on.")
    ] = 40,
    network: Annotated[
        Literal["perfusion", "paper-small", "paper-large"],
        typer.Option(help="What ``train`` was told; the paper's have no uncertainty."),
    ] = "perfusion",
) -> None:
    """Write a trained network as ONNX with its manifest, and open it as the node would.

    The uncertainty is calibrated on simulated patients that the network has not seen.
    """
    kept = "checkpoint" if network == "perfusion" else network
    checkpoint = checkpoint or Path(f".cache/run/{kept}.pt")
    out = out or OUT.get(network, checkpoint.with_suffix(".onnx"))
    today = datetime.now(UTC).date()
    if network != "perfusion":
        _told(export_paper(trained_paper(checkpoint), out, version, today), out)
        return
    trained = trained_network(checkpoint)
    seeds = range(CALIBRATION_SEED, CALIBRATION_SEED + patients)
    cases = cohort(Path(".cache/cohort"), seeds, workers=os.cpu_count() or 1)
    shown = track(cases, "patients", total=patients)
    calibration = calibrated(trained.network, (case for case in shown if case is not None))
    export_network(trained.network, out)
    training = Training(
        data=trained.schedule.data,
        cases=trained.schedule.cases,
        seed=trained.schedule.seed,
        steps=trained.schedule.steps,
        normalisation=NORMALISATION,
    )
    _told(write_manifest(out, trained.network, training, version, today, calibration), out)


def _told(manifest: Manifest, out: Path) -> None:
    """Open what was written as the node would, and say what it is."""
    load_model(out, device="cpu")
    typer.echo(f"{out}: {manifest.name} {manifest.version}, sha256 {manifest.sha256}")
