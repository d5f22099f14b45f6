"""``python -m models export``."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from models.export.onnx import NORMALISATION, WEIGHTS, export_network, write_manifest
from models.training import trained_network
from node.inference import Training, load_model


def export(
    version: Annotated[str, typer.Option(help="Of the weights.")],
    checkpoint: Annotated[Path, typer.Option(help="What ``train`` kept.")] = Path(
        ".cache/run/checkpoint.pt"
    ),
    out: Annotated[Path, typer.Option(help="The .onnx file; its manifest goes beside.")] = WEIGHTS,
) -> None:
    """Write a trained network as ONNX with its manifest, and open it as the node would."""
    trained = trained_network(checkpoint)
    export_network(trained.network, out)
    training = Training(
        data="simulated scans, python -m models train",
        cases=trained.schedule.cases,
        seed=trained.schedule.seed,
        steps=trained.schedule.steps,
        normalisation=NORMALISATION,
    )
    manifest = write_manifest(out, version, training, datetime.now(UTC).date())
    load_model(out, device="cpu")
    typer.echo(f"{out}: {manifest.name} {manifest.version}, sha256 {manifest.sha256}")
