"""Many studies: how many an hour the whole node serves, and what a long queue costs.

``make bench-many`` runs it. First several senders push scans of 16 slices x 30 time points x
512 x 512 into one ``perfusion-node up``, each the next one once its last is in the PACS; studies an
hour are counted from the first to the last delivery. Then a registry of 0 to 100,000 series that
have ended serves a few that go their whole way, and every call is timed, on SQLite and PostgreSQL.
Prints Markdown tables and one line of JSON; exit code 1 where a call of the sweep, the intake or a
step takes more than a bar longer in the fullest registry than in an empty one.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.benchmarks import saved
from tests.benchmarks.queue_cost import Costs, costs
from tests.benchmarks.whole_node import stages, whole_node
from tests.support.namespace import enter_a_namespace
from tests.support.postgres import postgres_server
from tests.support.tall import ThickScan, simulated, write_tall

SLICES, FRAMES = 16, 30
PARTS = STREAM, SQLITE, POSTGRESQL = "stream", "SQLite", "PostgreSQL"
BAR_MS = 5.0
"""What a call may take longer than twice its time in an empty registry [ms]."""


def main() -> int:
    """Print the tables; 1 where a call grows with the registry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=4, help="of each sender")
    parser.add_argument("--senders", type=int, default=3)
    parser.add_argument("--series", type=int, nargs="+", default=[0, 1_000, 10_000, 100_000])
    parser.add_argument("--lives", type=int, default=10, help="series that go the whole way")
    parser.add_argument("--scan", type=Path, help="a simulated scan of the stream, made before")
    parser.add_argument("--only", choices=PARTS, help="the others stay as they were")
    options = parser.parse_args()
    enter_a_namespace("tests.benchmarks.many")
    known = saved.kept().get("many", {}) if options.only else {}
    found: dict[str, Any] = {part: known[part] for part in PARTS if part in known}
    with tempfile.TemporaryDirectory(prefix="bench-many-") as name:
        folder = Path(name)
        if options.only in (None, STREAM):
            scan = simulated(options.scan or folder / "thick", frames=FRAMES, slices=SLICES)
            found[STREAM] = stream(scan, folder, options.senders, options.studies)
            report_stream(found[STREAM])
        if options.only in (None, SQLITE):
            urls = iter(f"sqlite:///{folder}/{count}.sqlite" for count in options.series)
            found[SQLITE] = queue(SQLITE, urls, folder, options)
        if options.only in (None, POSTGRESQL):
            with postgres_server() as new_database:
                urls = iter(new_database, "")
                found[POSTGRESQL] = queue(POSTGRESQL, urls, folder, options)
    saved.keep("many", found)
    queues = [found[part] for part in PARTS[1:] if part in found]
    slower = [call for each in queues for call in grown(each)]
    for each in slower:
        print(f"grows with the registry: {each}", file=sys.stderr)
    return int(bool(slower))


def stream(scan: ThickScan, folder: Path, senders: int, studies: int) -> dict[str, Any]:
    """Studies an hour of senders that each push the next scan once the last is in the PACS."""
    uids: dict[Path, str] = {}
    for number in range(senders * studies + 1):
        out = folder / f"scan-{number}"
        uids[out] = write_tall(scan, out, SLICES, thin_mm=scan.thick_mm)
    first, *others = uids
    records: list[dict[str, Any]] = []
    with whole_node(folder / "node") as node:
        node.send(first)
        node.wait(uids[first])  # warms the worker, and is not counted
        spent_s = node.spent_s()
        began = time.monotonic()

        def one_sender(scans: list[Path]) -> None:
            for each in scans:
                node.send(each)
                records.append(node.wait(uids[each]))

        threads = [
            threading.Thread(target=one_sender, args=(others[n::senders],), daemon=True)
            for n in range(senders)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took_s = time.monotonic() - began
        spent_s = node.spent_s() - spent_s
    if len(records) < senders * studies:
        raise SystemExit("a sender failed")
    ended = sorted(record["delivered_at"] for record in records)
    steady_s = _seconds(ended[0], ended[-1])
    return {
        "studies": len(records),
        "senders": senders,
        "images": SLICES * FRAMES,
        "took_s": took_s,
        "studies_an_hour": 3600 * (len(records) - 1) / steady_s,
        "processor_s_a_study": spent_s / len(records),
        "stages_s": {
            stage: statistics.median(stages(record)[stage] for record in records)
            for stage in stages(records[0])
        },
    }


def report_stream(found: dict[str, Any]) -> None:
    print(
        f"{found['studies']} studies of {found['images']} images of 512 x 512 from "
        f"{found['senders']} senders; {saved.machine()}; GPU: not measured\n"
    )
    print("| | |\n|---|---|")
    print(f"| studies an hour | {found['studies_an_hour']:.0f} |")
    print(f"| processor time of the node a study [s] | {found['processor_s_a_study']:.1f} |")
    for stage, seconds in found["stages_s"].items():
        print(f"| {stage}, median [s] | {seconds:.2f} |")


def queue(
    database: str, urls: Iterator[str], folder: Path, options: argparse.Namespace
) -> dict[str, Costs]:
    """What each call costs by the number of series, each in a database of its own; printed."""
    found = {
        str(count): costs(next(urls), folder, count, options.lives) for count in options.series
    }
    _report_queue(database, found)
    return found


def _report_queue(database: str, found: dict[str, Costs]) -> None:
    print(f"\n{database}: median (least; processor time of the caller) [ms]\n")
    heads = [f"{int(count):,} series" for count in found]
    print(f"| call | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}")
    for call in next(iter(found.values())):
        cells = [
            f"{c['median_ms']:.1f} ({c['least_ms']:.1f}; {c['processor_ms']:.1f})"
            for c in (costs_of[call] for costs_of in found.values())
        ]
        print(f"| {call} | {' | '.join(cells)} |")


def grown(found: dict[str, Costs]) -> list[str]:
    """The calls that take more than twice as long, and :data:`BAR_MS`, as in the emptiest.

    Least times are compared: whoever else works on the machine makes the others longer.
    """
    counts = sorted(found, key=int)
    first, last = found[counts[0]], found[counts[-1]]
    return [
        f"{call}: {first[call]['least_ms']:.1f} ms, {last[call]['least_ms']:.1f} ms"
        f" with {int(counts[-1]):,} series"
        for call in first
        if last[call]["least_ms"] > 2 * first[call]["least_ms"] + BAR_MS
    ]


def _seconds(first: str, last: str) -> float:
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


if __name__ == "__main__":
    sys.exit(main())
