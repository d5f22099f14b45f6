"""Last image to maps in the PACS, stage by stage, for 16 slices x 30 frames x 512 x 512.

``make bench-turnround`` runs it: the whole node (``perfusion-node up``), DCMTK's storescu as the
scanner, DCMTK's storescp as the PACS. After each scan DCMTK does the two parts of it that it can:
its storescp takes in the same images, and its storescu sends it the same objects, both without
Nagle's algorithm.
Prints Markdown tables and one line of JSON.
"""

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks import saved
from tests.support.namespace import enter_a_namespace
from tests.support.peers import require
from tests.support.running_node import free_port

Stages = Mapping[str, float]
PROMPT = {**os.environ, "TCP_NODELAY": "1"}
ROOT = Path(__file__).parents[2]
RECEIVING, DELIVERING = "receiving 480 images", "delivering"


@contextmanager
def process(
    *command: str | Path, log: Path, environment: Mapping[str, str] = os.environ
) -> Iterator[None]:
    with log.open("wb") as out:
        child = subprocess.Popen(
            [str(c) for c in command],
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environment,
        )
    try:
        yield
    finally:
        child.terminate()
        child.wait(60)


def get(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def listens(port: int) -> bool:
    """Whether somebody does at this port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def simulate(folder: Path, runs: int) -> list[Path]:
    """One scan of the demo's patient per run, under other UIDs; those that lie there are kept."""
    scans = []
    for run in range(runs):
        out = folder / f"scan-{run}"
        if out.exists():
            scans.append(next(out.glob("case-*/dicom")))
            continue
        subprocess.run(
            [
                sys.executable,
                "-m",
                "models",
                "simulate",
                "--salt",
                str(run),
                "--out",
                out,
            ],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        scans.append(next(out.glob("case-*/dicom")))
    return scans


def processor_s() -> float:
    """Processor time of this benchmark's node so far, all its parts [s]."""
    ticks: dict[int, int] = {}
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            command = stat.with_name("cmdline").read_bytes()
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        pid = int(stat.parent.name)
        parents[pid] = int(fields[1])
        if b"node.cli" in command:
            ticks[pid] = int(fields[11]) + int(fields[12])  # proc(5): utime, stime

    def is_ours(pid: int) -> bool:
        while pid not in (0, os.getpid()):
            pid = parents.get(pid, 0)
        return pid != 0

    return sum(t for pid, t in ticks.items() if is_ours(pid)) / os.sysconf("SC_CLK_TCK")


def send(folder: Path, port: int, called: str) -> float:
    """Seconds that DCMTK's storescu took for every file below a folder."""
    # only what is needed is proposed: there is no room for every class
    command = [require("storescu", package="dcmtk"), "-R", "+sd", "+r", "-aec", called]
    began = time.monotonic()
    subprocess.run([*command, "127.0.0.1", str(port), str(folder)], check=True, env=PROMPT)
    return time.monotonic() - began


def by_dcmtk(scan: Path, results: Path, port: int) -> dict[str, float]:
    """What DCMTK takes for the same, by the names of the node's stages [s]."""
    return {RECEIVING: send(scan, port, "PEER"), DELIVERING: send(results, port, "PEER")}


def one_run(scan: Path, port: int, page: str, seen: set[str]) -> dict[str, float]:
    """Seconds of each stage for one scan pushed through the node, whose UID is ``seen`` then."""
    used_s = processor_s()
    took_s = send(scan, port, "PERFUSION")
    while True:
        listed = get(f"{page}/api/series") or []
        new = [r for r in listed if r["series_instance_uid"] not in seen]
        if new and new[0]["state"] in {"DELIVERED", "REFUSED", "FAILED"}:
            break
        time.sleep(0.02)
    record = get(f"{page}/api/series/{new[0]['series_instance_uid']}")
    seen.add(record["series_instance_uid"])
    assert record["state"] == "DELIVERED", record["reason"]
    at = {
        key: datetime.fromisoformat(record[key]).replace(tzinfo=UTC)
        for key in ("received_last_at", "completed_at", "analysing_at", "ready_at", "delivered_at")
    }

    def between(first: str, last: str) -> float:
        return (at[last] - at[first]).total_seconds()

    return {
        RECEIVING: took_s,
        "grace and noticing": between("received_last_at", "completed_at"),
        "waiting for the worker": between("completed_at", "analysing_at"),
        "analysing, after the grace": between("analysing_at", "ready_at"),
        **{f"analyse: {k}": v for k, v in record["stages_s"].items()},
        DELIVERING: between("ready_at", "delivered_at"),
        "last image to maps in the PACS": between("received_last_at", "delivered_at"),
        "processor time of the node, receiving included": processor_s() - used_s,
    }


def over_dcmtk(runs: Sequence[Stages], peer: Sequence[Stages], stage: str) -> float:
    """A stage of the node over the same by DCMTK, run by run, in their middle."""
    return statistics.median(run[stage] / own[stage] for run, own in zip(runs, peer, strict=True))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scans", type=Path, help="where scans are kept for the next time")
    arguments = parser.parse_args()
    runs = arguments.runs
    enter_a_namespace("tests.benchmarks.turnround")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        scans = simulate(arguments.scans or folder, runs + 1)
        port, archive, web, peers = free_port(), free_port(), free_port(), free_port()
        pacs, other = folder / "pacs", folder / "peer"
        for place in (pacs, other):
            place.mkdir()
        config = folder / "node.toml"
        config.write_text(
            f'data_dir = "{folder}/data"\n[scp]\nport = {port}\n[status]\nport = {web}\n'
            f'[[destinations]]\nname = "pacs"\nae_title = "PACS"\nport = {archive}\n'
        )
        page = f"http://127.0.0.1:{web}"
        storescp = require("storescp", package="dcmtk")
        with (
            process(storescp, "-od", pacs, str(archive), log=folder / "pacs.log"),
            process(storescp, "-od", other, str(peers), log=folder / "p.log", environment=PROMPT),
            process(sys.executable, "-m", "node.cli", "up", "-c", config, log=folder / "node.log"),
        ):
            while get(f"{page}/health/ready") is None or not listens(port):
                time.sleep(0.1)
            seen: set[str] = set()
            one_run(scans[0], port, page, seen)  # the first warms caches and is not counted
            measured, peer = [], []
            for scan in scans[1:]:
                before = set(seen)
                measured.append(one_run(scan, port, page, seen))
                (uid,) = seen - before
                peer.append(by_dcmtk(scan, folder / "data" / "spool" / "results" / uid, peers))
    print(
        f"{runs} runs, {os.cpu_count()} cores, {platform.machine()}, {datetime.now(UTC):%Y-%m-%d}\n"
    )
    print("| stage | median [s] | range [s] |\n|---|---|---|")
    for stage in measured[0]:
        values = [m[stage] for m in measured]
        print(
            f"| {stage} | {statistics.median(values):.2f} | {min(values):.2f}-{max(values):.2f} |"
        )
    print("\n| the same by DCMTK | median [s] | range [s] | the node over it |\n|---|---|---|---|")
    for stage in peer[0]:
        values = [run[stage] for run in peer]
        spread = f"{min(values):.2f}-{max(values):.2f}"
        ratio = over_dcmtk(measured, peer, stage)
        print(f"| {stage} | {statistics.median(values):.2f} | {spread} | {ratio:.2f} |")
    saved.keep("turnround", {"runs": measured, "dcmtk": peer})


if __name__ == "__main__":
    main()
