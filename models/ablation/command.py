"""``python -m models ablate``."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from models.ablation.judging import DOSES, Unseen, judged, predicted, unseen
from models.ablation.lessons import Material, Settings, teach
from models.ablation.page import markdown, plain
from models.ablation.results import Result, ResultStore
from models.ablation.variants import EVERYTHING, VARIANTS, Variant, named
from models.provenance import commit, machine
from models.training import cohort, patients_of, stocks
from node.errors import NodeError

COHORT = Path(".cache/cohort")
USUAL = Settings()
REPORT_EVERY = 100


def ablate(  # noqa: PLR0913, PLR0917  (a command's options are its arguments)
    steps: Annotated[int, typer.Option(min=1, help="On slices, for every variant.")] = USUAL.steps,
    curve_steps: Annotated[
        int, typer.Option(min=1, help="On single curves, before the slices.")
    ] = USUAL.curve_steps,
    cases: Annotated[int, typer.Option(min=1, help="Patients to learn from.")] = USUAL.cases,
    judge: Annotated[
        int, typer.Option("--judged", min=1, help="Unseen patients to be judged on.")
    ] = USUAL.judged,
    seed: Annotated[
        int, typer.Option(min=0, help="Patients, weights and batches, as in `train`.")
    ] = USUAL.seed,
    only: Annotated[
        list[str] | None,
        typer.Option(help="A variant's name, below; the reference comes by itself. Repeatable."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("docs/ablation.md"),
    cache: Annotated[Path, typer.Option(help="Where results and checkpoints are kept.")] = Path(
        ".cache/ablation"
    ),
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 for all.")] = 0,
) -> None:
    """Train the network shortly, again and again, each time with one thing taken away.

    All else is equal: patients, seeds, batches, steps. Every variant is then judged on the same
    unseen patients of the evaluation's own generator, at full and at a quarter of the dose, and
    a page is written: every figure, how far it lies from the reference's, and what is clear of
    chance.

    Patients to learn from are those of `train` with the same seed, simulated where they are not
    in .cache/cohort yet. Lessons on single curves are shared by the variants that do not change
    them.

    Stop it whenever you like: the next call with the same options goes on from there. The page
    shows all variants that were tried with these options, by this code.

    The variants:

    VARIANTS

    For example:

    - `python -m models ablate`

    - `python -m models ablate --steps 2000 --only "without mosaics" --only "half the width"`
    """
    torch.set_num_threads(threads or os.cpu_count() or 1)
    console = Console(stderr=True)
    settings = replace(
        USUAL, steps=steps, curve_steps=curve_steps, cases=cases, judged=judge, seed=seed
    )
    try:
        variants = named(only or [])
    except ValueError as problem:
        raise typer.BadParameter(str(problem), param_hint="--only") from None
    store = ResultStore(cache, settings)
    finished = store.finished(variants)
    todo = [variant for variant in variants if variant.name not in finished]
    if todo:
        try:
            _tried(todo, store, console)
        except NodeError as fault:
            console.print(f"{fault}\n{fault.remedy}", markup=False)
            raise typer.Exit(1) from None
    finished = store.finished(VARIANTS)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(markdown(finished, settings, _command(settings)))
    console.print(f"{out} written: {len(finished)} of {len(VARIANTS)} variants")


def _described(words: str) -> str:
    """The command's help, with the variants that there are."""
    listed = (f"    - *{variant.name}*: {variant.words}" for variant in VARIANTS)
    return words.replace("    VARIANTS", "\n\n".join(listed))


ablate.__doc__ = _described(ablate.__doc__ or "")


def _tried(todo: Sequence[Variant], store: ResultStore, console: Console) -> None:
    """Trains and judges variants, and keeps what is found."""
    settings = store.settings
    with _progress(console) as progress:
        patients = _judges(settings, progress)
        material = _material(settings, progress)
        bar = progress.add_task("variants", total=len(todo), loss="")
        for variant in todo:
            steps = settings.schedule(variant.trained).steps
            task = progress.add_task(variant.name, total=steps, loss="")
            heard = _Listener(progress, task, f"{variant.name}: step {{}} of {steps}")
            network = teach(variant, settings, material, store.inside, heard)
            scores = tuple(judged(predicted(network, variant, p.case), p) for p in patients)
            about = {"code": commit(), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
            result = Result(variant.name, scores, {**about, "machine": machine()})
            store.keep(variant, result)
            progress.update(task, completed=steps)
            progress.advance(bar)
            finished = store.finished((EVERYTHING, variant))
            progress.console.print(plain(finished, variant.name), markup=False, soft_wrap=True)


class _Listener:
    """Shows every step on a bar; a line every hundred where nobody watches."""

    def __init__(self, progress: Progress, task: TaskID, line: str) -> None:
        self._progress, self._task, self._line, self._mean = progress, task, line, 0.0

    def __call__(self, step: int, loss: float) -> None:
        self._mean = 0.98 * self._mean + 0.02 * loss if self._mean else loss
        self._progress.update(self._task, completed=step, loss=f"loss {self._mean:.4f}")
        console = self._progress.console
        if step % REPORT_EVERY == 0 and not console.is_terminal:
            console.print(f"{self._line.format(step)}: loss {self._mean:.4f}")


def _judges(settings: Settings, progress: Progress) -> list[Unseen]:
    """The unseen patients, without those whose scan is refused."""
    task = progress.add_task("unseen scans", total=settings.judged * len(DOSES), loss="")
    found = []
    for patient in unseen(settings.judged, workers=os.cpu_count() or 1):
        progress.advance(task)
        if patient is not None:
            found.append(patient)
    return found


def _material(settings: Settings, progress: Progress) -> Material:
    """Boluses and patients to learn from, without those whose scan is refused."""
    workers = os.cpu_count() or 1
    task = progress.add_task("boluses", total=settings.boluses, loss="")
    stock = []
    for bolus in stocks(settings.boluses, settings.seed, workers):
        progress.advance(task)
        stock.append(bolus)
    seeds = patients_of(settings.seed, settings.cases)
    task = progress.add_task("patients", total=len(seeds), loss="")
    patients = []
    for case in cohort(COHORT, seeds, workers):
        progress.advance(task)
        if case is not None:
            patients.append(case)
    return Material(patients, stock)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


def _command(settings: Settings) -> str:
    options = {
        "steps": settings.steps,
        "curve-steps": settings.curve_steps,
        "cases": settings.cases,
        "judged": settings.judged,
        "seed": settings.seed,
    }
    return " ".join(("python -m models ablate", *(f"--{k} {v}" for k, v in options.items())))
