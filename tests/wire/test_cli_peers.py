"""`send` and `echo` against real peers."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.support.ctp import CtpSpec, build_series, write_series
from tests.support.listening import listening
from tests.support.peers import require
from tests.support.prompt import Said, perfusion_node, settings_file
from tests.support.running_node import free_port, wait_for

SMALL = CtpSpec(slices=2, frames=3)


def config_for(folder: Path, **ports: int) -> Path:
    return settings_file(
        folder,
        "".join(
            f'[[destinations]]\nname = "{name}"\nae_title = "{name.upper()}"\nport = {port}\n'
            for name, port in ports.items()
        ),
    )


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Six images of a series, and what lies beside images on a disc."""
    folder = tmp_path / "scan"
    write_series(build_series(SMALL), folder)
    (folder / "README.txt").write_text("no DICOM")
    (folder / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    return folder


@contextmanager
def storescp(folder: Path, *options: str) -> Iterator[int]:
    """DCMTK's receiver on a free port."""
    program, port = require("storescp", package="dcmtk"), free_port()
    folder.mkdir()
    with subprocess.Popen([program, "-od", str(folder), *options, str(port)]) as process:
        config = config_for(folder, dcmtk=port)
        wait_for(lambda: perfusion_node("echo", "-c", config).code == 0, "storescp answers")
        config.unlink()
        try:
            yield port
        finally:
            process.terminate()


def sent(config: Path, folder: Path, *options: str) -> Said:
    return perfusion_node("send", folder, "--to", "dcmtk", "--config", config, *options)


def test_a_folder_arrives_whole_at_dcmtk(tmp_path: Path, scan: Path) -> None:
    """Every image is stored, what is no DICOM is passed over and counted, exit code 0."""
    with storescp(tmp_path / "received") as port:
        config = config_for(tmp_path, dcmtk=port)
        said = sent(config, scan)
        again = sent(config, scan, "--json").json
    uids = {str(dcmread(p).SOPInstanceUID) for p in scan.glob("*.dcm")}
    arrived = {str(dcmread(p).SOPInstanceUID) for p in (tmp_path / "received").iterdir()}
    assert said.code == 0
    assert "6 of 6 objects stored at dcmtk" in said.out
    assert "2 of 8 files passed over" in said.err
    assert arrived == uids
    assert {key: again[key] for key in ("files", "objects", "stored", "error")} == {
        "files": 8,
        "objects": 6,
        "stored": 6,
        "error": None,
    }
    assert {outcome["sop_instance_uid"] for outcome in again["outcomes"]} == uids


def test_a_peer_that_hangs_up_is_told_with_what_it_has(tmp_path: Path, scan: Path) -> None:
    """The fault is printed with its remedy, exit code 1, never a traceback."""
    with storescp(tmp_path / "received", "--abort-during") as port:
        said = sent(config_for(tmp_path, dcmtk=port), scan)
        as_json = sent(config_for(tmp_path, dcmtk=port), scan, "--json")
    assert (said.code, as_json.code) == (1, 1)
    assert "0 of 6 objects stored" in said.out
    assert "What to do:" in said.err
    assert as_json.json["error"]["remedy"]


def test_a_folder_without_dicom_sends_nothing(tmp_path: Path) -> None:
    """Exit code 1: who sends a folder expects that something arrives."""
    (tmp_path / "empty").mkdir()
    with listening(tmp_path / "spool", ae_title="DCMTK") as peer:
        said = sent(config_for(tmp_path, dcmtk=peer.port), tmp_path / "empty")
    assert said.code == 1
    assert "Nothing was sent" in said.err


def test_every_destination_is_echoed(tmp_path: Path) -> None:
    """One that answers and one that does not: both are told, exit code 1."""
    with listening(tmp_path / "spool", ae_title="HERE") as peer:
        config = config_for(tmp_path, here=peer.port, gone=free_port())
        both = perfusion_node("echo", "--config", config)
        as_json = perfusion_node("echo", "--config", config, "--json").json
        one = perfusion_node("echo", "here", "--config", config)
    assert both.code == 1
    assert "here answered a C-ECHO in " in both.out
    assert "knows this node as PERFUSION" in both.out
    assert as_json["here"]["answered"] is True
    assert as_json["here"]["took_s"] > 0
    assert as_json["gone"]["answered"] is False
    assert as_json["gone"]["remedy"]
    assert one.code == 0


@pytest.mark.parametrize("command", [("echo", "nowhere"), ("send", ".", "--to", "nowhere")])
def test_an_unknown_destination_is_a_bad_call(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Exit code 2, with the names that the settings know."""
    said = perfusion_node(*command, "--config", config_for(tmp_path, ct=1, pacs=2))
    assert said.code == 2
    assert "nowhere" in said.err
    assert "ct, pacs" in said.err


def test_without_destinations_there_is_nothing_to_echo(tmp_path: Path) -> None:
    """Exit code 2, and where destinations are named."""
    said = perfusion_node("echo", "--config", config_for(tmp_path))
    assert said.code == 2
    assert "[[destinations]]" in said.err
