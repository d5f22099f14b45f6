"""A real Orthanc in a network namespace of its own: it binds 0.0.0.0 and would be seen outside."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.peers import require
from tests.support.running_node import wait_for

PATIENCE_S = 60.0
AE_TITLE, DICOM_PORT, HTTP_PORT = "ORTHANC", 4242, 8042


@dataclass
class Orthanc:
    """A running Orthanc, reachable at 127.0.0.1 from inside its namespace only.

    Parameters
    ----------
    process
        The server; the namespace lives as long as it does.
    folder
        Its storage and log.
    credentials
        User and password of its REST interface, where it asks for them.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    credentials: tuple[str, str] | None = None

    @property
    def inside(self) -> tuple[str, ...]:
        """Put before a command, this runs it in Orthanc's namespace."""
        return ("nsenter", f"--net=/proc/{self.process.pid}/ns/net", "--")

    def run(self, *command: str | Path, timeout_s: float = 120.0) -> str:
        """What a command prints, run inside the namespace; it must succeed."""
        done = subprocess.run(
            [*self.inside, *map(str, command)],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def store(self, *paths: Path) -> str:
        """Send files, or folders of files, by C-STORE with DCMTK's storescu; its report."""
        storescu = require("storescu", package="dcmtk")
        return self.run(
            *(storescu, "-v", "+sd", "+r", "-R", "-aec", AE_TITLE),
            *("127.0.0.1", str(DICOM_PORT), *paths),
        )

    def ask(self, path: str) -> Any:
        """The answer of its REST interface, such as ``/instances``."""
        return json.loads(self.fetch(path))

    def fetch(self, path: str) -> bytes:
        """The bytes of its REST interface, such as ``/instances/{id}/file``."""
        url = f"http://127.0.0.1:{HTTP_PORT}{path}"
        curl = require("curl", package="curl")
        known = ("--user", ":".join(self.credentials)) if self.credentials else ()
        command = [*self.inside, curl, "--silent", "--show-error", "--fail", *known, url]
        return subprocess.run(command, capture_output=True, timeout=60, check=True).stdout

    @contextmanager
    def killed(self) -> Iterator[None]:
        """SIGKILL, and for the block nobody is there; then it runs again where it ran.

        Its network namespace lives on through whatever else runs inside.
        """
        command = [*self.inside, "sleep", "3600"]
        with subprocess.Popen(command) as keeper:
            try:
                wait_for(lambda: _is_inside(keeper.pid, self.process.pid), "somebody is inside")
                self.process.kill()
                self.process.wait(30)
                yield
                self.process = _started(self.folder, f"/proc/{keeper.pid}/ns/net")
                _wait_until_up(self)
            finally:
                keeper.kill()

    def up(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self.ask("/system"))
        except subprocess.CalledProcessError:
            return False


@contextmanager
def running_orthanc(
    folder: Path,
    settings: dict[str, Any] | None = None,
    credentials: tuple[str, str] | None = None,
) -> Iterator[Orthanc]:
    """Orthanc with its data below ``folder``; ``settings`` add to its configuration.

    A missing program or a namespace that is not permitted is a named skip (a failure where
    CI=true), see :func:`tests.support.peers.require`.
    """
    server = require("Orthanc", package="orthanc")
    _require_namespaces()
    storage = folder / "orthanc"
    storage.mkdir(parents=True)
    configuration = {
        "Name": "tests",
        "StorageDirectory": str(storage),
        "IndexDirectory": str(storage),
        "DicomAet": AE_TITLE,
        "DicomPort": DICOM_PORT,
        "HttpPort": HTTP_PORT,
        "RemoteAccessAllowed": False,
        "Plugins": [],
        **(settings or {}),
    }
    path = folder / "orthanc.json"
    path.write_text(json.dumps(configuration))
    command = ["unshare", "--net", "sh", "-c", f"ip link set lo up && exec '{server}' '{path}'"]
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            orthanc = Orthanc(process, folder, credentials)
            _wait_until_up(orthanc)
            yield orthanc
        finally:
            orthanc.process.terminate()
            orthanc.process.wait(30)


def _started(folder: Path, namespace: str) -> subprocess.Popen[bytes]:
    """Orthanc once more, with the settings and storage that it had."""
    server = require("Orthanc", package="orthanc")
    command = ["nsenter", f"--net={namespace}", "--", server, str(folder / "orthanc.json")]
    with (folder / "orthanc.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def _is_inside(one: int, other: int) -> bool:
    """Whether two processes are in the same network namespace."""
    first, second = (Path(f"/proc/{pid}/ns/net").readlink() for pid in (one, other))
    return first == second


def sent_to(orthanc: Orthanc, datasets: Sequence[Any], folder: Path) -> str:
    """Datasets written below ``folder`` and sent by C-STORE; storescu's report."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, dataset in enumerate(datasets):
        dataset.save_as(folder / f"{number:04d}.dcm", enforce_file_format=True)
    return orthanc.store(folder)


def _require_namespaces() -> None:
    for command, package in (
        ("unshare", "util-linux"),
        ("nsenter", "util-linux"),
        ("ip", "iproute2"),
    ):
        require(command, package=package)
    permitted = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    if permitted.returncode != 0:
        require("unshare-with-permission-for-namespaces", package="none: run the tests as root")


def _wait_until_up(orthanc: Orthanc) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if orthanc.process.poll() is not None:
            break
        if orthanc.up():
            return
        time.sleep(0.1)
    log = (orthanc.folder / "orthanc.log").read_text(errors="replace")
    pytest.fail(f"Orthanc did not start:\n{log[-2000:]}")
