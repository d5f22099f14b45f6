"""Real patients to learn from, and how a command tells what is wrong with them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress

from models.training.cohort import Case
from models.unitobrain import DatasetError, Left, cohort, subjects
from node.errors import NodeError

UNITOBRAIN = "UniToBrain's scans with its NLR maps, python -m models train --data unitobrain"


def real_patients(root: Path, cache: Path, progress: Progress) -> list[Case]:
    """The cases of UniToBrain's subjects; those that take no part are named.

    Parameters
    ----------
    root
        Where the dataset was unpacked.
    cache
        Where prepared cases are kept.
    progress
        Gets a bar, and is told in sentences.

    Raises
    ------
    DatasetError
        If the dataset is not what it should be, or no subject takes part.
    """
    say = partial(progress.console.print, markup=False, soft_wrap=True)
    task = progress.add_task("subjects", total=len(subjects(root)), loss=float("nan"))
    patients: list[Case] = []
    for found in cohort(root, cache, workers=os.cpu_count() or 1, heard=say):
        progress.advance(task)
        if isinstance(found, Left):
            say(f"{found.name} is left out: {found.why}")
        else:
            patients.append(found)
    if not patients:
        raise DatasetError(root, "no subject takes part", "See above why each is left out.")
    return patients


@contextmanager
def faults_told(console: Console) -> Iterator[None]:
    """Ends the command with a fault's words and its remedy instead of a traceback."""
    try:
        yield
    except NodeError as fault:
        console.print(f"{fault}\n{fault.remedy}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
