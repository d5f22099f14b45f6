"""Images per second taken in: this node against DCMTK's storescp and Orthanc, in one run.

``make bench-receive`` runs it: DCMTK's storescu sends 480 CT images of 512 x 512 to each receiver
in turn, every receiver fresh each time: over one association, over four at once, in PDUs of
16 KiB, and compressed. All of it runs in a network namespace of its own, because storescp and
Orthanc listen on every address. The node answers success once file and folder are synchronised
and the row is committed; storescp and Orthanc synchronise nothing. What was received is kept until
all is measured (3 GB a run of all cases): ext4 looks at every file deleted in the last minutes
whenever it makes one, so that whoever comes after a deletion would pay for it. Nor does anybody
pay for what another has left to be written. Prints a Markdown table and one line of JSON.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from pydicom.uid import JPEGLSLossless, generate_uid

from node.scp import read_vitals
from tests.benchmarks import saved
from tests.support.ctp import CtpSpec, build_instance
from tests.support.namespace import enter_a_namespace
from tests.support.peers import require
from tests.support.running_node import free_port, wait_for

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
# DCMTK, and Orthanc with it, otherwise waits 40 ms an image for a delayed ACK (Nagle's
# algorithm), as a sender and as a receiver alike.
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}

Command = Callable[[Path, int], list[str]]
Rates = dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class Case:
    """How images are sent: over so many associations at once, with further options of storescu."""

    title: str
    associations: int = 1
    options: tuple[str, ...] = ()
    compressed: bool = False


CASES = {
    "1": Case("1 association"),
    "4": Case("4 associations", associations=4),
    "16k": Case("1, PDU 16 KiB", options=("--max-send-pdu", "16384")),
    "jpegls": Case("1, JPEG-LS", options=("-xt",), compressed=True),
}
NODE, NODES = "Perfusion Node", "Perfusion Node, 2 processes"
STORESCP, ORTHANC = "DCMTK storescp", "Orthanc"
BARS = {
    "one association over storescp's": (NODE, "1", STORESCP, "1", 1.0),
    "one association over Orthanc's": (NODE, "1", ORTHANC, "1", 2.0),
    "PDUs of 16 KiB over storescp's": (NODE, "16k", STORESCP, "16k", 1.0),
    "PDUs of 16 KiB over Orthanc's": (NODE, "16k", ORTHANC, "16k", 2.0),
    "JPEG-LS over storescp's": (NODE, "jpegls", STORESCP, "jpegls", 1.0),
    "JPEG-LS over Orthanc's": (NODE, "jpegls", ORTHANC, "jpegls", 2.0),
    "4 associations over one": (NODE, "4", NODE, "1", 1.5),
    "4 associations with 2 processes over one": (NODES, "4", NODE, "1", 1.5),
}
"""Rates over rates, and what they are to be at least (DESIGN section 9)."""


def main() -> None:
    options = _options()
    enter_a_namespace("tests.benchmarks.receive")
    receivers = {
        STORESCP: storescp,
        ORTHANC: orthanc,
        NODE: perfusion_node,
        NODES: partial(perfusion_node, processes=2),
    }
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        report(options, measured(options, receivers, Path(folder)))


def measured(options: argparse.Namespace, receivers: dict[str, Command], folder: Path) -> Rates:
    """Images per second of each receiver, by case; receivers take turns."""
    plain = write_images(folder / "images", options.images)
    files = {False: plain, True: compressed(plain, folder / "compressed")}
    require_room(folder, options.runs, [files[CASES[key].compressed] for key in options.cases])
    rates: Rates = {name: {} for name in receivers}
    for run in range(options.runs):
        for key in options.cases:
            case = CASES[key]
            for number, (name, command) in enumerate(receivers.items()):
                if name == NODES and case.associations == 1:
                    continue  # one association is one process's
                own = folder / f"{run}-{key}-{number}"
                os.sync()
                with receiving(command, own, 2 if name == NODES else 0) as port:
                    seconds = send(files[case.compressed], port, case)
                rates[name].setdefault(key, []).append(options.images / seconds)
                print(f"{name}, {case.title}: {options.images / seconds:.0f}/s", file=sys.stderr)
    return rates


def require_room(folder: Path, runs: int, sent: Sequence[Sequence[Path]]) -> None:
    """Ends the benchmark where what four receivers take in each case would not fit."""
    need = runs * 4 * sum(path.stat().st_size for files in sent for path in files)
    free = shutil.disk_usage(folder).free
    if free < need:
        found = f"{need / 1e9:.0f} GB are kept until the end, {free / 1e9:.0f} GB are free"
        raise SystemExit(f"{found} in {folder}: name another --folder, or fewer --runs")


def write_images(folder: Path, count: int) -> list[Path]:
    """CT images of 512 x 512, noise in every pixel, each an instance of one series."""
    folder.mkdir(parents=True)
    image = build_instance(CtpSpec(rows=512, pixel_mm=0.45), 0, 0)
    pixels = np.random.default_rng(1).integers(0, 4096, (512, 512), dtype="<u2")
    paths = []
    for number in range(count):
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        image.InstanceNumber = number + 1
        image.PixelData = np.roll(pixels, number).tobytes()
        paths.append(folder / f"{number:04d}.dcm")
        image.save_as(paths[-1], enforce_file_format=True)
    return paths


def compressed(files: Sequence[Path], folder: Path) -> list[Path]:
    """As many images of a head with noise, in JPEG-LS."""
    folder.mkdir()
    image = build_instance(CtpSpec(rows=512, pixel_mm=0.45), 0, 0)
    noise = np.random.default_rng(1).normal(0.0, 8.0, (512, 512))
    image.PixelData = (image.pixel_array + noise).astype("<i2").tobytes()
    image.compress(JPEGLSLossless, generate_instance_uid=False)
    paths = []
    for number, _ in enumerate(files):
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        image.InstanceNumber = number + 1
        paths.append(folder / f"{number:04d}.dcm")
        image.save_as(paths[-1], enforce_file_format=True)
    return paths


def send(files: Sequence[Path], port: int, case: Case) -> float:
    """Seconds until every image was answered, by one storescu for each association."""
    program = require("storescu", package="dcmtk")
    command = [program, *case.options, "-aec", "PERFUSION", "127.0.0.1", str(port)]
    started = time.perf_counter()
    senders = [
        subprocess.Popen([*command, *map(str, files[n :: case.associations])], env=ENVIRONMENT)
        for n in range(case.associations)
    ]
    failed = [sender.wait() for sender in senders]
    if any(failed):
        raise SystemExit(f"storescu failed: {failed}")
    return time.perf_counter() - started


@contextmanager
def receiving(command: Command, folder: Path, processes: int = 0) -> Iterator[int]:
    """The port of a receiver that answers C-ECHO and has nothing stored yet.

    ``processes``: how many of the node's listen then.
    """
    folder.mkdir()
    port = free_port()
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            command(folder, port), cwd=ROOT, env=ENVIRONMENT, stdout=log, stderr=log
        )
    try:
        wait_for_echo(port, folder / "log")
        wait_for(lambda: len(read_vitals(folder / "data")) >= processes, "all listen", PATIENCE_S)
        yield port
    finally:
        child.send_signal(signal.SIGINT if child.args[0] == sys.executable else signal.SIGTERM)
        child.wait(PATIENCE_S)


def wait_for_echo(port: int, log: Path) -> None:
    echo = [require("echoscu", package="dcmtk"), "-aec", "PERFUSION", "127.0.0.1", str(port)]
    deadline = time.monotonic() + PATIENCE_S
    while subprocess.run(echo, check=False, capture_output=True).returncode:
        if time.monotonic() > deadline:
            raise SystemExit(f"the receiver does not answer:\n{log.read_text(errors='replace')}")
        time.sleep(0.1)


def storescp(folder: Path, port: int) -> list[str]:
    program = require("storescp", package="dcmtk")
    return [program, "--fork", "+xa", "-pdu", "131072", "-od", str(folder), str(port)]


def orthanc(folder: Path, port: int) -> list[str]:
    settings = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "DicomAet": "PERFUSION",
        "DicomPort": port,
        "HttpServerEnabled": False,
        "Plugins": [],
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    return [require("Orthanc", package="orthanc"), str(folder / "orthanc.json")]


def perfusion_node(folder: Path, port: int, processes: int = 1) -> list[str]:
    config = folder / "node.toml"
    config.write_text(
        f'data_dir = "{folder}/data"\n[spool]\nmin_free_gib = 0.0\n'
        f"[scp]\nport = {port}\nprocesses = {processes}\n"
    )
    return [sys.executable, "-m", "node.cli", "scp", "-c", str(config)]


def report(options: argparse.Namespace, rates: Rates) -> None:
    medians = {
        name: {key: statistics.median(values) for key, values in by_case.items()}
        for name, by_case in rates.items()
    }
    heads = [f"{CASES[key].title} [images/s]" for key in options.cases]
    print(f"| receiver | {' | '.join(heads)} | durable |")
    print("|---|" + "---|" * (len(heads) + 1))
    for name, by_case in rates.items():
        cells = [_cell(by_case.get(key, [])) for key in options.cases]
        print(f"| {name} | {' | '.join(cells)} | {'yes' if name in (NODE, NODES) else 'no'} |")
    print("\n| ratio, run by run | median (range) | bar |\n|---|---|---|")
    for name, bar in BARS.items():
        if found := by_run(rates, name):
            print(f"| {name} | {_cell(found, '.2f')} | {bar[-1]:g} |")
    saved.keep(
        "receive",
        {
            "images": options.images,
            "runs": options.runs,
            "images_per_s": medians,
            "every_run": rates,
        },
    )


def by_run(rates: Rates, bar: str) -> list[float]:
    """The ratio of one of ``BARS`` in each run; none where it was not measured."""
    name, case, other, others_case, _ = BARS[bar]
    over, under = rates.get(name, {}).get(case, []), rates.get(other, {}).get(others_case, [])
    return [a / b for a, b in zip(over, under, strict=True)] if over and under else []


def _cell(values: Sequence[float], form: str = ".0f") -> str:
    if not values:
        return "–"
    median, low, high = (
        f"{v:{form}}" for v in (statistics.median(values), min(values), max(values))
    )
    return f"{median} ({low}-{high})"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=480)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--folder", type=Path, help="where receivers write (default: TMPDIR)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
