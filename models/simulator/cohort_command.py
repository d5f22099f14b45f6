"""The command ``python -m models cohort``."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.simulator.cohort import cohort
from models.simulator.plans import any_patient


def cohort_command(
    out: Annotated[Path, typer.Option(help="Folder to keep scans in; made if absent.")],
    cases: Annotated[int, typer.Option(min=1, help="How many patients.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="The first patient.")] = 0,
    size: Annotated[int, typer.Option(min=32, help="Rows and columns; the view is 230 mm.")] = 256,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one a core.")] = 0,
) -> None:
    """Simulate patients out of the whole range and keep them; only what is not there yet is made.

    Every pathology, scheme, dose, residue function and fault is drawn from the seed. A kept scan
    that is damaged or made by another version of the simulator is named and made again.

    For example:

    - `python -m models cohort --out .cache/patients --cases 200 --size 128`
    """
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(TextColumn("patients"), *columns, console=console) as progress:
        task = progress.add_task("", total=cases)
        scans = cohort(
            out,
            range(seed, seed + cases),
            recipe=partial(any_patient, rows=size),
            workers=workers or os.cpu_count() or 1,
            heard=console.print,
        )
        for _ in scans:
            progress.advance(task)
    console.print(f"{cases} scans in {out}")
