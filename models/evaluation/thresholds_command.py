"""``python -m models thresholds``: what the flags about the network are set by, and how well."""

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.evaluation.estimators import WEIGHTS
from models.evaluation.trust import LEAST_DICE, MOST_OFF, Trusted, trust_cases, trusted

QUANTILES = {"median": 0.5, "75 %": 0.75, "90 %": 0.9, "95 %": 0.95}


def thresholds_command(
    cases: Annotated[int, typer.Option(min=1, help="Patients at every point.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="The first patient.")] = 960_000,
    rows: Annotated[int, typer.Option(min=64, help="Rows and columns over 230 mm.")] = 128,
    weights: Annotated[Path, typer.Option(help="The .onnx file.")] = WEIGHTS,
    workers: Annotated[int, typer.Option(min=0, help="Cases side by side; 0: one a core.")] = 0,
) -> None:
    """Show how the flags about the network go with good and with bad maps.

    Scans of two generators, at full to an eighth of the dose, with flaws and without a stroke,
    go through network, deconvolution and flags. Maps are bad whose hypoperfusion overlaps the
    true one by a Dice below 0.8 or is off by more than 30 % of its volume. A flag is worth its
    place where it is often set on bad maps and seldom on good ones.
    """
    points = trust_cases(range(seed, seed + cases), rows)
    todo = [(point, case) for point, each in points.items() for case in each]
    # Spawned, so that no library's threads are copied half alive.
    context = multiprocessing.get_context("spawn")
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
    with ProcessPoolExecutor(workers or os.cpu_count() or 1, mp_context=context) as pool:
        running = [pool.submit(trusted, point, case, weights) for point, case in todo]
        shown = track(running, "scans", console=Console(stderr=True))
        found = [one for done in shown if (one := done.result()) is not None]
    console = Console()
    console = console if console.is_terminal else Console(width=120)
    for table in (numbers_table(found), flags_table(found), points_table(found)):
        console.print(table)


def numbers_table(found: Sequence[Trusted]) -> Table:
    """What each flag is set by, over good and over bad maps."""
    table = Table(title="What the flags are set by", caption=_rule())
    for name in ("flag", "maps", "scans", *QUANTILES):
        table.add_column(name)
    for code in sorted({code for one in found for code in one.numbers}):
        for name, group in _groups(found).items():
            values = [one.numbers[code] for one in group if code in one.numbers]
            if values:
                levels = np.quantile(values, list(QUANTILES.values()))
                table.add_row(code, name, str(len(values)), *(f"{level:.2f}" for level in levels))
    return table


def flags_table(found: Sequence[Trusted]) -> Table:
    """How often each flag is set on good and on bad maps."""
    groups = _groups(found)
    table = Table("flag", *groups, title="How often a flag is set")
    for code in sorted({code for one in found for code in one.flags}):
        table.add_row(code, *(_share([code in one.flags for one in g]) for g in groups.values()))
    return table


def points_table(found: Sequence[Trusted]) -> Table:
    """Every point of the question: bad maps, and how often the truth lies in the range."""
    head = ("scans", "bad maps", "hypoperfusion in its range", "core in its range")
    table = Table("point", *head, title="Where maps are bad, and what the range is worth")
    for point in dict.fromkeys(one.point for one in found):
        mine = [one for one in found if one.point == point]
        inside = [one.inside for one in mine if one.inside is not None]
        within = (_share([pair[i] for pair in inside]) for i in (0, 1))
        table.add_row(point, str(len(mine)), _share([one.bad for one in mine]), *within)
    return table


def _groups(found: Sequence[Trusted]) -> dict[str, list[Trusted]]:
    return {
        "good": [one for one in found if not one.bad],
        "bad": [one for one in found if one.bad],
    }


def _share(asked: Sequence[bool]) -> str:
    return f"{sum(asked)} of {len(asked)}" if asked else ""


def _rule() -> str:
    return f"bad: Dice of the hypoperfusion below {LEAST_DICE:g}, or volume off by {MOST_OFF:.0%}"
