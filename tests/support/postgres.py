"""A PostgreSQL server from Debian's package, for the length of a test session."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.peers import require


@contextmanager
def postgres_server(address: str = "127.0.0.1") -> Iterator[Callable[[], str]]:
    """A function that makes a new, empty database and gives its URL; anyone may connect."""
    initdb = require("initdb", package="postgresql")
    pg_ctl = require("pg_ctl", package="postgresql")
    # TMPDIR may lie in a home that only root can enter; the server's own user must reach this
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/var/tmp"))
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    if user:
        shutil.chown(folder, user, user)
    port, data = _free_port(), folder / "data"
    options = f"-h {address} -p {port} -k {folder} -c fsync=off -c max_connections=60"
    quiet = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL}
    subprocess.run(
        [initdb, "-D", data, "-U", "node", "--auth=trust", "--no-sync", "-E", "UTF8"],
        check=True,
        **quiet,
    )
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all samenet trust\n")
    subprocess.run(
        [pg_ctl, "-D", data, "-l", folder / "log", "-w", "-o", options, "start"],
        check=True,
        **quiet,
    )
    count = iter(range(1000))

    def new_database() -> str:
        name = f"registry{next(count)}"
        with psycopg.connect(
            f"host={folder} port={port} user=node dbname=postgres", autocommit=True
        ) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://node@{address}:{port}/{name}"

    try:
        yield new_database
    finally:
        subprocess.run([pg_ctl, "-D", data, "-m", "immediate", "-w", "stop"], check=True, **quiet)
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
