"""A real DICOMweb server, Orthanc with its plugin, with the node on a network of their own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from tests.support.ctp import CtpSpec, build_series, write_series
from tests.support.orthanc import AE_TITLE, DICOM_PORT, HTTP_PORT, Orthanc, running_orthanc
from tests.support.peers import require, require_file
from tests.support.running_node import ROOT, running_node, wait_for
from tests.support.studies import small_scan

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
USER, PASSWORD = "perfusion", "sesame"
WITH_PLUGIN = {"Plugins": [str(PLUGIN)], "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}}
SMALL = CtpSpec(slices=2, frames=3)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    require_file(PLUGIN, package="orthanc-dicomweb")
    settings = {
        **WITH_PLUGIN,
        "DicomModalities": {"node": ["PERFUSION", "127.0.0.1", 11112]},
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: PASSWORD},
    }
    folder = tmp_path_factory.mktemp("archive")
    with running_orthanc(folder, settings, credentials=(USER, PASSWORD)) as orthanc:
        yield orthanc


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    (tmp_path / "wrong").write_text("open")
    url = f"http://127.0.0.1:{HTTP_PORT}"
    path = tmp_path / "node.toml"
    path.write_text(
        f'data_dir = "{tmp_path}/data"\n'
        f'[[destinations]]\nname = "orthanc"\nurl = "{url}/dicom-web"\nuser = "{USER}"\n'
        f'password = {{ file = "{tmp_path}/password" }}\n'
        f'[[destinations]]\nname = "dimse"\nae_title = "{AE_TITLE}"\nport = {DICOM_PORT}\n'
        f'[[destinations]]\nname = "stranger"\nurl = "{url}/dicom-web"\nuser = "{USER}"\n'
        f'password = {{ file = "{tmp_path}/wrong" }}\n'
        f'[[destinations]]\nname = "elsewhere"\nurl = "{url}/dicom"\nuser = "{USER}"\n'
        f'password = {{ file = "{tmp_path}/password" }}\n'
    )
    return path


def asked(archive: Orthanc, config: Path, *arguments: str | Path) -> tuple[int, str]:
    """Exit code and words of a ``perfusion-node`` command beside the archive."""
    done = subprocess.run(
        [*archive.inside, sys.executable, "-m", "node.cli", *map(str, arguments), "-c", config],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "300", "PATH": "/usr/bin"},
    )
    assert "Traceback" not in done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


def held(archive: Orthanc) -> dict[str, Any]:
    """What the archive has, by SOP Instance UID."""
    every = (
        dcmread(BytesIO(archive.fetch(f"/instances/{i}/file"))) for i in archive.ask("/instances")
    )
    return {str(dataset.SOPInstanceUID): dataset for dataset in every}


def test_a_folder_arrives_whole_and_a_second_time_changes_nothing(
    archive: Orthanc, config: Path, tmp_path: Path
) -> None:
    """Every object is stored as it was sent; sent again it is stored once."""
    datasets = build_series(SMALL)
    write_series(datasets, tmp_path / "scan")
    for _ in range(2):
        code, said = asked(archive, config, "send", tmp_path / "scan", "--to", "orthanc")
        assert (code, "6 of 6 objects stored at orthanc" in said) == (0, True), said
    found = held(archive)
    assert len(archive.ask("/instances")) == 6
    assert [found[str(d.SOPInstanceUID)] for d in datasets] == datasets


def test_orthanc_answers_an_echo(archive: Orthanc, config: Path) -> None:
    """What was asked is said; wrong credentials and a wrong root are told with their remedies."""
    code, said = asked(archive, config, "echo", "orthanc")
    assert (code, "orthanc answered a QIDO-RS search in" in said) == (0, True), said
    for name, found, remedy in (
        ("stranger", "HTTP 401", "user and password"),
        ("elsewhere", "HTTP 404", "/studies is appended"),
    ):
        code, said = asked(archive, config, "echo", name)
        assert code == 1
        assert found in said
        assert remedy in said


def test_the_check_covers_a_dicomweb_server(archive: Orthanc, config: Path) -> None:
    """Beside every other part, with what was asked and what to do."""
    _, said = asked(archive, config, "check")
    assert "answered a QIDO-RS search in" in said
    assert "HTTP 401" in said


def test_an_object_that_orthanc_does_not_take_is_told_and_the_rest_is_there(
    archive: Orthanc, config: Path, tmp_path: Path
) -> None:
    """A file that is cut off within its pixels fails alone."""
    files = write_series(build_series(CtpSpec(slices=2, frames=2, seed=9)), tmp_path / "scan")
    files[1].write_bytes(files[1].read_bytes()[:600])
    code, said = asked(archive, config, "send", tmp_path / "scan", "--to", "orthanc", "--json")
    assert code == 1
    assert '"stored": 3' in said


ASKING = """
import json, sys
from pathlib import Path
from pydicom import dcmread
from node.ports import SentObject
from node.settings import load
from node.wiring import Node

headers = [dcmread(path, stop_before_pixels=True) for path in sys.argv[3:]]
sent = [SentObject(h.StudyInstanceUID, h.SeriesInstanceUID, h.SOPInstanceUID) for h in headers]
print(json.dumps(sorted(Node(load(Path(sys.argv[1]))).pacs(sys.argv[2]).holds(sent))))
"""


@pytest.mark.parametrize("name", ["dimse", "orthanc"])
def test_orthanc_says_what_it_has_both_ways(
    archive: Orthanc, config: Path, tmp_path: Path, name: str
) -> None:
    """By C-FIND and by QIDO-RS: what was sent, and not what was not."""
    spec = CtpSpec(slices=2, frames=3, seed=21 if name == "dimse" else 22)
    datasets = build_series(spec)
    files = write_series(datasets, tmp_path / "scan")
    code, said = asked(archive, config, "send", files[0], "--to", name)
    assert code == 0, said
    code, said = asked(archive, config, "send", files[3], "--to", name)
    assert code == 0, said
    command = [sys.executable, "-c", ASKING, config, name, *files]
    found = json.loads(archive.run(*command).splitlines()[-1])
    assert found == sorted(str(datasets[i].SOPInstanceUID) for i in (0, 3))


def test_the_maps_go_to_a_web_archive_which_is_asked_for_them(
    archive: Orthanc, tmp_path: Path
) -> None:
    """A whole node: a scan comes in, its results go out by STOW-RS, and QIDO-RS finds each."""
    scan = small_scan(tmp_path / "scan", "over the web")
    (tmp_path / "password").write_text(PASSWORD)
    destination = (
        f'[[destinations]]\nname = "web"\nurl = "http://127.0.0.1:{HTTP_PORT}/dicom-web"\n'
        f'user = "{USER}"\npassword = {{ file = "{tmp_path}/password" }}\nverify = "find"\n'
    )
    with running_node(tmp_path / "node", destination, inside=archive.inside) as node:
        wait_for(lambda: "listener_started" in node.log, "the listener is there")
        storescu = require("storescu", package="dcmtk")
        archive.run(storescu, "-R", "-aec", "PERFUSION", "127.0.0.1", str(node.port), *scan.files)
        node.wait_for_state("DELIVERED", "FAILED", "REFUSED", uid=scan.series_uid)
        record = node.ask("show", scan.series_uid)
        assert PASSWORD not in node.log
    assert record["state"] == "DELIVERED", record["reason"]
    made = {result["sop_instance_uid"] for result in record["results"]}
    assert {delivery["state"] for delivery in record["deliveries"]} == {"STORED"}
    assert made <= set(held(archive))
    told = [event["detail"] for event in record["events"] if event["name"] == "verified"]
    assert told == [f"web has {len(made)} of {len(made)} objects"]


def test_an_archive_that_is_killed_has_every_map_once_when_it_is_back(tmp_path: Path) -> None:
    """SIGKILL of Orthanc while its results are made; they wait for it, and arrive, each once."""
    require_file(PLUGIN, package="orthanc-dicomweb")
    scan = small_scan(tmp_path / "scan", "over the web, twice")
    destination = (
        f'[[destinations]]\nname = "web"\nurl = "http://127.0.0.1:{HTTP_PORT}/dicom-web"\n'
        'verify = "find"\n'
    )
    extra = "[jobs]\nretry_first_s = 0.5\nretry_longest_s = 2.0\n"
    with (
        running_orthanc(tmp_path / "archive", WITH_PLUGIN) as archive,
        running_node(tmp_path / "node", destination, extra=extra, inside=archive.inside) as node,
    ):
        wait_for(lambda: "listener_started" in node.log, "the listener is there")
        storescu = require("storescu", package="dcmtk")
        command = (storescu, "-R", "-aec", "PERFUSION", "127.0.0.1", str(node.port))
        archive.run(*command, *scan.files)
        with archive.killed():
            wait_for(lambda: "destination_failed" in node.log, "the node finds nobody there")
        node.inside = archive.inside
        node.wait_for_state("DELIVERED", "FAILED", uid=scan.series_uid)
        record = node.ask("show", scan.series_uid)
        assert record["state"] == "DELIVERED", record["reason"]
        made = sorted(result["sop_instance_uid"] for result in record["results"])
        assert sorted(held(archive)) == made
        assert len(archive.ask("/instances")) == len(made)
        assert {delivery["state"] for delivery in record["deliveries"]} == {"STORED"}
