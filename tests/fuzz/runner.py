"""Cases by the thousand in a process of their own, watched from outside.

A decoder written in C can end or hang the process that called it; a case that does so is a crash
like any other, so the cases run in a child and the parent counts, watches and begins anew.
"""

import json
import multiprocessing
import os
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from tests.fuzz.cases import case, numbered
from tests.fuzz.harness import SLOWEST_S, Bench, Outcome, little_memory, quick_folder
from tests.support.processes import processor_s

CRASH = "crash"
_HANGS_AFTER_S = 3 * SLOWEST_S  # of processor time
_STANDS_STILL_AFTER_S = 900.0  # of any time: threads that wait for one another use none
_BEGINS_WITHIN_S = 900.0
_MOST_OF_A_KIND = 10  # crashes that are written: of a process that ended little is known
_ROOT = Path(__file__).parents[2]


@dataclass
class Tally:
    """What became of the cases so far; ``crashes`` counts each kind, by its signature."""

    following: int = 0
    mutated: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, path: Path) -> "Tally":
        """As an earlier run left it; a new one where there is none."""
        if not path.exists():
            return cls()
        told = json.loads(path.read_text())
        counters = (Counter(told[name]) for name in ("verdicts", "faults", "crashes"))
        return cls(told["following"], told["mutated"], *counters)

    def write(self, path: Path) -> None:
        """Keeps it for a run that goes on from here."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.__dict__, indent=1))


def run(tally: Tally, cases: int, seed_number: int, folder: Path) -> Iterator[Tally]:
    """The tally as it grows, up to so many cases; crashes are written to ``folder``."""
    while tally.following < cases:
        for number, outcome, words in _told(seed_number, tally.following, cases):
            tally.following = number + 1
            tally.mutated += outcome.mutated
            tally.verdicts[outcome.verdict] += 1
            tally.faults.update(outcome.faults)
            if outcome.verdict == CRASH:
                signature = words.strip().splitlines()[-1][:160]
                tally.crashes[signature] += 1
                if tally.crashes[signature] <= _MOST_OF_A_KIND:
                    write_crash(folder, seed_number, number, words)
            yield tally


_Told = tuple[int, Outcome, str]


def _told(seed_number: int, first: int, cases: int) -> Iterator[_Told]:
    """What a child tells of each case; the last one is a crash if the child died or hung in it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(theirs, seed_number, first, cases), daemon=True)
    child.start()
    theirs.close()
    following = first
    try:
        if not ours.poll(_BEGINS_WITHIN_S) or ours.recv() is not None:
            raise RuntimeError("the fuzzer itself does not begin")
        while following < cases:
            if not answers(ours, child.pid or 0):
                yield following, Outcome(CRASH), "the process hangs"
                return
            told = ours.recv()
            following = told[0] + 1
            yield told
    except EOFError:
        child.join()
        if child.exitcode == 1:
            raise RuntimeError("the fuzzer itself failed; see above") from None
        yield following, Outcome(CRASH), f"the process ended with exit code {child.exitcode}"
    finally:
        child.kill()
        child.join()


def _work(pipe: Connection, seed_number: int, first: int, cases: int) -> None:
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(dir=quick_folder()) as folder:
        bench = Bench.of_seeds(Path(folder))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # decoders complain of every stream
        pipe.send(None)  # ready
        with little_memory():
            for number in range(first, cases):
                outcome, words = told_of(
                    lambda n=number: bench.walk(case(numbered(seed_number, n)))
                )
                pipe.send((number, outcome, words))


def answers(pipe: Connection, pid: int) -> bool:
    """Whether a process says something before it hangs, by its own time, or stands still."""
    used_s, began_s = processor_s(pid), time.monotonic()
    while not pipe.poll(1.0):
        if processor_s(pid) - used_s > _HANGS_AFTER_S:
            return False
        if time.monotonic() - began_s > _STANDS_STILL_AFTER_S:
            return False
    return True


def told_of(walk: Callable[..., Outcome]) -> tuple[Outcome, str]:
    """The outcome of a case, and what to say of it where it is a crash."""
    try:
        return walk(), ""
    except Exception as crash:  # noqa: BLE001 - anything at all is what the fuzzer looks for
        return Outcome(CRASH), "".join(traceback.format_exception(crash)) + _signature(crash)


def _signature(crash: Exception) -> str:
    """The crash in a line: what was raised, and where in the node."""
    frames = traceback.extract_tb(crash.__traceback__)
    own = [f for f in frames if Path(f.filename).is_relative_to(_ROOT / "node")] or frames
    where = f"{Path(own[-1].filename).name}:{own[-1].lineno} {own[-1].name}"
    return f"{type(crash).__name__} in {where}: {str(crash).splitlines()[:1]}"


def write_crash(folder: Path, seed_number: int, number: int, words: str) -> Path:
    """A case as one file that ``--replay`` takes: what arrived, and what happened."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed{seed_number}-case{number}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("what.txt", words)
        for n, file in enumerate(case(numbered(seed_number, number))):
            archive.writestr(f"{n:03d}.dcm", file)
    return path


def replay(path: Path) -> Outcome:
    """The outcome of a case that was written; a crash is raised."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".dcm"))
        files: Sequence[bytes] = [archive.read(name) for name in names]
    with tempfile.TemporaryDirectory() as folder, little_memory():
        return Bench(Path(folder)).walk(files)
