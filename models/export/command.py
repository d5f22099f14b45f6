"""``python -m models export``."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from models.export.calibration import calibrated
from models.export.onnx import NORMALISATION, WEIGHTS, export_network, write_manifest
from models.training import cohort, trained_network
from node.inference import Training, load_model

# Far from the seeds of any training, and from those of the evaluation.
CALIBRATION_SEED = 880_000


def export(
    version: Annotated[str, typer.Option(help="Of the weights.")],
    checkpoint: Annotated[Path, typer.Option(help="What ``train`` kept.")] = Path(
        ".cache/run/checkpoint.pt"
    ),
    out: Annotated[Path, typer.Option(help="The .onnx file; its manifest goes beside.")] = WEIGHTS,
    patients: Annotated[
        int, typer.Option(min=1, help="Simulated to calibrate the uncertainty on.")
    ] = 40,
) -> None:
    """Write a trained network as ONNX with its manifest, and open it as the node would.

    The uncertainty is calibrated on simulated patients that the network has not seen.
    """
    trained = trained_network(checkpoint)
    seeds = range(CALIBRATION_SEED, CALIBRATION_SEED + patients)
    cases = cohort(Path(".cache/cohort"), seeds, workers=os.cpu_count() or 1)
    shown = track(cases, "patients", total=patients)
    calibration = calibrated(trained.network, (case for case in shown if case is not None))
    export_network(trained.network, out)
    training = Training(
        data="simulated scans, python -m models train",
        cases=trained.schedule.cases,
        seed=trained.schedule.seed,
        steps=trained.schedule.steps,
        normalisation=NORMALISATION,
    )
    today = datetime.now(UTC).date()
    manifest = write_manifest(out, trained.network, training, version, today, calibration)
    load_model(out, device="cpu")
    typer.echo(f"{out}: {manifest.name} {manifest.version}, sha256 {manifest.sha256}")
