"""Last image to maps in the PACS, stage by stage, for 16 slices x 30 frames x 512 x 512.

``make bench-turnround`` runs it: the whole node (``perfusion-node up``), DCMTK's storescu as the
scanner, DCMTK's storescp as the PACS. Prints a Markdown table and one line of JSON.
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
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks import saved
from tests.support.namespace import enter_a_namespace
from tests.support.peers import require
from tests.support.running_node import free_port

ROOT = Path(__file__).parents[2]


@contextmanager
def process(*command: str | Path, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        child = subprocess.Popen(
            [str(c) for c in command], stdout=out, stderr=subprocess.STDOUT, cwd=ROOT
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


def one_run(scan: Path, port: int, page: str, seen: set[str]) -> dict[str, float]:
    """Seconds of each stage for one scan pushed through the node."""
    environment = {**os.environ, "TCP_NODELAY": "1"}
    command = [require("storescu", package="dcmtk"), "+sd", "+r", "-aec", "PERFUSION"]
    began, used_s = time.monotonic(), processor_s()
    subprocess.run([*command, "127.0.0.1", str(port), str(scan)], check=True, env=environment)
    sent = time.monotonic()
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
        "receiving 480 images": sent - began,
        "grace and noticing": between("received_last_at", "completed_at"),
        "waiting for the worker": between("completed_at", "analysing_at"),
        "analysing, after the grace": between("analysing_at", "ready_at"),
        **{f"analyse: {k}": v for k, v in record["stages_s"].items()},
        "delivering": between("ready_at", "delivered_at"),
        "last image to maps in the PACS": between("received_last_at", "delivered_at"),
        "processor time of the node, receiving included": processor_s() - used_s,
    }


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
        port, archive, web = free_port(), free_port(), free_port()
        (folder / "pacs").mkdir()
        config = folder / "node.toml"
        config.write_text(
            f'data_dir = "{folder}/data"\n[scp]\nport = {port}\n[status]\nport = {web}\n'
            f'[[destinations]]\nname = "pacs"\nae_title = "PACS"\nport = {archive}\n'
        )
        page = f"http://127.0.0.1:{web}"
        storescp = require("storescp", package="dcmtk")
        with (
            process(storescp, "-od", folder / "pacs", str(archive), log=folder / "pacs.log"),
            process(sys.executable, "-m", "node.cli", "up", "-c", config, log=folder / "node.log"),
        ):
            while get(f"{page}/health/ready") is None or not listens(port):
                time.sleep(0.1)
            seen: set[str] = set()
            one_run(scans[0], port, page, seen)  # the first warms caches and is not counted
            measured = [one_run(scan, port, page, seen) for scan in scans[1:]]
    print(
        f"{runs} runs, {os.cpu_count()} cores, {platform.machine()}, {datetime.now(UTC):%Y-%m-%d}\n"
    )
    print("| stage | median [s] | range [s] |\n|---|---|---|")
    for stage in measured[0]:
        values = [m[stage] for m in measured]
        print(
            f"| {stage} | {statistics.median(values):.2f} | {min(values):.2f}-{max(values):.2f} |"
        )
    saved.keep("turnround", {"runs": measured})


if __name__ == "__main__":
    main()
