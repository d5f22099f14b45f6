"""Memory of a whole node: what all its processes hold together, sampled from /proc."""

from pathlib import Path

from node.jobs.beside import Beside
from tests.support.processes import command_of, descendants

EVERY_S = 0.2
_KIB_IN_GIB = 1024.0**2


class Memory(Beside):
    """The most that a process and all those it started hold together, while the block lasts.

    PSS is counted (proc(5): smaps_rollup): pages that processes share count once. Sampled five
    times a second: a peak shorter than that may be missed.

    Parameters
    ----------
    pid
        The first of them.
    """

    def __init__(self, pid: int) -> None:
        super().__init__("memory")
        self._pid = pid
        self.most_gib = 0.0
        """All of them together."""
        self.of_part: dict[str, float] = {}
        """The most of each part of the node by itself, by its name [GiB]."""

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S):
            together = 0.0
            for pid in (self._pid, *descendants(self._pid)):
                held = pss_gib(pid)
                part = part_of(command_of(pid))
                together += held
                self.of_part[part] = max(held, self.of_part.get(part, 0.0))
            self.most_gib = max(self.most_gib, together)


def pss_gib(pid: int) -> float:
    """Memory of a process, what it shares counted by its share [GiB]; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    fields = dict(line.split(":", 1) for line in lines[1:])
    return int(fields["Pss"].split()[0]) / _KIB_IN_GIB if "Pss" in fields else 0.0


def part_of(command: list[str]) -> str:
    """What a process of the node does, by its command line."""
    for name in ("analyse", "deliver", "scp", "status", "up"):
        if name in command:
            return {"scp": "listener", "status": "status page", "up": "supervisor"}.get(name, name)
    return "redis" if any("redis" in word for word in command) else "other"
