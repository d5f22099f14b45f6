"""A whole node as a benchmark runs it: ``perfusion-node up``, a sender, and a PACS that stores."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.peers import require
from tests.support.processes import descendants, processor_s
from tests.support.running_node import free_port

ROOT = Path(__file__).parents[2]
# DCMTK otherwise waits 40 ms an image for a delayed ACK (Nagle's algorithm).
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}
PATIENCE_S = 900.0
ENDED = {"DELIVERED", "REFUSED", "FAILED", "CANCELLED", "EXPIRED", "IGNORED"}


@dataclass(frozen=True)
class WholeNode:
    """A node that runs, and the addresses to ask and to send to."""

    pid: int
    port: int
    page: int
    folder: Path

    def ask(self, path: str) -> Any:
        """What the status API answers; None where it does not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.page}{path}", timeout=30) as said:
                return json.load(said)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None

    def series(self, uid: str) -> dict[str, Any]:
        """What the node knows of a series; empty where it knows none."""
        return self.ask(f"/api/series/{uid}") or {}

    def spent_s(self) -> float:
        """Processor time of all its processes since they began [s]."""
        return sum(processor_s(pid) for pid in (self.pid, *descendants(self.pid)))

    def sender(self, *folders: Path) -> subprocess.Popen[bytes]:
        """DCMTK's storescu, sending every file below the folders over one association."""
        command = [require("storescu", package="dcmtk"), "+sd", "+r", "-aec", "PERFUSION"]
        return subprocess.Popen(
            [*command, "127.0.0.1", str(self.port), *map(str, folders)], env=ENVIRONMENT
        )

    def send(self, *folders: Path) -> float:
        """Seconds until every file below the folders was taken."""
        began = time.monotonic()
        if self.sender(*folders).wait():
            raise SystemExit("storescu failed")
        return time.monotonic() - began

    def wait(self, uid: str, *states: str) -> dict[str, Any]:
        """A series once it is in one of these states; anything but DELIVERED ends the run."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            record = self.series(uid)
            if record.get("state") in (states or ENDED):
                if not states and record["state"] != "DELIVERED":
                    raise SystemExit(f"{record['state']}: {record['reason']}")
                return record
            time.sleep(0.25)  # times are read from the record: asking more costs processor time
        raise SystemExit(f"{uid} is {self.series(uid).get('state')} after {PATIENCE_S:.0f} s")


@contextmanager
def whole_node(folder: Path, extra: str = "") -> Iterator[WholeNode]:
    """A node and, as its PACS, DCMTK's storescp, both below a folder, while the block lasts."""
    port, archive, page = free_port(), free_port(), free_port()
    stored = folder / "pacs"
    stored.mkdir(parents=True)
    config = folder / "node.toml"
    config.write_text(
        f'data_dir = "{folder}/data"\n[scp]\nport = {port}\n[status]\nport = {page}\n'
        f'[[destinations]]\nname = "pacs"\nae_title = "PACS"\nport = {archive}\n{extra}'
    )
    storescp = require("storescp", package="dcmtk")
    up = [sys.executable, "-m", "node.cli", "up", "-c", str(config)]
    with (
        _running([storescp, "-od", str(stored), str(archive)], folder / "pacs.log"),
        _running(up, folder / "node.log") as pid,
    ):
        node = WholeNode(pid, port, page, folder)
        deadline = time.monotonic() + 60.0
        while node.ask("/health/ready") is None:
            if time.monotonic() > deadline:
                raise SystemExit((folder / "node.log").read_text())
            time.sleep(0.1)
        yield node


def stages(record: dict[str, Any]) -> dict[str, float]:
    """Seconds of each stage of a delivered series, in their order."""
    return {
        "receiving": _between(record, "received_first_at", "received_last_at"),
        "grace and noticing": _between(record, "received_last_at", "completed_at"),
        "waiting for the worker": _between(record, "completed_at", "analysing_at"),
        **{f"analyse: {stage}": s for stage, s in record["stages_s"].items()},
        "delivering": _between(record, "ready_at", "delivered_at"),
        "last image to maps in the PACS": _between(record, "received_last_at", "delivered_at"),
    }


def turn_round_s(record: dict[str, Any]) -> float:
    """From the last image to the maps in the PACS [s]."""
    return _between(record, "received_last_at", "delivered_at")


def _between(record: dict[str, Any], first: str, last: str) -> float:
    began, ended = (
        datetime.fromisoformat(record[key]).replace(tzinfo=UTC) for key in (first, last)
    )
    return (ended - began).total_seconds()


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[int]:
    with log.open("wb") as out:
        child = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, env=ENVIRONMENT
        )
    try:
        yield child.pid
    finally:
        child.terminate()
        child.wait(90)
