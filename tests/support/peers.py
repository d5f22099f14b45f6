"""Real peers from Debian's packages: found, or named as missing."""

import os
import shutil
from pathlib import Path

import pytest

SYSTEM_FOLDERS = ("/usr/sbin", "/usr/lib/postgresql/15/bin")


def require(command: str, *, package: str) -> str:
    """The path of a peer's program.

    A missing one skips the test and names the package; where CI=true it fails instead,
    because there `make test` installs them.
    """
    search = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_FOLDERS])
    if found := shutil.which(command, path=search):
        return str(Path(found))
    message = f"{command} is missing: apt-get install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
