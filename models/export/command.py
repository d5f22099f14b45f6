"""``python -m models export`` and ``python -m models halve``."""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import track

from models.export.calibration import calibrated
from models.export.familiarity import familiar_ranges
from models.export.half import export_half, half_path
from models.export.onnx import Origin
from models.export.paper import PAPER_SMALL, export_paper
from models.export.perfusion import NORMALISATION, WEIGHTS, export_network
from models.training import Case, cohort, patients_of, trained_network, trained_paper
from node.inference import Manifest, Training, load_model

COHORT = Path(".cache/cohort")
# Of those that the network learned from: enough to know what is rare among them.
FAMILIAR_PATIENTS = 300
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
    half: Annotated[
        bool, typer.Option("--half", help="A half-precision variant beside it, as ``halve`` does.")
    ] = False,
) -> None:
    """Write a trained network as ONNX with its manifest, and open it as the node would.

    The uncertainty is calibrated on simulated patients that the network has not seen; what is
    familiar to it is read from those that it has.
    """
    kept = "checkpoint" if network == "perfusion" else network
    checkpoint = checkpoint or Path(f".cache/run/{kept}.pt")
    out = out or OUT.get(network, checkpoint.with_suffix(".onnx"))
    if network == "perfusion":
        written = _calibrated_network(checkpoint, out, version, patients)
    else:
        written = export_paper(trained_paper(checkpoint), out, version, _today())
    _told(written, out)
    if half:
        halve_command(out)


def halve_command(
    weights: Annotated[Path, typer.Argument(help="The .onnx file; its manifest beside.")] = WEIGHTS,
) -> None:
    """Write the half-precision variant of exported weights beside them, for GPUs.

    ``perfusion.onnx`` gives ``perfusion-fp16.onnx``, with a manifest of its own. Inputs and outputs
    stay in single precision, so that the node takes either file.
    """
    _told(export_half(weights), half_path(weights))


def _today() -> date:
    return datetime.now(UTC).date()


def _calibrated_network(checkpoint: Path, out: Path, version: str, patients: int) -> Manifest:
    """The project's network, written with what calibration and familiarity patients tell."""
    trained = trained_network(checkpoint)
    unseen = range(CALIBRATION_SEED, CALIBRATION_SEED + patients)
    calibration = calibrated(trained.network, (case for _, case in _patients(unseen, "unseen")))
    schedule = trained.schedule
    seen = patients_of(schedule.seed, min(schedule.cases, FAMILIAR_PATIENTS))
    familiar = familiar_ranges(_patients(seen, "seen"))
    training = Training(
        data=schedule.data,
        cases=schedule.cases,
        seed=schedule.seed,
        steps=schedule.steps,
        normalisation=NORMALISATION,
    )
    origin = Origin(version, _today(), training, familiar)
    return export_network(trained.network, out, origin, calibration)


def _patients(seeds: range, what: str) -> Iterator[tuple[int, Case]]:
    """Seed and case of simulated patients, those left out whose scan is refused."""
    cases = cohort(COHORT, seeds, workers=os.cpu_count() or 1)
    for seed, case in zip(seeds, track(cases, f"{what} patients", total=len(seeds)), strict=True):
        if case is not None:
            yield seed, case


def _told(manifest: Manifest, out: Path) -> None:
    """Open what was written as the node would, and say what it is."""
    load_model(out, device="cpu")
    typer.echo(f"{out}: {manifest.name} {manifest.version}, sha256 {manifest.sha256}")
