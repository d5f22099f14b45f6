"""``python -m models evaluate``."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from models.evaluation.cases import Case, CaseSet, Extent, case_sets
from models.evaluation.estimators import ALL, EstimatorId, identify
from models.evaluation.evaluation import About, Evaluation
from models.evaluation.figures import draw
from models.evaluation.gallery import draw_maps
from models.evaluation.report import markdown
from models.evaluation.run import Task, collected, run, tasks
from models.evaluation.score import Score
from models.evaluation.store import ScoreStore
from models.evaluation.tables import AXIS_HEAD, axis_rows
from models.provenance import commit, machine
from node.errors import NodeError

CACHE = Path(".cache/evaluation")
SEED = 950_000
QUICK = Extent(patients=6, seed=SEED, rows=128, slices=16, judged=40)
FULL = Extent(patients=40, seed=SEED, rows=256, slices=16, judged=80)
REPORT_EVERY = 20


def evaluate(  # noqa: PLR0913, PLR0917  (a command's options are its arguments)
    quick: Annotated[
        bool, typer.Option("--quick", help="128 pixels, few cases a point: minutes, not hours.")
    ] = False,
    estimator: Annotated[
        list[str] | None,
        typer.Option(help=f"{', '.join(ALL)}, or a path to an .onnx file; may be given again."),
    ] = None,
    cases: Annotated[
        int | None, typer.Option(min=1, help="Patients at every point; 6 if quick, else 40.")
    ] = None,
    judged: Annotated[
        int | None,
        typer.Option(min=1, help="Patients the bars are judged on; 40 if quick, else 80."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The first patient.")] = SEED,
    axis: Annotated[
        list[str] | None, typer.Option(help="Only this question's cases; prints, writes nothing.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of report, JSON and images/.")] = Path("docs"),
    cache: Annotated[Path, typer.Option(help="Where finished scores are kept.")] = CACHE,
    workers: Annotated[int, typer.Option(min=0, help="Cases side by side; 0: one a core.")] = 0,
) -> None:
    """Judge estimators of perfusion maps on simulated scans whose truth is known.

    Every estimator sees the same scans: full and reduced dose, fewer time points, every
    acquisition scheme and residue function, a moving head, patients without stroke, another
    generator, a phantom, and scans that must be refused. Writes OUT/evaluation.md,
    OUT/evaluation.json and OUT/images/evaluation-*.png.

    Stop it whenever you like: finished scores are kept, and the next call goes on from there.

    For example:

    - `python -m models evaluate --quick`

    - `python -m models evaluate --quick --estimator network --estimator .cache/run/new.onnx`

    - `python -m models evaluate --quick --axis headline --axis dose --cases 4`
    """
    console = Console(stderr=True)
    usual = QUICK if quick else FULL
    extent = Extent(cases or usual.patients, seed, usual.rows, usual.slices, judged or usual.judged)
    sets = _asked(case_sets(extent), axis)
    estimators = _identified(estimator or list(ALL))
    began = datetime.now(UTC)
    try:
        scores = _scored(
            sets, estimators, ScoreStore(cache), workers or os.cpu_count() or 1, console
        )
    except NodeError as fault:
        console.print(f"{fault}\n{fault.remedy}", markup=False)
        raise typer.Exit(1) from None
    about = About(
        _command(quick, estimator, extent), commit(), f"{began:%Y-%m-%d}", machine(), extent
    )
    evaluation = Evaluation(about, sets, estimators, scores)
    _show(evaluation)
    if axis:
        return
    write(evaluation, out)
    minutes = (datetime.now(UTC) - began).total_seconds() / 60.0
    console.print(f"{out / 'evaluation.md'} written after {minutes:.1f} min")


def write(evaluation: Evaluation, out: Path) -> None:
    """Write report, JSON and pictures of an evaluation below a folder."""
    out.mkdir(parents=True, exist_ok=True)
    draw(evaluation, out / "images")
    draw_maps(evaluation, out / "images")
    facts = json.dumps(evaluation.facts, allow_nan=False, separators=(",", ":"))
    (out / "evaluation.json").write_text(facts + "\n")
    (out / "evaluation.md").write_text(markdown(evaluation))


def _asked(sets: tuple[CaseSet, ...], axes: list[str] | None) -> tuple[CaseSet, ...]:
    if unknown := set(axes or ()) - {s.axis for s in sets}:
        names = ", ".join(s.axis for s in sets)
        raise typer.BadParameter(
            f"no {', '.join(sorted(unknown))}; there are {names}", param_hint="--axis"
        )
    return tuple(s for s in sets if not axes or s.axis in axes)


def _identified(sources: list[str]) -> tuple[EstimatorId, ...]:
    try:
        found = tuple(dict.fromkeys(identify(source) for source in sources))
    except (ValueError, NodeError) as problem:
        raise typer.BadParameter(str(problem), param_hint="--estimator") from None
    if len({who.name for who in found}) < len(found):
        names = ", ".join(who.name for who in found)
        raise typer.BadParameter(f"two estimators share a name: {names}", param_hint="--estimator")
    return found


def _scored(
    sets: tuple[CaseSet, ...],
    estimators: tuple[EstimatorId, ...],
    store: ScoreStore,
    workers: int,
    console: Console,
) -> dict[tuple[Case, str], Score]:
    cases = [case for each in sets for case in each]
    for path in store.damaged(cases, estimators):
        console.print(f"{path} cannot be read: scored again")
    todo = tasks(cases, estimators, store)
    with _progress(console) as progress:
        whole = len(dict.fromkeys(cases))
        bar = progress.add_task("scans", total=whole, completed=whole - len(todo))

        def heard(_: Task) -> None:
            progress.advance(bar)
            done = int(progress.tasks[bar].completed)
            # A log shows no moving bar; a line now and then says that work goes on.
            if not console.is_terminal and done % REPORT_EVERY == 0:
                console.print(f"{done} of {whole} scans")

        run(todo, store, workers, heard)
    return collected(cases, estimators, store)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


def _show(evaluation: Evaluation) -> None:
    """The tables at the prompt, a section for each question."""
    console = Console()
    # Wide enough for every column where the output goes to a file or a pipe.
    console = console if console.is_terminal else Console(width=190)
    about = evaluation.about
    caption = "mean Dice, r: 95 % bootstrap interval over the cases; errors: median [quartiles]"
    shown = Table(title=f"{about.command} (simulated)", caption=escape(caption))
    for name in ("question", *AXIS_HEAD):
        shown.add_column(name, no_wrap=True)
    for axis in evaluation.axes:
        shown.add_section()
        for point, *cells in axis_rows(evaluation, axis):
            shown.add_row(f"{axis}: {point}", *(escape(text) for text in cells))
    console.print(shown)


def _command(quick: bool, estimators: list[str] | None, extent: Extent) -> str:
    parts = ["python -m models evaluate", "--quick" if quick else ""]
    parts += [f"--estimator {source}" for source in estimators or ()]
    parts += [f"--cases {extent.patients}", f"--judged {extent.judged}", f"--seed {extent.seed}"]
    return " ".join(part for part in parts if part)
