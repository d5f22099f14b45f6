"""Mutated scans through the series room: ``python -m tests.fuzz``.

Each case is a small sound scan in one layout or transfer syntax with one to four mishaps; the same
``--seed`` gives the same cases. A run that was stopped goes on where it stopped. Nothing but a
Refusal or a NodeError may come out: anything else, a process that ends, hangs or asks for memory
that its bytes do not bear out is a crash, written to a file that ``--replay`` takes.

``--wire`` talks to a listener instead: broken conversations, after which it must still serve.
"""

import argparse
import importlib
import sys
from collections import Counter
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

_FOLDER = Path(".cache/fuzz")


def main() -> int:
    """Runs what the options say; 1 where anything crashed."""
    options = _options()
    if options.atheris:
        guided = importlib.import_module("tests.fuzz.guided")  # before it, nothing of the node
        return int(guided.fuzz(_FOLDER, options.minutes))
    if options.replay:
        print(importlib.import_module("tests.fuzz.runner").replay(options.replay))
        return 0
    if options.wire:
        return _talked(options.cases, options.seed, options.start)
    return _counted(options.cases, options.seed, fresh=options.fresh)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fresh", action="store_true", help="forget an earlier run of this seed")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="walk one crash again")
    parser.add_argument("--wire", action="store_true", help="the listener's socket instead")
    parser.add_argument("--start", type=int, default=0, help="the first conversation's number")
    parser.add_argument("--atheris", action="store_true", help="guided by coverage instead")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long --atheris runs")
    return parser.parse_args()


def _talked(cases: int, seed: int, start: int) -> int:
    wire = importlib.import_module("tests.fuzz.wire")
    with Progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("", total=cases)
        for heard in wire.fuzz_wire(cases, seed, start):
            progress.update(task, completed=heard.conversations)
    print(f"{heard.conversations} conversations of seed {seed}, from number {start}")
    _print("how they ended", heard.endings)
    for name, use in (("first", heard.uses[0]), ("last", heard.uses[-1]), ("rest", heard.at_rest)):
        print(f"{name}: {use.threads} threads, {use.descriptors} fds, {use.memory_mib:.0f} MiB")
    return 0


def _counted(cases: int, seed: int, *, fresh: bool) -> int:
    runner = importlib.import_module("tests.fuzz.runner")
    kept = _FOLDER / f"seed{seed}.json"
    tally = runner.Tally() if fresh else runner.Tally.of(kept)
    columns = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), "{task.fields[bad]}"
    with Progress(*columns) as progress:
        task = progress.add_task("", total=cases, completed=tally.following, bad="")
        try:
            for _ in runner.run(tally, cases, seed, _FOLDER / "crashes"):
                bad = f"{tally.verdicts[runner.CRASH]} crashes"
                progress.update(task, completed=tally.following, bad=bad)
                if tally.following % 500 == 0:
                    tally.write(kept)
        finally:
            tally.write(kept)
    print(f"{tally.following} cases of seed {seed}, {tally.mutated} files mutated")
    _print("the case ended", tally.verdicts)
    _print("files not let in", tally.faults)
    _print("crashes", tally.crashes)
    return 1 if tally.crashes else 0


def _print(title: str, counts: Counter[str]) -> None:
    print(f"\n{title}:")
    for what, count in counts.most_common():
        print(f"{count:9d}  {what}")


if __name__ == "__main__":
    sys.exit(main())
