"""Who holds a lease, and whether that process still lives."""

import itertools
import os
import socket
from pathlib import Path

_COUNT = itertools.count()


def new_owner() -> str:
    """A name no other lease has: this process's, and a running number."""
    return f"{this_process()}|{next(_COUNT)}"


def this_process() -> str:
    """A name no other process has: ``host|boot/pid namespace|pid|start time``.

    The first two say where a process can be looked up, the start time tells it from a later one
    of the same pid.
    """
    pid = os.getpid()
    return f"{socket.gethostname()}|{_realm()}|{pid}|{_started(pid)}"


def is_gone(owner: str) -> bool:
    """Whether the owner certainly died; False where that cannot be told from here.

    A worker that was killed is replaced at once this way, without waiting for its lease to
    run out; on another machine the lease's own time decides.
    """
    parts = owner.split("|")
    if len(parts) != 5 or parts[1] != _realm() or not parts[1]:
        return False
    return _started(int(parts[2])) != parts[3]


def _realm() -> str:
    """Which pids can be compared with ours: this boot, this pid namespace; empty if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # proc(5): the name in field 2 may hold blanks; state is field 3, starttime field 22
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
