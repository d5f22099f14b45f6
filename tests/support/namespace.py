"""A command started again in a network namespace of its own.

DCMTK's storescp and Orthanc listen on every address; in there nothing outside can be reached
or can reach in.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.peers import require

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
