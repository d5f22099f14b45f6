"""``perfusion-node`` as a person types it: in this process, in a pipe, or at a terminal."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from typer.testing import CliRunner

from node.cli.app import application
from node.registry import Registry, open_registry
from tests.support.running_node import ROOT

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_COMMAND = (sys.executable, "-m", "node.cli")


@dataclass(frozen=True)
class Said:
    """Exit code and what was printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def perfusion_node(*arguments: str | Path, said: str = "") -> Said:
    """A command in this process, its streams pipes; log lines are as they were afterwards."""
    logging = structlog.get_config()
    try:
        result = CliRunner().invoke(application(), [str(each) for each in arguments], input=said)
    finally:
        structlog.configure(**logging)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def at_a_terminal(columns: int, *arguments: str | Path) -> Said:
    """A command whose standard streams are one terminal of that width; ANSI still in ``out``."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "CI")}
    with subprocess.Popen(
        [*_COMMAND, *map(str, arguments)],
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment, "TERM": "xterm-256color"},
    ) as process:
        os.close(theirs)
        shown = b"".join(_until_closed(ours))
    os.close(ours)
    return Said(process.returncode, shown.decode().replace("\r\n", "\n"), "")


def _until_closed(terminal: int) -> Iterator[bytes]:
    """What a terminal shows; Linux answers EIO once nobody holds the other end."""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            return
        if not chunk:
            return
        yield chunk


def settings_file(folder: Path, text: str = "") -> Path:
    """A settings file whose node lies below ``folder``."""
    config = folder / "node.toml"
    config.write_text(f'data_dir = "{folder}/data"\n{text}')
    return config


@contextmanager
def registry_of(config: Path) -> Iterator[Registry]:
    """The registry of the node with that settings file, to be filled."""
    folder = config.parent / "data"
    folder.mkdir(exist_ok=True)
    registry = open_registry(f"sqlite:///{folder}/registry.sqlite", folder)
    try:
        yield registry
    finally:
        registry.close()
