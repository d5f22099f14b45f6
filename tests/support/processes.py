"""What processes hold: threads, descriptors, memory, processor time; read from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

_MIB = 1024.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Use:
    """What a process holds; ``memory_mib`` is what of it is in memory (RSS)."""

    threads: int
    descriptors: int
    memory_mib: float

    @classmethod
    def of(cls, pid: int) -> "Use":
        """What it holds now.

        Raises
        ------
        OSError
            If the process has ended.
        """
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        )
        descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        memory_mib = int(status["VmRSS"].split()[0]) / _MIB
        return cls(int(status["Threads"]), descriptors, memory_mib)


def peak_mib(pid: int) -> float:
    """The most memory that a process has held since it began, or :func:`forget_peak`."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / _MIB


def forget_peak(pid: int) -> None:
    """From now on the peak is counted anew (proc(5): clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def processor_s(pid: int) -> float:
    """Processor time that a process has used since it began [s]."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS


def descendants(pid: int) -> list[int]:
    """Every process that was started by this one or by one of them, in order of their ids."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int(_stat(int(folder.name))[1])
        except OSError:  # it has just ended
            continue
    found, generation = [], {pid}
    while generation:
        generation = {child for child, parent in parents.items() if parent in generation}
        found += generation
    return sorted(found)


def command_of(pid: int) -> list[str]:
    """Its command line; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except OSError:
        return []


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (its name may hold spaces)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
