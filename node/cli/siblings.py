"""The listener's processes: the first begins the others, and they share its port."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from node.cli.supervisor import Supervisor
from node.pulse import silent_s
from node.settings import Settings

_LONGEST_SILENCE_S = 30.0


class Siblings:
    """The processes besides the first; one that dies is started again.

    Parameters
    ----------
    numbers
        Of each; the first is 1.
    config
        The settings' file.
    """

    def __init__(self, numbers: range, config: Path | None) -> None:
        self._numbers = numbers
        environment = {"PERFUSION_NODE_CONFIG": str(config.resolve())} if config else {}
        parts = {name_of(n): ["scp", "--number", str(n)] for n in numbers}
        self._supervisor = Supervisor(parts, environment)

    @contextmanager
    def running(self) -> Iterator["Siblings"]:
        """They run while the block lasts."""
        thread = threading.Thread(target=self._supervisor.run, name="siblings")
        if self._numbers:
            thread.start()
        try:
            yield self
        finally:
            self.stop()
            if self._numbers:
                thread.join()

    def stop(self) -> None:
        """Ask each to end; the end of the block waits for them."""
        self._supervisor.stop()

    def reload(self) -> None:
        """Tell each to take up changed settings."""
        self._supervisor.tell(signal.SIGHUP)

    def go_round(self) -> bool:
        """Whether each has looked for new associations within half a minute."""
        silences = [silent_s(name_of(n)) for n in self._numbers]
        return all(s is not None and s < _LONGEST_SILENCE_S for s in silences)


def siblings_of(settings: Settings, config: Path | None, number: int) -> Siblings:
    """Those that a listener's process looks after: the first after all the others."""
    numbers = range(2, settings.scp.processes + 1) if number == 1 else range(0)
    return Siblings(numbers, config)


def name_of(number: int) -> str:
    """What one of the listener's processes is called."""
    return "scp" if number == 1 else f"scp-{number}"
