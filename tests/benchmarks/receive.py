"""Images per second taken in: this node against DCMTK's storescp and Orthanc, in one run.

``make bench-receive`` runs it: DCMTK's storescu sends 480 CT images of 512 x 512 over one
association, then over four at once, to each receiver in turn, every receiver fresh each time.
All of it runs in a network namespace of its own, because storescp and Orthanc listen on every
address. The node answers success once file, folder and database are synchronised; storescp and
Orthanc synchronise nothing. Prints a Markdown table and one line of JSON.
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
from pathlib import Path

import numpy as np
from pydicom.uid import generate_uid

from node.registry import open_registry
from node.scp import Listener
from node.settings import ScpSettings
from node.spool import FileSpool
from tests.benchmarks import saved
from tests.support.ctp import CtpSpec, build_instance
from tests.support.namespace import enter_a_namespace
from tests.support.peers import require
from tests.support.running_node import free_port

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0
# DCMTK, and Orthanc with it, otherwise waits 40 ms an image for a delayed ACK (Nagle's
# algorithm), as a sender and as a receiver alike.
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}

Command = Callable[[Path, int], list[str]]


def main() -> None:
    options = _options()
    if options.serve:
        serve(Path(options.serve[0]), int(options.serve[1]))
    else:
        enter_a_namespace("tests.benchmarks.receive")
        receivers = {
            "DCMTK storescp": storescp,
            "Orthanc": orthanc,
            "Perfusion Node": perfusion_node,
        }
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            report(options, measured(options, receivers, Path(folder)))


def measured(
    options: argparse.Namespace, receivers: dict[str, Command], folder: Path
) -> dict[str, dict[int, list[float]]]:
    """Images per second of each receiver, by number of associations; receivers take turns."""
    files = write_images(folder / "images", options.images)
    rates: dict[str, dict[int, list[float]]] = {
        name: {n: [] for n in options.associations} for name in receivers
    }
    for _ in range(options.runs):
        for associations in options.associations:
            for name, command in receivers.items():
                with receiving(command, folder / "receiver") as port:
                    seconds = send(files, port, associations)
                rates[name][associations].append(len(files) / seconds)
                print(f"{name}, {associations}: {len(files) / seconds:.0f}/s", file=sys.stderr)
    return rates


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


def send(files: Sequence[Path], port: int, associations: int) -> float:
    """Seconds until every image was answered, by one storescu for each association."""
    command = [require("storescu", package="dcmtk"), "-aec", "PERFUSION", "127.0.0.1", str(port)]
    started = time.perf_counter()
    senders = [
        subprocess.Popen([*command, *map(str, files[n::associations])], env=ENVIRONMENT)
        for n in range(associations)
    ]
    failed = [sender.wait() for sender in senders]
    if any(failed):
        raise SystemExit(f"storescu failed: {failed}")
    return time.perf_counter() - started


@contextmanager
def receiving(command: Command, folder: Path) -> Iterator[int]:
    """The port of a receiver that answers C-ECHO and has nothing stored yet."""
    folder.mkdir()
    port = free_port()
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            command(folder, port), cwd=ROOT, env=ENVIRONMENT, stdout=log, stderr=log
        )
    try:
        wait_for_echo(port, folder / "log")
        yield port
    finally:
        child.send_signal(signal.SIGINT if child.args[0] == sys.executable else signal.SIGTERM)
        child.wait(PATIENCE_S)
        shutil.rmtree(folder)


def wait_for_echo(port: int, log: Path) -> None:
    echo = [require("echoscu", package="dcmtk"), "-aec", "PERFUSION", "127.0.0.1", str(port)]
    deadline = time.monotonic() + PATIENCE_S
    while subprocess.run(echo, check=False, capture_output=True).returncode:
        if time.monotonic() > deadline:
            raise SystemExit(f"the receiver does not answer:\n{log.read_text(errors='replace')}")
        time.sleep(0.1)


def storescp(folder: Path, port: int) -> list[str]:
    program = require("storescp", package="dcmtk")
    return [program, "--fork", "-pdu", "131072", "-od", str(folder), str(port)]


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


def perfusion_node(folder: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.receive", "--serve", str(folder), str(port)]


def serve(folder: Path, port: int) -> None:
    """The node's listener with its real spool and registry, until interrupted."""
    registry = open_registry(f"sqlite:///{folder / 'registry.sqlite'}", folder)
    spool = FileSpool(folder / "spool", min_free_bytes=0)
    listener = Listener(ScpSettings(port=port), spool, registry)
    listener.start()
    try:
        signal.pause()
    except KeyboardInterrupt:
        listener.stop()


def report(options: argparse.Namespace, rates: dict[str, dict[int, list[float]]]) -> None:
    medians = {
        name: {n: statistics.median(values) for n, values in by_count.items()}
        for name, by_count in rates.items()
    }
    heads = [f"{n} association{'s' if n > 1 else ''}" for n in options.associations]
    print(f"| receiver | {' | '.join(f'{h} [images/s]' for h in heads)} | durable |")
    print("|---|" + "---|" * (len(heads) + 1))
    for name, by_count in medians.items():
        cells = [f"{by_count[n]:.0f}" for n in options.associations]
        print(f"| {name} | {' | '.join(cells)} | {'yes' if name == 'Perfusion Node' else 'no'} |")
    saved.keep(
        "receive",
        {
            "images": options.images,
            "runs": options.runs,
            "images_per_s": medians,
            "every_run": rates,
        },
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=480)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--associations", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--folder", type=Path, help="where receivers write (default: TMPDIR)")
    parser.add_argument("--serve", nargs=2, metavar=("FOLDER", "PORT"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
