"""Several processes share the listener's port, and what comes in is one whole."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import Popen

import pytest

from node.scp import read_vitals
from node.settings import Settings
from node.wiring import Node
from tests.support.ctp import CtpSpec, build_series
from tests.support.processes import command_of, descendants
from tests.support.raw_sender import ACCEPTED, raw_sender
from tests.support.running_node import free_port, wait_for
from tests.support.scp_process import scp_process, send

SERIES = CtpSpec(rows=8, slices=2, frames=8)


def siblings(process: "Popen[bytes]") -> list[int]:
    return [pid for pid in descendants(process.pid) if "--number" in command_of(pid)]


def sockets_of(pid: int) -> int:
    """How many sockets a process holds."""
    found = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += descriptor.readlink().name.startswith("socket:")
        except OSError:  # closed this moment
            continue
    return found


@contextmanager
def two_listeners(folder: Path) -> Iterator[tuple["Popen[bytes]", int]]:
    port = free_port()
    with scp_process(folder, port, settings="processes = 2\n") as first:
        wait_for(lambda: len(read_vitals(folder / "data")) == 2, "both leave their counts", 120)
        yield first, port


def test_two_processes_take_connections_of_one_port_and_lose_nothing(tmp_path: Path) -> None:
    """Both are given some of forty senders, and every image of theirs is recorded once."""
    images = build_series(SERIES)
    with two_listeners(tmp_path) as (first, port):
        (second,) = siblings(first)
        before = sockets_of(first.pid), sockets_of(second)
        with ExitStack() as stack:
            held = [stack.enter_context(raw_sender(port)) for _ in range(20)]
            assert {each.associate() for each in held} == {ACCEPTED}
            assert sockets_of(first.pid) > before[0]
            assert sockets_of(second) > before[1]
        with ThreadPoolExecutor(16) as pool:
            taken = list(pool.map(lambda image: send(port, [image]), images))
        assert taken == [[str(image.SOPInstanceUID)] for image in images]
    with Node(Settings(data_dir=tmp_path / "data")) as node:
        assert node.registry.series(SERIES.series_instance_uid).instances == len(images)


def test_a_process_that_is_killed_is_begun_again_and_ends_with_the_first(tmp_path: Path) -> None:
    """The others serve meanwhile, and no process outlives the first and keeps its port."""
    (image,) = build_series(CtpSpec(rows=8, slices=1, frames=1))
    with two_listeners(tmp_path) as (first, port):
        (second,) = siblings(first)
        os.kill(second, signal.SIGKILL)
        wait_for(lambda: siblings(first) not in ([], [second]), "another one is begun", 60)
        assert send(port, [image]) == [str(image.SOPInstanceUID)]
        (third,) = siblings(first)
    wait_for(lambda: not command_of(third), "it ends with the first", 60)
    assert send(port, []) is None


@pytest.mark.parametrize("processes", [1, 2])
def test_a_port_that_is_taken_is_told(tmp_path: Path, processes: int) -> None:
    """Two nodes that share a port by mistake would each get half of a scan."""
    with two_listeners(tmp_path) as (_, port):
        config = tmp_path / "other.toml"
        config.write_text(
            f'data_dir = "{tmp_path}/other"\n[scp]\nport = {port}\nprocesses = {processes}\n'
        )
        command = [sys.executable, "-m", "node.cli", "scp", "-c", str(config)]
        other = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert other.returncode == 2
    assert f"127.0.0.1:{port} cannot be listened on" in other.stderr
