"""Whether the last benchmarks are worse than those on record: ``make bench-check``.

Ratios within one run are compared, not seconds: they travel from machine to machine. Those of
``.bench/*.json`` against those of ``tests/benchmarks/recorded.json``, each with its tolerance; a
benchmark that was not run is named and says nothing. Exit code 1 where a ratio is worse by more
than its tolerance, 2 where nothing was measured. ``--record`` puts the present ratios on record.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks import saved
from tests.benchmarks.big import MEMORY, PROCESSOR
from tests.benchmarks.many import grown
from tests.benchmarks.receive import BARS, by_run
from tests.benchmarks.turnround import DELIVERING, RECEIVING, over_dcmtk

RECORDED = Path(__file__).parent / "recorded.json"
TOLERANCE = 0.25
"""What a ratio may be worse by, where none is given here."""
LOOSE, TIGHT = 0.5, 0.1
"""For what the disk and the scheduler decide along; for memory, which no load changes."""

Found = Mapping[str, Any]


@dataclass(frozen=True)
class Ratio:
    """One figure of a benchmark over another of the same run.

    Parameters
    ----------
    name
        What it is, the benchmark first.
    value
        The ratio.
    better
        ``lower`` or ``higher``.
    tolerance
        What it may be worse by, as a share of what is on record.
    """

    name: str
    value: float
    better: str = "lower"
    tolerance: float = TOLERANCE

    def worse_by(self, recorded: float) -> float:
        """How much worse than on record, as a share of that; negative where it is better."""
        change = (self.value - recorded) / recorded
        return change if self.better == "lower" else -change


def ratios(benchmarks: Mapping[str, Found]) -> list[Ratio]:
    """Every ratio of what was measured, by the benchmarks' names."""
    known = {
        "receive": _receive,
        "turnround": _turnround,
        "big": _big,
        "many": _many,
        "pages": _pages,
    }
    return [
        ratio for name, of in known.items() if name in benchmarks for ratio in of(benchmarks[name])
    ]


def _receive(found: Found) -> Iterator[Ratio]:
    for name in BARS:
        if runs := by_run(found["every_run"], name):
            tolerance = TOLERANCE if name.endswith("over one") else LOOSE
            yield Ratio(f"receive: {name}", statistics.median(runs), "higher", tolerance)


def _turnround(found: Found) -> Iterator[Ratio]:
    runs, stick_s = found["runs"], found["yardstick_s"]
    whole_s = statistics.median(
        run["last image to maps in the PACS"] - run["grace and noticing"] for run in runs
    )
    yield Ratio("turnround: after the grace, over the yardstick", whole_s / stick_s, "lower", LOOSE)
    for stage in (RECEIVING, DELIVERING):
        over = over_dcmtk(runs, found["dcmtk"], stage)
        yield Ratio(f"turnround: {stage}, over DCMTK's", over, "lower", LOOSE)


def _big(found: Found) -> Iterator[Ratio]:
    sizes = sorted(found["sizes"], key=int)
    low, high = (_medians(found["sizes"][size]) for size in (sizes[0], sizes[-1]))
    if sizes[0] != sizes[-1]:
        per_image = [each[PROCESSOR] / each["images"] for each in (low, high)]
        name = f"big: processor time an image, {sizes[-1]} slices over {sizes[0]}"
        yield Ratio(name, per_image[1] / per_image[0])
    yield Ratio(f"big: memory with {sizes[-1]} slices [GiB]", high[MEMORY], "lower", TIGHT)


def _many(found: Found) -> Iterator[Ratio]:
    if stream := found.get("stream"):
        work = stream["processor_s_a_study"] / found["yardstick_s"]
        yield Ratio("many: processor time a study, over the yardstick", work, "lower", LOOSE)
    for database in ("SQLite", "PostgreSQL"):
        if database in found:
            # none on record, and a share of none is nothing: one is put before the count
            count = 1.0 + len(grown(found[database]))
            yield Ratio(f"many: 1 + calls that grow with {database}", count, "lower", TIGHT)


def _pages(found: Found) -> Iterator[Ratio]:
    for database in ("SQLite", "PostgreSQL"):
        if database in found:
            slowest_ms = max(each["processor_ms"] for each in found[database])
            name = f"pages: the slowest page's processor time over the yardstick, {database}"
            yield Ratio(name, slowest_ms / 1000 / found["yardstick_s"], "lower", LOOSE)


def _medians(runs: list[dict[str, Any]]) -> dict[str, float]:
    return {
        key: statistics.median(run[key] for run in runs) for key in (PROCESSOR, MEMORY, "images")
    }


def judged(found: list[Ratio], recorded: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """A line for each ratio, on record or measured; and the names of those that got worse."""
    lines, worse = [], []
    for ratio in found:
        if (before := recorded.get(ratio.name)) is None:
            lines.append(f"| {ratio.name} | {ratio.value:.3g} | | not on record |")
            continue
        by, may = ratio.worse_by(before), ratio.tolerance
        said = "worse" if by > may else "as it was" if by > -may else "better"
        change = f"{ratio.value / before - 1:+.0%}"
        lines.append(
            f"| {ratio.name} | {ratio.value:.3g} | {before:.3g} "
            f"| {said} ({change}, tolerance {may:.0%}) |"
        )
        if said == "worse":
            worse.append(ratio.name)
    measured = {ratio.name for ratio in found}
    lines += [
        f"| {name} | | {recorded[name]:.3g} | not measured |"
        for name in recorded
        if name not in measured
    ]
    return lines, worse


def main() -> int:
    """Print the comparison; 1 where something got worse, 2 where nothing was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="put these ratios on record")
    options = parser.parse_args()
    found = ratios(saved.kept())
    if not found:
        print("nothing was measured: run make bench first", file=sys.stderr)
        return 2
    recorded = json.loads(RECORDED.read_text())["ratios"] if RECORDED.exists() else {}
    if options.record:
        recorded |= {ratio.name: round(ratio.value, 4) for ratio in found}
        about = "python -m tests.benchmarks.check --record"
        text = json.dumps(
            {"about": about, "machine": saved.machine(), "ratios": recorded}, indent=1
        )
        RECORDED.write_text(text + "\n")
    lines, worse = judged(found, recorded)
    print("| ratio | now | on record | |\n|---|---|---|---|")
    print("\n".join(lines))
    for name in worse:
        print(f"worse than on record: {name}", file=sys.stderr)
    return int(bool(worse))


if __name__ == "__main__":
    sys.exit(main())
