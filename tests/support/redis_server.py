"""Debian's redis-server, which a test may kill and start again empty."""

import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.peers import require
from tests.support.running_node import free_port, wait_for


@dataclass
class RedisServer:
    """A server without persistence on a free port, of 127.0.0.1 unless told otherwise."""

    folder: Path
    port: int = field(default_factory=free_port)
    address: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{self.address}:{self.port}/0"

    def start(self) -> None:
        program = require("redis-server", package="redis-server")
        self.process = subprocess.Popen(
            [
                *(program, "--port", str(self.port), "--bind", self.address),
                *("--save", "", "--protected-mode", "no"),
            ],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )
        wait_for(self._answers, "redis-server answers")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.address, self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
