"""Who holds a lease, and whether that process still lives."""

import subprocess
import sys
from pathlib import Path

from node.jobs.owner import is_gone, new_owner

ROOT = Path(__file__).parents[3]


def test_this_process_is_not_gone() -> None:
    """A living owner is left alone, and two leases never have the same owner."""
    owner = new_owner()
    assert not is_gone(owner)
    assert owner != new_owner()


def test_a_process_that_ended_is_gone() -> None:
    """The lease of a dead process on this machine need not run out."""
    code = "from node.jobs.owner import new_owner; print(new_owner())"
    owner = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT).strip()
    assert is_gone(owner)


def test_a_pid_that_went_to_another_process_is_gone() -> None:
    """The start time tells a process from a later one of the same pid."""
    host, realm, pid, _, n = new_owner().split("|")
    assert is_gone("|".join((host, realm, pid, "1", n)))


def test_of_another_machine_nothing_is_known() -> None:
    """Where pids cannot be compared, only the lease's own time decides."""
    host, _, pid, _, n = new_owner().split("|")
    assert not is_gone("|".join((host, "other-boot/pid:[1]", pid, "1", n)))
    assert not is_gone("somebody")
