"""Real peers from Debian's and other packages: found, or named as missing."""

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

APT, PIP = "apt-get install", "pip install"
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/lib/postgresql/15/bin")


def require(command: str, *, package: str, installer: str = APT) -> str:
    """The path of a peer's program.

    A missing one skips the test and names the package; where CI=true it fails instead,
    because there `make test` installs them.
    """
    folders = [os.environ.get("PATH", ""), *SYSTEM_FOLDERS]
    if installer == PIP:  # there alone: pynetdicom has a storescu there too, which is not DCMTK's
        folders = [str(Path(sys.executable).parent)]
    search = os.pathsep.join(folders)
    if found := shutil.which(command, path=search):
        return str(Path(found))
    return missing(f"{command} is missing: {installer} {package}")


def require_file(path: Path, *, package: str) -> Path:
    """The path of a package's file; without it, as :func:`require`."""
    if not path.is_file():
        missing(f"{path} is missing: {APT} {package}")
    return path


def missing(message: str) -> NoReturn:
    """Skip the test with this message; where CI=true, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
