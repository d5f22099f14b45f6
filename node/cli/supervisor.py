"""The parts of the node as child processes: started, watched, restarted, ended together."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from node import log

LONGEST_PAUSE_S = 30.0
HEALTHY_AFTER_S = 60.0


@dataclass
class Part:
    """One child process and how often it had to be started again in a row."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    restart_at: float = field(default=0.0)
    renewing: bool = False


class Supervisor:
    """Runs ``perfusion-node`` parts until told to stop; a part that dies is started again.

    Parameters
    ----------
    parts
        Name of each part and its arguments to ``perfusion-node``, in starting order; they are
        ended in the same order (the listener first, so that nothing new arrives).
    environment
        Variables the children get besides this process's own.
    """

    def __init__(self, parts: Mapping[str, Sequence[str]], environment: Mapping[str, str]) -> None:
        self._parts = [Part(name, arguments) for name, arguments in parts.items()]
        self._environment = {**os.environ, **environment}
        self._log = log.get("supervisor")
        self._stop = threading.Event()

    def run(self, on_round: Callable[[], None] = lambda: None) -> None:
        """Start every part and watch them until :meth:`stop`; then end them in order.

        ``on_round`` is called several times a second, in this thread.
        """
        for part in self._parts:
            self._start(part)
        while not self._stop.wait(0.2):
            on_round()
            for part in self._parts:
                self._watch(part)
        for part in self._parts:
            self._end(part)

    def stop(self) -> None:
        """Ask :meth:`run` to end; safe in a signal handler."""
        self._stop.set()

    def renew(self, but: str) -> None:
        """End every part gently, to be started again at once; one is told by SIGHUP instead."""
        for part in self._parts:
            if part.process is None or part.process.poll() is not None:
                continue
            if part.name == but:
                part.process.send_signal(signal.SIGHUP)
            else:
                part.renewing = True
                part.process.terminate()

    def tell(self, number: signal.Signals) -> None:
        """Send every part that runs a signal."""
        for part in self._parts:
            if part.process is not None and part.process.poll() is None:
                part.process.send_signal(number)

    def _start(self, part: Part) -> None:
        # The child's standard input is a pipe that only this process holds: when this process
        # dies, however it dies, the child reads its end and stops. No orphan keeps the port.
        part.process = subprocess.Popen(
            [sys.executable, "-m", "node.cli", *part.arguments, "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
        )
        part.started = time.monotonic()
        self._log.info("part_started", part=part.name, pid=part.process.pid)

    def _watch(self, part: Part) -> None:
        now = time.monotonic()
        if part.process is None:
            if now >= part.restart_at:
                self._start(part)
            return
        code = part.process.poll()
        if code is None:
            return
        if part.renewing:
            part.renewing = False
            self._start(part)
            return
        part.failures = 0 if now - part.started > HEALTHY_AFTER_S else part.failures + 1
        pause_s = min(LONGEST_PAUSE_S, 0.5 * 2**part.failures)
        self._log.error("part_died", part=part.name, exit_code=code, restart_in_s=pause_s)
        part.process, part.restart_at = None, now + pause_s

    def _end(self, part: Part, patience_s: float = 30.0) -> None:
        if part.process is None or part.process.poll() is not None:
            return
        part.process.terminate()
        try:
            part.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            part.process.kill()
            part.process.wait()
        self._log.info("part_ended", part=part.name, exit_code=part.process.returncode)


def on_signals(stop: threading.Event) -> None:
    """Set ``stop`` at SIGINT or SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())


def end_with_parent() -> None:
    """Send this process SIGTERM once its standard input closes: its supervisor is gone."""

    def watch() -> None:
        # the bare descriptor: a buffered reader's lock would abort the interpreter at its end
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
