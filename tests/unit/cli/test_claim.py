"""What `up` needs for itself: its folder and its ports."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.cli.claim import claimed, require_free_ports
from node.cli.options import BadCallError
from node.errors import SettingsError
from node.settings import ScpSettings, Settings, StatusSettings
from tests.support.prompt import perfusion_node, settings_file
from tests.support.running_node import ROOT, free_port


def test_a_second_node_on_one_folder_is_refused(tmp_path: Path) -> None:
    """The folder and the process that has it are named; afterwards it is free again."""
    with (
        claimed(tmp_path),
        pytest.raises(BadCallError, match=rf"process \d+\) runs on {tmp_path}"),
        claimed(tmp_path),
    ):
        pass
    with claimed(tmp_path):
        pass


def test_a_claim_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    """After a kill there is nothing to delete: the next node starts."""
    code = (
        "import sys, time; from pathlib import Path; from node.cli.claim import claimed\n"
        f"with claimed(Path({str(tmp_path)!r})): print('claimed', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"claimed\n"
        with pytest.raises(BadCallError, match=str(holder.pid)), claimed(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
    with claimed(tmp_path):
        assert (tmp_path / "node.claim").read_text() != f"{holder.pid}\n"


def test_a_folder_that_cannot_be_made_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    """data_dir is named, with what is wrong about it."""
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"data_dir: .*/file"), claimed(tmp_path / "file"):
        pass


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that something listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("sections", [("scp",), ("status",), ("scp", "status")])
def test_every_port_that_is_taken_is_named(taken: int, sections: tuple[str, ...]) -> None:
    """Both problems are told in one answer."""
    ports = {s: taken if s in sections else free_port() for s in ("scp", "status")}
    settings = Settings(
        scp=ScpSettings(port=ports["scp"]), status=StatusSettings(port=ports["status"])
    )
    with pytest.raises(SettingsError) as fault:
        require_free_ports(settings)
    for section in ("scp", "status"):
        assert (f"{section}.port: 127.0.0.1:{taken}" in str(fault.value)) == (section in sections)


def test_one_port_for_two_parts_is_found() -> None:
    """Listener and status page cannot share a port, free as it may be."""
    port = free_port()
    settings = Settings(scp=ScpSettings(port=port), status=StatusSettings(port=port))
    with pytest.raises(SettingsError, match=f"status.port: 127.0.0.1:{port}"):
        require_free_ports(settings)


def test_ports_that_are_free_are_left_free() -> None:
    """Looking does not take them."""
    settings = Settings(scp=ScpSettings(port=free_port()), status=StatusSettings(port=free_port()))
    require_free_ports(settings)
    with socket.create_server(("127.0.0.1", settings.scp.port)) as server:
        assert server.getsockname()[1] == settings.scp.port


def test_up_ends_at_once_where_a_port_is_taken(tmp_path: Path, taken: int) -> None:
    """Exit code 2 and the port, instead of a part that dies again and again."""
    config = settings_file(tmp_path, f"[scp]\nport = {taken}\n[status]\nport = {free_port()}\n")
    said = perfusion_node("up", "--config", config)
    assert said.code == 2
    assert f"127.0.0.1:{taken} cannot be listened on" in said.err


def test_up_ends_at_once_without_its_model(tmp_path: Path) -> None:
    """Exit code 1 and the file that is missing, before anything is received."""
    ports = f"[scp]\nport = {free_port()}\n[status]\nport = {free_port()}\n"
    config = settings_file(tmp_path, f'{ports}[model]\npath = "{tmp_path}/no.onnx"\n')
    said = perfusion_node("up", "--config", config)
    assert said.code == 1
    assert f"{tmp_path}/no.onnx does not exist" in said.err
