"""``python -m models train``."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.training.bank import Stock, stocks
from models.training.batches import SLICE_SHAPE, Batches
from models.training.cohort import Case, cohort, patients_of
from models.training.exported import begun_from_exported, start_from_exported
from models.training.loop import SIMULATED, Lessons, Schedule, Trainer
from models.training.mosaics import CURVE_BOLUSES, LooseVoxels, Mosaics
from models.training.paper import (
    PAPER_SCHEDULES,
    PaperSchedule,
    PaperTrainer,
    teach_paper,
)
from models.training.picture import draw
from models.training.real import UNITOBRAIN, faults_told, real_patients
from models.training.starting import begun_from, start_from
from models.unitobrain import subjects

CACHE = Path(".cache")
# Weights that already know something are moved with less force.
FINE_TUNING_RATE = 0.2


@dataclass(frozen=True)
class Sources:
    """What to learn from: UniToBrain below ``root`` or else simulated patients; from where on."""

    root: Path | None = None
    start: Path | None = None

    def words(self) -> str:
        """What is learned from, for the checkpoint and the manifest."""
        learned = SIMULATED if self.root is None else UNITOBRAIN
        if self.start is None:
            return learned
        return learned + (begun_from_exported if self.exported else begun_from)(self.start)

    @property
    def exported(self) -> bool:
        """Whether the start is an exported file and no checkpoint."""
        return self.start is not None and self.start.suffix == ".onnx"


@dataclass(frozen=True)
class Preset:
    """What a machine can bear; a batch is so many stacks of so many neighbouring slices."""

    cases: int
    boluses: int
    curve_steps: int
    steps: int
    batch: tuple[int, int]
    learning_rate: float
    device: str
    compiled: bool = False


PRESETS = {
    "cpu": Preset(
        cases=900,
        boluses=2000,
        curve_steps=4000,
        steps=12_000,
        batch=(3, 4),
        learning_rate=2e-3,
        device="cpu",
    ),
    "gpu": Preset(
        cases=4000,
        boluses=4000,
        curve_steps=8000,
        steps=60_000,
        batch=(8, 6),
        learning_rate=2e-3,
        device="cuda",
    ),
}


def train(  # noqa: PLR0913, PLR0917  (a command's options are its arguments)
    network: Annotated[
        Literal["perfusion", "paper-small", "paper-large"],
        typer.Option(help="The project's own, or one of the two of Gava et al. to compare with."),
    ] = "perfusion",
    preset: Annotated[Literal["cpu", "gpu"], typer.Option(help="What the machine can bear.")] = (
        "cpu"
    ),
    seed: Annotated[int, typer.Option(help="Patients, initial weights and batches.")] = 2,
    cases: Annotated[int | None, typer.Option(help="Patients to simulate.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps, those on curves too.")] = None,
    curve_steps: Annotated[
        int | None, typer.Option(help="Steps on single curves, before whole slices.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of checkpoint and picture.")] = CACHE / "run",
    threads: Annotated[int, typer.Option(help="CPU threads; 0 for all.")] = 0,
    compiled: Annotated[
        bool, typer.Option(help="Fuse the network's steps: faster; needs a C++ compiler.")
    ] = False,
    data: Annotated[
        Literal["simulated", "unitobrain"],
        typer.Option(help="What to learn from: simulated patients, or those of UniToBrain."),
    ] = "simulated",
    root: Annotated[
        Path | None, typer.Option(help="Where UniToBrain was unpacked (docs/training.md).")
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--start-from",
            help="A checkpoint or an exported .onnx file to fine-tune, at a fifth of the rate; "
            "a file goes on with whole slices, without lessons on curves.",
        ),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=1e-6, max=1.0, help="The highest; None for the preset's.")
    ] = None,
) -> None:
    """Train the network on simulated patients; a stopped run is taken up where it was.

    First the curves alone, of any tissue behind any bolus; then whole slices of patients, and
    mosaics of such curves among them. On UniToBrain's patients: whole slices alone.
    """
    if (data == "unitobrain") != (root is not None):
        raise typer.BadParameter("--data unitobrain and --root go together", param_hint="--root")
    torch.set_num_threads(threads or os.cpu_count() or 1)
    chosen = PRESETS[preset]
    chosen = replace(
        chosen,
        cases=cases or chosen.cases,
        steps=steps or chosen.steps,
        curve_steps=chosen.curve_steps if curve_steps is None else curve_steps,
        compiled=compiled,
    )
    console = Console(stderr=True)
    if network != "perfusion":
        if root is not None or start is not None:
            raise typer.BadParameter(f"{network} starts afresh, on simulated patients")
        with faults_told(console), _progress(console) as progress:
            schedule = replace(PAPER_SCHEDULES[network], seed=seed, cases=chosen.cases)
            schedule = replace(schedule, steps=steps or schedule.steps)
            trained = _paper(schedule, chosen.device, out / f"{network}.pt", progress)
        console.print(f"{trained}: export it with python -m models export --network {network}")
        return
    with faults_told(console), _progress(console) as progress:
        if root is not None:
            chosen = replace(chosen, cases=len(subjects(root)), curve_steps=0)
        if start is not None:
            chosen = replace(chosen, learning_rate=FINE_TUNING_RATE * chosen.learning_rate)
        if learning_rate is not None:
            chosen = replace(chosen, learning_rate=learning_rate)
        sources = Sources(root, start)
        if sources.exported:
            chosen = replace(chosen, curve_steps=0)
        trainer, batches = _taught(chosen, seed, out / "checkpoint.pt", progress, sources)
    draw(trainer, batches, out / "training.png")
    console.print(f"{out / 'checkpoint.pt'}: export it with python -m models export")


def _taught(
    chosen: Preset, seed: int, checkpoint: Path, progress: Progress, sources: Sources
) -> tuple[Trainer, Batches]:
    """A trainer at the end of its schedule, and what it learned from last."""
    schedule = Schedule(
        chosen.steps,
        chosen.learning_rate,
        seed,
        cases=chosen.cases,
        curve_steps=chosen.curve_steps,
        data=sources.words(),
    )
    trainer = Trainer(schedule, checkpoint, device=chosen.device, compiled=chosen.compiled)
    if sources.start is not None and not sources.exported:
        start_from(trainer, sources.start)
    mosaics = None
    if sources.root is not None:
        patients = real_patients(sources.root, CACHE / "unitobrain", progress)
        heard = _listener(progress, trainer)
    else:
        stock = _stock(chosen.boluses, seed, progress)
        heard = _listener(progress, trainer)
        lessons = Lessons(curves=LooseVoxels(stock, CURVE_BOLUSES, seed))
        trainer.run(lessons, heard, until=chosen.curve_steps)
        patients = _patients(patients_of(seed, chosen.cases), progress)
        mosaics = Mosaics(stock, SLICE_SHAPE)
    batches = Batches(patients, chosen.batch, SLICE_SHAPE, seed, mosaics)
    if sources.start is not None and sources.exported:
        start_from_exported(trainer, sources.start, batches, batches.stack)
    trainer.run(Lessons(slices=batches, stack=batches.stack), heard)
    return trainer, batches


def _paper(schedule: PaperSchedule, device: str, checkpoint: Path, progress: Progress) -> Path:
    """The checkpoint of one of the paper's networks at the end of its schedule."""
    trainer = PaperTrainer(schedule, checkpoint, device=device)
    patients = _patients(patients_of(schedule.seed, schedule.cases), progress)
    teach_paper(trainer, patients, SLICE_SHAPE, _listener(progress, trainer))
    return checkpoint


def _listener(progress: Progress, trainer: Trainer | PaperTrainer) -> Callable[[int, float], None]:
    """What shows every step; a line every hundred where nobody watches."""
    task = progress.add_task(
        "steps", total=trainer.schedule.steps, completed=trainer.step, loss=float("nan")
    )
    console = progress.console
    mean_loss = 0.0

    def heard(step: int, loss: float) -> None:
        nonlocal mean_loss
        mean_loss = loss if not mean_loss else 0.98 * mean_loss + 0.02 * loss
        progress.update(task, completed=step, loss=mean_loss)
        if step % 100 == 0 and not console.is_terminal:
            console.print(f"step {step} of {trainer.schedule.steps}: loss {mean_loss:.4f}")

    return heard


def _stock(count: int, seed: int, progress: Progress) -> list[Stock]:
    task = progress.add_task("boluses", total=count, loss=float("nan"))
    stock = []
    for one in stocks(count, seed, workers=os.cpu_count() or 1):
        progress.advance(task)
        stock.append(one)
    return stock


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
