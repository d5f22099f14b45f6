"""The node's processes, to be killed, frozen and started again."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from node import failpoint
from tests.support.running_node import ROOT


class Part:
    """One process of the node; where it ends by itself, :meth:`revive` starts it again.

    Parameters
    ----------
    name
        For people, and of its log file.
    arguments
        Of Python.
    folder
        Where its log is.
    """

    def __init__(self, name: str, arguments: list[str], folder: Path) -> None:
        self.name, self.log = name, folder / f"{name.replace(' ', '-')}.log"
        self._arguments = arguments
        self._die_at = ""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def up(self) -> bool:
        """Whether it was started and not killed here since."""
        return self._process is not None

    def start(self, die_at: str = "") -> None:
        """Start it; ``die_at`` is a step and how often it is passed until the process dies."""
        self._die_at = die_at
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1", failpoint.VARIABLE: die_at},
            )

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """SIGSTOP: it lives and does nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def stop(self, patience_s: float) -> int:
        """Ask it to end, as its supervisor does; its exit status."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(patience_s)
        finally:
            self.kill()

    def revive(self) -> tuple[str, int] | None:
        """Start it again where it ended by itself: the failpoint it had, and its exit status."""
        if self._process is None or (status := self._process.poll()) is None:
            return None
        ended = self._die_at, status
        self.start()
        return ended
