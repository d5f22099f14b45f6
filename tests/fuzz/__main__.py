"""Mutated scans through the series room: ``python -m tests.fuzz``.

Each case is a small sound scan in one layout or transfer syntax with one to four mishaps; the same
``--seed`` gives the same cases. A run that was stopped goes on where it stopped. Nothing but a
Refusal or a NodeError may come out: anything else, a process that ends, hangs or asks for memory
that its bytes do not bear out is a crash, written to a file that ``--replay`` takes.

``--wire`` talks to listeners instead: broken conversations, requests, messages and data sets by the
thousand, after which each must still serve, hold no more than before, and have kept its word.
"""

import argparse
import importlib
import pickle
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
        return _talked(options.cases, options.seed, options.start, fresh=options.fresh)
    return _counted(options.cases, options.seed, fresh=options.fresh)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fresh", action="store_true", help="forget an earlier run of this seed")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="walk one crash again")
    parser.add_argument("--wire", action="store_true", help="the listener's socket instead")
    parser.add_argument("--start", type=int, help="with --wire: from this number on, on its own")
    parser.add_argument("--atheris", action="store_true", help="guided by coverage instead")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long --atheris runs")
    return parser.parse_args()


def _talked(cases: int, seed: int, start: int | None, *, fresh: bool) -> int:
    wire = importlib.import_module("tests.fuzz.wire")
    kept = _FOLDER / f"wire-seed{seed}.pickle"
    apart = start is not None
    heard = wire.Heard(start or 0)
    if not (apart or fresh) and kept.exists():
        heard = pickle.loads(kept.read_bytes())  # noqa: S301 - our own, from an earlier run
    with Progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("", total=cases, completed=heard.following)
        for _ in wire.fuzz_wire(heard, heard.following + cases if apart else cases, seed):
            progress.update(task, completed=heard.following)
            if not apart:
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(pickle.dumps(heard))
    print(f"{heard.inputs} inputs of seed {seed} to {len(heard.laps)} listeners")
    _print("how they ended", heard.endings)
    for title, uses in zip(("middle", "end"), zip(*heard.laps, strict=True), strict=True):
        memory = [use.memory_mib for use in uses]
        print(
            f"at rest at the {title}: {max(use.threads for use in uses)} threads and "
            f"{max(use.descriptors for use in uses)} descriptors at most, "
            f"{min(memory):.0f} to {max(memory):.0f} MiB"
        )
    print(f"at its peak a listener held {heard.peak_mib:.0f} MiB")
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
