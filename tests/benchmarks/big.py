"""One large scan through the whole node: time against size, memory, and who waits beside it.

``make bench-big`` runs it: 40, 80, 160 and 320 slices of 0.5 mm x 25 time points x 512 x 512 (the
last of them 8,000 images, 4 GB), each to a fresh ``perfusion-node up`` from DCMTK's storescu, with
DCMTK's storescp as the PACS. The scans are one simulated scan of 32 slices of 5 mm, interpolated
along the head's axis, with noise. A small study (8 slices of 5 mm, 200 images) is sent while the
large one is received, and another while it is analysed. Memory is that of all the node's processes
together (PSS, from /proc). Needs 13 GB of disk. Prints a Markdown table and one line of JSON; exit
code 1 where memory is over the bar.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pydicom

from tests.benchmarks import saved
from tests.benchmarks.memory import Memory
from tests.benchmarks.whole_node import WholeNode, stages, turn_round_s, whole_node
from tests.support.namespace import enter_a_namespace
from tests.support.tall import THIN_MM, simulated, write_tall

FRAMES = 25
BAR_GIB = 4.0
SMALL_SLICES = 8
_SMALL_ONES = ("warming", "alone", "while it is received", "while it is analysed")
MEMORY = "memory of all processes [GiB]"
PROCESSOR = "processor time of the node [s]"
WHOLE = "first image to maps in the PACS"


def main() -> int:
    """Print the table; 1 where memory is over the bar."""
    options = _options()
    enter_a_namespace("tests.benchmarks.big")
    with tempfile.TemporaryDirectory(prefix="bench-big-") as name:
        scans = options.scans or Path(name) / "scans"
        small = _prepared(scans, options.slices)
        found = {} if not options.add else dict(saved.kept().get(options.name, {}).get("sizes", {}))
        for slices in options.slices if not options.prepare else ():
            for _ in range(options.runs):
                extra = f"[analysis]\nmax_slice_mm = {options.max_slice_mm}\n"
                run = _one_run(Path(name) / "node", scans / str(slices), small, extra)
                found[str(slices)] = [*found.get(str(slices), []), run]
                print(f"{slices} slices: {run}", file=sys.stderr)
            if not options.scans:
                shutil.rmtree(scans / str(slices))
    if options.prepare:
        return 0
    found = {size: found[size] for size in sorted(found, key=int)}
    _report(found)
    saved.keep(
        options.name,
        {"frames": FRAMES, "max_slice_mm": options.max_slice_mm, "sizes": found},
    )
    return int(max(run[MEMORY] for runs in found.values() for run in runs) > BAR_GIB)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, nargs="+", default=[40, 80, 160, 320])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--max-slice-mm", type=float, default=5.0, help="analysis.max_slice_mm")
    parser.add_argument("--scans", type=Path, help="where scans are kept for the next time")
    parser.add_argument("--prepare", action="store_true", help="make the scans, and no more")
    parser.add_argument("--add", action="store_true", help="to the runs that .bench/NAME.json has")
    parser.add_argument("--name", default="big", help="of the file in .bench")
    return parser.parse_args()


def _prepared(scans: Path, sizes: Sequence[int]) -> dict[str, Path]:
    """The small studies by name; the large scans lie beside them, each made once."""
    small = {name: scans / name.replace(" ", "-") for name in _SMALL_ONES}
    wanted = {scans / str(slices): (slices, THIN_MM) for slices in sizes}
    missing = [each for each in (*small.values(), *wanted) if not each.exists()]
    if missing:
        scan = simulated(scans / "thick", frames=FRAMES)
        thick = (SMALL_SLICES, scan.thick_mm)
        for each in missing:
            slices, thin_mm = wanted.get(each, thick)
            write_tall(scan, each, slices, thin_mm=thin_mm)
        shutil.rmtree(scans / "thick")
    return small


def _one_run(place: Path, scan: Path, small: dict[str, Path], extra: str) -> dict[str, Any]:
    """What one large scan cost a fresh node, and a small study beside it."""
    try:
        with whole_node(place, extra) as node:
            waited = {}
            for name in _SMALL_ONES[:2]:
                node.send(small[name])
                waited[name] = turn_round_s(node.wait(_uid(small[name])))
            found = _pushed(node, scan, small)
            found["small study"]["alone"] = waited["alone"]
            return found
    finally:
        shutil.rmtree(place)


def _pushed(node: WholeNode, scan: Path, small: dict[str, Path]) -> dict[str, Any]:
    uid, images = _uid(scan), sum(1 for _ in scan.iterdir())
    spent_s = node.spent_s()
    with Memory(node.pid) as memory:
        began = time.monotonic()
        sender = node.sender(scan)
        while sender.poll() is None and node.series(uid).get("instances", 0) < images // 2:
            time.sleep(0.05)
        node.send(small[_SMALL_ONES[2]])
        if sender.wait():
            raise SystemExit("storescu failed")
        sent_s = time.monotonic() - began
        node.wait(uid, "ANALYSING", "READY", "DELIVERING", "DELIVERED", "REFUSED", "FAILED")
        node.send(small[_SMALL_ONES[3]])
        record = node.wait(uid)
        beside = {name: node.wait(_uid(small[name])) for name in _SMALL_ONES[2:]}
    took = stages(record)
    return {
        "images": images,
        "objects": len(record["results"]),
        "stages_s": took,
        "sending_s": sent_s,
        WHOLE: took["receiving"] + took["last image to maps in the PACS"],
        PROCESSOR: node.spent_s() - spent_s,
        MEMORY: memory.most_gib,
        "memory_of_parts_gib": memory.of_part,
        "small study": {name: turn_round_s(each) for name, each in beside.items()},
    }


def _uid(folder: Path) -> str:
    first = next(iter(sorted(folder.iterdir())))
    return str(pydicom.dcmread(first, stop_before_pixels=True).SeriesInstanceUID)


def _report(found: dict[str, list[dict[str, Any]]]) -> None:
    runs = {len(rows) for rows in found.values()}
    print(f"{min(runs)} runs of each or more, medians (range); {saved.machine()}\n")
    heads = [f"{slices} slices, {rows[0]['images']} images" for slices, rows in found.items()]
    print(f"| | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}")
    first = next(iter(found.values()))[0]

    def line(name: str, *path: str) -> None:
        values = [[_at(run, path) for run in rows] for rows in found.values()]
        print(f"| {name} | {' | '.join(_cell(each) for each in values)} |")

    line("objects sent back", "objects")
    for stage in first["stages_s"]:
        line(f"{stage} [s]", "stages_s", stage)
    line(f"{WHOLE} [s]", WHOLE)
    line(PROCESSOR, PROCESSOR)
    line(MEMORY, MEMORY)
    for part in sorted(first["memory_of_parts_gib"]):
        line(f"most of {part} [GiB]", "memory_of_parts_gib", part)
    for name in ("alone", *_SMALL_ONES[2:]):
        line(f"a small study {name}: last image to maps [s]", "small study", name)
    per_image = [
        f"{1000 * statistics.median(run[WHOLE] for run in rows) / rows[0]['images']:.2f}"
        for rows in found.values()
    ]
    print(f"| {WHOLE}, per image [ms] | {' | '.join(per_image)} |")


def _at(run: dict[str, Any], path: tuple[str, ...]) -> float:
    value: Any = run
    for key in path:
        value = value.get(key, 0.0)
    return float(value)


def _cell(values: list[float]) -> str:
    middle = statistics.median(values)
    digits = 0 if all(value == int(value) for value in values) else 2
    if len(values) == 1 or min(values) == max(values):
        return f"{middle:.{digits}f}"
    return f"{middle:.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


if __name__ == "__main__":
    sys.exit(main())
