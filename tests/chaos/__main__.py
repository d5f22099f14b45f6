"""Random chaos: a node is broken in every way while studies keep coming, then it is audited.

A real listener, real workers around a fake model, Redis, and a PACS of the test's own. Listener,
workers and Redis are killed (also at failpoints) and frozen, the PACS goes, refuses, aborts and
answers every kind of status, the disk is full, the registry locked. Studies are sent twice, late,
torn, and with other bytes under a known UID. At the end all faults stop, and the sender's ledger is
compared with spool, registry and PACS: nothing may be lost, doubled or stuck.

The same SEED draws the same faults and studies; when they meet is up to the machine. Where the user
is root, the spool has a small disk of its own that is really full; elsewhere the listener is
started again with settings that ask for more room than there is.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.chaos.run import Tale, Weather, chaos

_FOLDER = Path(".cache/chaos")


def main() -> int:
    """Runs what the options say; 1 where anything was lost, doubled, stuck or left, or crashed."""
    options = _options()
    weather = Weather(options.seed, options.minutes * 60.0, options.pace, options.workers)
    folder = _FOLDER / f"seed{options.seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    commit = _commit()  # others may commit while it runs
    tale = _shown(folder, weather)
    _report(tale, commit)
    if not tale.sound:
        print(f"\nthe logs are in {folder}")
    return 0 if tale.sound else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m tests.chaos --minutes 2 --seed 7",
    )
    add = parser.add_argument
    add("--minutes", type=float, default=10.0, help="how long faults come (10); the calm follows")
    add("--seed", type=int, default=0, help="which faults and studies (0)")
    add("--pace", type=float, default=5.0, help="seconds from fault to fault in the mean (5)")
    add("--workers", type=int, default=2, help="worker processes, each for both queues (2)")
    return parser.parse_args()


def _shown(folder: Path, weather: Weather) -> Tale:
    columns = TextColumn("{task.description:6}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, TextColumn("{task.fields[seen]}")) as progress:
        task = progress.add_task("", total=weather.seconds, seen="")
        begun = time.monotonic()
        for tale in chaos(folder, weather):
            progress.update(
                task,
                description=tale.phase,
                completed=min(time.monotonic() - begun, weather.seconds),
                seen=_seen(tale),
            )
    return tale


def _seen(tale: Tale) -> str:
    studies = len(tale.sender.studies) if tale.sender else 0
    faults = tale.storm.begun.total() if tale.storm else 0
    states = ", ".join(f"{count} {state}" for state, count in sorted(tale.states.items()))
    return f"{faults} faults, {studies} studies: {states}"


def _report(tale: Tale, commit: str) -> None:
    assert tale.storm is not None
    assert tale.sender is not None
    assert tale.audit is not None
    studies, weather = tale.sender.studies, tale.weather
    minutes = f"{weather.seconds / 60:g} minutes, seed {weather.seed}, {weather.workers} workers"
    print(f"\n{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit}, {minutes}")
    print(f"settled in {tale.settled_s:.0f} s after the last fault")
    disk = "a tmpfs of its own" if tale.real_disk else "by the listener's settings"
    _table(f"faults (disk full: {disk})", tale.storm.begun)
    _table("killed itself at the step", tale.storm.died_at)
    _table("studies", Counter(str(study.manner) for study in studies))
    _table("the listener answered", tale.sender.answers)
    _table("the PACS answered", tale.pacs)
    _table("series ended", tale.states)
    _table("series of so many revisions", tale.revisions)
    images = sum(len(study.acknowledged) for study in studies)
    print(
        f"\n{len(studies)} series, {images} images acknowledged; the PACS holds "
        f"{tale.stored} objects, {tale.came_again} of which came again under the same UID"
    )
    print(f"{tale.retried} series had lost three workers and were tried again by command\n")
    for name, found in (*vars(tale.audit).items(), ("crashed", tale.crashes)):
        print(f"{len(found):4d} {name}")
        for line in found[:20]:
            print(f"       {line}")


def _table(title: str, counts: Mapping[object, int]) -> None:
    print(f"\n{title}:")
    table = Table(show_header=False, box=None)
    for what, count in sorted(counts.items(), key=lambda each: -each[1]):
        table.add_row(f"{count:6d}", str(what))
    Console().print(table)


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
