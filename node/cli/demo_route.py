"""The demo's walk: simulate, start node and archive, send, wait, check what came back."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.status import Status

from node.cli.demo_archive import SmallArchive
from node.cli.demo_check import Findings, check
from node.cli.output import console, progress, say
from node.errors import NodeError, PeerUnreachableError
from node.ports import Pacs
from node.scu import DicomPacs
from node.settings import Destination

PATIENCE_S = 300.0
_MARKER = ".perfusion-node-demo"
_ENDS = {"DELIVERED", "CONFIRMED", "REFUSED", "FAILED", "CANCELLED"}
_SETTINGS = """\
# Settings of the demo; everything listens on 127.0.0.1 only.
data_dir = "{data_dir}"

[scp]
ae_title = "PERFUSION"
host = "127.0.0.1"
port = {scp_port}

[[destinations]]
name = "archive"
ae_title = "ARCHIVE"
host = "127.0.0.1"
port = {archive_port}

[status]
host = "127.0.0.1"
port = {status_port}
"""


class DemoError(NodeError):
    """The demo did not end as it should."""

    remedy = "Read node.log in the demo's folder."


@dataclass(frozen=True)
class Ports:
    """The demo's three TCP ports on 127.0.0.1."""

    scp: int
    archive: int
    status: int


def walk(folder: Path, *, once: bool) -> bool:
    """Walk the whole route in a folder; whether all came back as it should.

    Parameters
    ----------
    folder
        Where scan, node and archive live; emptied at the start if an earlier demo made it.
    once
        End afterwards instead of serving until Ctrl-C.

    Raises
    ------
    DemoError
        If a step does not come to its end.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends at once, and tidily
    began = time.monotonic()
    _empty(folder)
    ports = Ports(_free_port(11112), _free_port(11113), _free_port(8050))
    truth, files = _simulate(folder)
    archive = SmallArchive(folder / "archive", ports.archive)
    archive.start()
    node = _start_node(folder, ports)
    try:
        findings = _check(folder, ports, files, archive, truth)
        findings.show(time.monotonic() - began)
        say(f"Maps (DICOM): {folder / 'archive'}")
        say(f"Status page:  http://127.0.0.1:{ports.status}/")
        if not once:
            say("Serving until Ctrl-C. Not for diagnostic use.", style="bold")
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
    finally:
        node.terminate()
        node.wait(60)
        archive.stop()
    return findings.good


def _check(
    folder: Path, ports: Ports, files: Sequence[Path], archive: SmallArchive, truth: dict[str, Any]
) -> Findings:
    status = f"http://127.0.0.1:{ports.status}"
    target = DicomPacs(Destination(name="node", ae_title="PERFUSION", port=ports.scp), "MODALITY")
    _wait_until_ready(status, target, folder)
    with progress() as bar:
        task = bar.add_task(f"Sending {len(files)} images by C-STORE", total=len(files))
        target.store(files, lambda _: bar.advance(task))
    sent = time.monotonic()
    record = _wait_until_delivered(status, folder)
    say(f"Last image to maps in the archive: {time.monotonic() - sent:.1f} s")
    return check(archive.files(), source=files[0], truth=truth, record=record)


def _simulate(folder: Path) -> tuple[dict[str, Any], list[Path]]:
    say("Simulating a CT perfusion scan of a stroke (16 slices x 30 frames) ...")
    command = [sys.executable, "-m", "models", "simulate", "--out", str(folder / "scan")]
    root = Path(__file__).parents[2]
    if subprocess.run(command, cwd=root, check=False).returncode:
        raise DemoError(
            "the scan could not be simulated",
            "Install the extra: pip install 'perfusion-node[simulate]'",
        )
    truth = json.loads(next((folder / "scan").glob("case-*/truth.json")).read_text())
    return truth, sorted((folder / "scan").glob("case-*/dicom/*.dcm"))


def _start_node(folder: Path, ports: Ports) -> subprocess.Popen[bytes]:
    config = folder / "node.toml"
    config.write_text(
        _SETTINGS.format(
            data_dir=folder / "data",
            scp_port=ports.scp,
            archive_port=ports.archive,
            status_port=ports.status,
        )
    )
    with (folder / "node.log").open("wb") as lines:
        return subprocess.Popen(
            [sys.executable, "-m", "node.cli", "up", "--until-stdin-closes", "-c", str(config)],
            stdin=subprocess.PIPE,  # the node ends with this process, however that ends
            stdout=lines,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait_until_ready(status: str, node: Pacs, folder: Path) -> None:
    def ready() -> bool:
        return _get(f"{status}/health/ready") is not None and _answers(node)

    with console.status("Starting the node ..."):
        _poll(ready, folder, "become ready")


def _answers(node: Pacs) -> bool:
    try:
        node.echo()
    except PeerUnreachableError:
        return False
    return True


def _wait_until_delivered(status: str, folder: Path) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def ended(view: Status) -> bool:
        series = _get(f"{status}/api/series") or []
        if series:
            found[:] = series
            view.update(f"{series[0]['state']}: {series[0]['words']}")
        return bool(series) and series[0]["state"] in _ENDS

    with console.status("Waiting for the maps ...") as view:
        _poll(lambda: ended(view), folder, "deliver the maps")
    return found[0]


def _poll(done: Callable[[], bool], folder: Path, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            raise DemoError(
                f"the node did not {what} within {PATIENCE_S:.0f} s", f"Read {folder}/node.log"
            )
        time.sleep(0.2)


def _get(url: str) -> Any:  # JSON of any shape; None where nothing answers
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - http to 127.0.0.1
            return json.load(answer)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def _empty(folder: Path) -> None:
    marker = folder / _MARKER  # a name that no other folder has: all in it is removed
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise DemoError(f"{folder} is not empty and no demo's folder", "Name another --folder.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    marker.touch()


def _free_port(preferred: int) -> int:
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoError("there is no free TCP port on 127.0.0.1")
