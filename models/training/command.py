"""``python -m models train``."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.training.batches import Batches
from models.training.cohort import Case, cohort
from models.training.loop import Schedule, Trainer
from models.training.picture import draw

CACHE = Path(".cache")
# Twice the 112 x 96 pixels that a common head needs would be wasted on air.
SLICE_SHAPE = (112, 96)


@dataclass(frozen=True)
class Preset:
    """What a machine can bear."""

    cases: int
    steps: int
    batch: int
    learning_rate: float
    device: str


PRESETS = {
    "cpu": Preset(cases=200, steps=1500, batch=8, learning_rate=2e-3, device="cpu"),
    "gpu": Preset(cases=2000, steps=40_000, batch=32, learning_rate=2e-3, device="cuda"),
}


def train(
    preset: Annotated[Literal["cpu", "gpu"], typer.Option(help="What the machine can bear.")] = (
        "cpu"
    ),
    seed: Annotated[int, typer.Option(help="Patients, initial weights and batches.")] = 1,
    cases: Annotated[int | None, typer.Option(help="Patients to simulate.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of checkpoint and picture.")] = CACHE / "run",
    threads: Annotated[int, typer.Option(help="CPU threads; 0 for all.")] = 0,
) -> None:
    """Train the network on simulated patients; a stopped run is taken up where it was."""
    torch.set_num_threads(threads or os.cpu_count() or 1)
    chosen = PRESETS[preset]
    chosen = replace(chosen, cases=cases or chosen.cases, steps=steps or chosen.steps)
    schedule = Schedule(chosen.steps, chosen.learning_rate, seed, cases=chosen.cases)
    first = seed * 100_000
    console = Console(stderr=True)
    with _progress(console) as progress:
        patients = _patients(range(first, first + chosen.cases), progress)
        trainer = Trainer(schedule, out / "checkpoint.pt", device=chosen.device)
        batches = Batches(patients, chosen.batch, SLICE_SHAPE, seed)
        task = progress.add_task("steps", total=chosen.steps, completed=trainer.step, loss=0.0)
        mean_loss = 0.0

        def heard(step: int, loss: float) -> None:
            nonlocal mean_loss
            mean_loss = loss if not mean_loss else 0.98 * mean_loss + 0.02 * loss
            progress.update(task, completed=step, loss=mean_loss)
            if step % 100 == 0 and not console.is_terminal:
                console.print(f"step {step} of {chosen.steps}: loss {mean_loss:.4f}")

        trainer.run(batches, heard)
    draw(trainer, batches, out / "training.png")
    console.print(f"{out / 'checkpoint.pt'}: export it with python -m models export")


def _patients(seeds: range, progress: Progress) -> list[Case]:
    """The cohort, those patients left out whose scan ``prepare`` refuses."""
    task = progress.add_task("patients", total=len(seeds), loss=float("nan"))
    patients = []
    for case in cohort(CACHE / "cohort", seeds, workers=os.cpu_count() or 1):
        progress.advance(task)
        if case is not None:
            patients.append(case)
    return patients


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"),
        TimeRemainingColumn(),
        console=console,
    )
