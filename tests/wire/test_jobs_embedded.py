"""The embedded Redis: real, below data_dir, and never left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from node.errors import QueueUnavailableError
from node.jobs import start_embedded_redis
from tests.support.running_node import ROOT, wait_for

CHILD = """
import sys, time
from pathlib import Path
from node import log
from node.jobs import start_embedded_redis
log.configure()
print(start_embedded_redis(Path(sys.argv[1]))[0], flush=True)
time.sleep(600)
"""


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url.replace("redis+socket", "unix"))


class OtherNode:
    """Another process that started Redis below ``folder``."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", CHILD, str(folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().decode().strip()
        self.redis_pid = int((folder / "redis" / "redis.pid").read_text())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def other_node(tmp_path: Path) -> Iterator[OtherNode]:
    node = OtherNode(tmp_path)
    yield node
    node.kill()


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in "ZX"


def test_it_keeps_what_it_has_and_evicts_nothing(tmp_path: Path) -> None:
    """Messages survive a clean end and a new start."""
    url, stop = start_embedded_redis(tmp_path)
    with client(url) as connection:
        assert connection.config_get("appendonly") == {"appendonly": "yes"}
        assert connection.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        connection.lpush("analyse", "1.2.3")
    stop()
    url, stop = start_embedded_redis(tmp_path)
    with client(url) as connection:
        assert connection.llen("analyse") == 1
    stop()


def test_it_ends_with_its_stop(tmp_path: Path) -> None:
    """After the stop no process and no socket is left."""
    url, stop = start_embedded_redis(tmp_path)
    pid = int((tmp_path / "redis" / "redis.pid").read_text())
    stop()
    assert not is_alive(pid)
    with pytest.raises(redis.ConnectionError):
        client(url).ping()


def test_a_deep_folder_is_no_obstacle(tmp_path: Path) -> None:
    """The path of a Unix socket is short; that of data_dir need not be."""
    deep = tmp_path.joinpath(*["a-long-name-of-a-folder"] * 6)
    url, stop = start_embedded_redis(deep)
    with client(url) as connection:
        assert connection.ping()
    stop()


def test_two_nodes_on_one_folder_are_told_apart(tmp_path: Path) -> None:
    """The second one is refused with a remedy and disturbs nothing."""
    url, stop = start_embedded_redis(tmp_path)
    with pytest.raises(QueueUnavailableError, match="another node"):
        start_embedded_redis(tmp_path)
    with client(url) as connection:
        assert connection.ping()
    stop()


def test_it_does_not_outlive_a_node_that_was_killed(other_node: OtherNode) -> None:
    """Kill -9 of the node ends its Redis."""
    pid = other_node.redis_pid
    other_node.kill()
    wait_for(lambda: not is_alive(pid), "the server ends with its node", 30)
    assert not is_alive(pid)


def test_one_that_was_left_behind_is_ended(other_node: OtherNode, tmp_path: Path) -> None:
    """Where the guard was killed together with the node, the next start cleans up."""
    pid = other_node.redis_pid
    guard = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(guard, signal.SIGKILL)
    other_node.kill()
    assert is_alive(pid)
    url, stop = start_embedded_redis(tmp_path)
    assert not is_alive(pid)
    with client(url) as connection:
        assert connection.ping()
    stop()
