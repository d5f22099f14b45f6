"""A soak: a whole node with its real model takes small studies one after another, for hours.

``perfusion-node up`` receives simulated scans over C-STORE and returns its results to a receiver,
while its status page is polled. After each study every process' memory, descriptors and threads are
read, and the sizes of spool, registry and log. At the end nothing may be lost, and nothing may grow
that is not kept on purpose: see tests/soak/trend.py for how that is decided.
"""

import argparse
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.soak.picture import draw
from tests.soak.run import Plan, Tale, soak
from tests.soak.trend import Course, courses

_FOLDER = Path(".cache/soak")


def main() -> int:
    """Runs what the options say; 1 where anything grew, was lost or died."""
    options = _options()
    if options.draw:
        draw(Tale.read(_FOLDER / "samples.json"), options.draw)
        return 0
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    commit, tale = _commit(), Tale()
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[seen]}"),
    )
    with Progress(*columns) as progress:
        task = progress.add_task("", total=options.studies, seen="")
        for tale in soak(_FOLDER.resolve(), Plan(options.studies, options.hours * 3600.0)):
            progress.update(task, completed=len(tale.samples), seen=_seen(tale))
            (_FOLDER / "samples.json").write_text(json.dumps(tale.as_json()))
    draw(tale, _FOLDER / "soak.png")
    print(f"\n{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit}")
    return _reported(tale)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    add = parser.add_argument
    add("--studies", type=int, default=200, help="how many at most (200)")
    add("--hours", type=float, default=2.0, help="how long at most (2)")
    add("--draw", type=Path, metavar="PNG", help="draw the last run's picture again, nothing else")
    return parser.parse_args()


def _seen(tale: Tale) -> str:
    if not tale.samples:
        return "starting"
    memory = sum(use.memory_mib for use in tale.samples[-1].uses.values())
    return f"{memory:.0f} MiB in all, {len(tale.faults)} faults"


def _reported(tale: Tale) -> int:
    """Prints the table and what was found; the exit status."""
    minutes = tale.samples[-1].at_s / 60 if tale.samples else 0.0
    print(f"{len(tale.samples)} studies in {minutes:.0f} minutes, {tale.images} images sent,")
    print(f"{tale.resent} of them again for want of an answer within 5 s;")
    print(f"{tale.objects} objects came back, the status page was read {tale.pages} times")
    found = courses(tale)
    table = Table(box=None)
    for title in ("what", "first", "after warming up", "last", "growth in 100 studies", "allowed"):
        table.add_column(title, justify="left" if title == "what" else "right")
    for course in found:
        table.add_row(course.name, *_figures(course))
    Console(width=120).print(table)
    grown = [f"{course.name} grows" for course in found if course.grows]
    for fault in (*tale.faults, *grown):
        print(f"FAULT  {fault}")
    print("sound" if not (tale.faults or grown) else f"the logs are in {_FOLDER}")
    return 1 if tale.faults or grown else 0


def _figures(course: Course) -> list[str]:
    low, high = course.per_hundred
    ends = [f"{value:.1f}" for value in (course.first, course.warm, course.last)]
    return [*ends, f"{low:.2f} .. {high:.2f}", f"{course.allowed:.2f}"]


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
