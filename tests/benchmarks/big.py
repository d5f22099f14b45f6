"""One large scan through the whole node: time against size, memory, and who waits beside it.

``make bench-big`` runs it: 40, 80, 160 and 320 slices of 0.5 mm x 25 time points x 512 x 512 (the
last of them 8,000 images, 4 GB), each to a fresh ``perfusion-node up`` from DCMTK's storescu, with
DCMTK's storescp as the PACS. The scans are one simulated scan of 32 slices of 5 mm, interpolated
along the head's axis, with noise. A small study (8 slices of 5 mm, 200 images) is sent while the
large one is received, and another while it is analysed. Memory is that of all the node's processes
together (PSS, from /proc). Needs 12 GB of disk. Prints a Markdown table and one line of JSON; exit
code 1 where memory is over the bar.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pydicom

from tests.benchmarks import saved
from tests.benchmarks.memory import Memory
from tests.benchmarks.whole_node import WholeNode, stages, turn_round_s, whole_node
from tests.support.namespace import enter_a_namespace
from tests.support.processes import descendants, processor_s
from tests.support.tall import ThickScan, simulated, write_tall

FRAMES = 25
BAR_GIB = 4.0
SMALL_SLICES = 8
_SMALL_ONES = ("warming", "alone", "while it is received", "while it is analysed")
MEMORY = "memory of all processes [GiB]"
PROCESSOR = "processor time of the node [s]"
WHOLE = "first image to maps in the PACS"


def main() -> int:
    """Print the tables; 1 where memory is over the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, nargs="+", default=[40, 80, 160, 320])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--max-slice-mm", type=float, default=5.0, help="analysis.max_slice_mm")
    parser.add_argument("--name", default="big", help="of the file in .bench")
    options = parser.parse_args()
    enter_a_namespace("tests.benchmarks.big")
    found: dict[int, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-big-") as name:
        folder = Path(name)
        scan = simulated(folder / "thick", frames=FRAMES)
        small = _small_studies(scan, folder / "small")
        for slices in options.slices:
            write_tall(scan, folder / "scan", slices)
            for _ in range(options.runs):
                extra = f"[analysis]\nmax_slice_mm = {options.max_slice_mm}\n"
                found.setdefault(slices, []).append(_one_run(folder, small, extra))
                print(f"{slices} slices: {found[slices][-1]}", file=sys.stderr)
            shutil.rmtree(folder / "scan")
    _report(found, options.runs)
    saved.keep(
        options.name,
        {
            "frames": FRAMES,
            "runs": options.runs,
            "max_slice_mm": options.max_slice_mm,
            "sizes": {str(slices): runs for slices, runs in found.items()},
        },
    )
    return int(max(run[MEMORY] for runs in found.values() for run in runs) > BAR_GIB)


def _small_studies(scan: ThickScan, folder: Path) -> dict[str, Path]:
    """A study for each of the moments at which one is sent, by its name."""
    studies = {name: folder / name.replace(" ", "-") for name in _SMALL_ONES}
    for out in studies.values():
        write_tall(scan, out, SMALL_SLICES, thin_mm=scan.thick_mm)
    return studies


def _one_run(folder: Path, small: dict[str, Path], extra: str) -> dict[str, Any]:
    """What one large scan cost a fresh node, and a small study beside it."""
    scan, place = folder / "scan", folder / "node"
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
    spent_s = _spent_s(node)
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
        PROCESSOR: _spent_s(node) - spent_s,
        MEMORY: memory.most_gib,
        "memory_of_parts_gib": memory.of_part,
        "small study": {name: turn_round_s(each) for name, each in beside.items()},
    }


def _uid(folder: Path) -> str:
    first = next(iter(sorted(folder.iterdir())))
    return str(pydicom.dcmread(first, stop_before_pixels=True).SeriesInstanceUID)


def _spent_s(node: WholeNode) -> float:
    """Processor time of every process of the node, small studies included [s]."""
    return sum(processor_s(pid) for pid in (node.pid, *descendants(node.pid)))


def _report(found: dict[int, list[dict[str, Any]]], runs: int) -> None:
    print(f"{runs} runs of each, medians (range); {saved.machine()}\n")
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
