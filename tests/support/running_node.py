"""A whole node, started as an administrator starts it, for the tests that need one."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE_S = 180.0


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(done: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """The first true answer of ``done``; an AssertionError that says what did not happen."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if answer := done():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {patience_s:.0f} s")


@dataclass
class RunningNode:
    """``perfusion-node up`` with its settings file; ``inside`` runs it in a network namespace."""

    folder: Path
    destinations: str
    extra: str = ""
    inside: Sequence[str] = ()
    port: int = field(default_factory=free_port)
    page: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self.folder / "node.toml"

    @property
    def log(self) -> str:
        return (self.folder / "node.log").read_text(errors="replace")

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        before = self.log.count("listener_started") if self.config.exists() else 0
        self.config.write_text(
            f'data_dir = "{self.folder}/data"\n{self.extra}\n[spool]\nmin_free_gib = 0.1\n'
            f"[scp]\nport = {self.port}\ngrace_s = 1.0\nquiet_s = 6.0\n"
            f"[status]\nport = {self.page}\n{self.destinations}"
        )
        with (self.folder / "node.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.inside, sys.executable, "-m", "node.cli", "up", "-c", str(self.config)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        wait_for(lambda: self.log.count("part_started") >= 4, "the node's parts start")
        wait_for(lambda: self.log.count("listener_started") > before, "the node listens")

    def stop(self) -> int:
        """Ask it to end, as Ctrl-C does; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(90)

    def ask(self, *arguments: str) -> Any:
        """The JSON answer of a ``perfusion-node`` command with this node's settings."""
        command = [*self.inside, sys.executable, "-m", "node.cli", *arguments]
        answer = subprocess.run(
            [*command, "-c", str(self.config), "--json"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.stdout, answer.stderr
        return json.loads(answer.stdout)

    def series(self) -> list[dict[str, Any]]:
        return list(self.ask("studies"))

    def wait_for_state(self, *states: str, uid: str | None = None) -> dict[str, Any]:
        """The first series (of that UID) that is in one of these states."""

        def found() -> dict[str, Any] | None:
            for one in self.series():
                if one["state"] in states and uid in (None, one["series_instance_uid"]):
                    return one
            return None

        return dict(wait_for(found, f"a series in {'/'.join(states)}"))


@contextmanager
def running_node(
    folder: Path,
    destinations: str,
    *,
    extra: str = "",
    inside: Sequence[str] = (),
    port: int = 0,
) -> Iterator[RunningNode]:
    """A node that runs for the length of a ``with`` block; ``port`` 0: a free one."""
    node = RunningNode(folder, destinations, extra, inside, port or free_port())
    node.start()
    try:
        yield node
    finally:
        if node.process and node.process.poll() is None:
            node.stop()
