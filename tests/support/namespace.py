"""Work done in a network namespace of its own.

DCMTK's storescp and Orthanc listen on every address; in there nothing outside can be reached
or can reach in.
"""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tests.support.peers import require

Result = TypeVar("Result")
_CLONE_NEWNET = 0x40000000  # unshare(2)
ROOT = Path(__file__).parents[2]
_INSIDE = "PERFUSION_BENCH_INSIDE"


def enter_a_namespace(module: str) -> None:
    """Run ``python -m module`` with this process's arguments inside, and end as it ended.

    Returns only inside the namespace.
    """
    if _INSIDE in os.environ:
        return
    unshare = [require("unshare", package="util-linux"), "--net"]
    if os.geteuid():
        unshare += ["--user", "--map-root-user"]
    require("ip", package="iproute2")
    again = [sys.executable, "-m", module, *sys.argv[1:]]
    shell = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    command = [*unshare, "--", *shell, *again]
    inside = {**os.environ, _INSIDE: "1"}
    sys.exit(subprocess.run(command, check=False, cwd=ROOT, env=inside).returncode)


def in_a_network_of_its_own(work: Callable[[], Result]) -> Result:
    """What ``work`` returns; it, and what it starts, sees an empty loopback and nothing else."""
    ip = require("ip", package="iproute2")

    def inside() -> Result:
        # for this thread alone; threads and processes that it starts inherit it
        if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
            require(os.strerror(ctypes.get_errno()), package="none: run the tests as root")
        subprocess.run([ip, "link", "set", "lo", "up"], check=True)
        return work()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(inside).result()
