"""docs/integration.md tried: its DCMTK lines against a listener, its rule in a real Orthanc."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.support.namespace import in_a_network_of_its_own
from tests.support.orthanc import AE_TITLE, DICOM_PORT, running_orthanc
from tests.support.peers import require
from tests.support.running_node import ROOT, free_port, running_node, wait_for
from tests.support.scp_process import scp_process
from tests.support.studies import one_image, small_scan, topogram

PAGE = (ROOT / "docs" / "integration.md").read_text()
PORT = 11112
TOOLS = ("echoscu", "storescu", "storescp")


def lines_of(tool: str) -> list[str]:
    """The page's lines that run one of DCMTK's tools, without their comments."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    lines = [line.partition("  #")[0] for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith(f"{tool} ")]


def run(line: str, **words: str) -> subprocess.CompletedProcess[str]:
    """The line as it stands, with its placeholders filled in."""
    program, *arguments = shlex.split(line)
    filled = [words.get(word, word) for word in arguments]
    return subprocess.run(
        [require(program, package="dcmtk"), *filled], capture_output=True, text=True, check=False
    )


def test_the_lines_for_dcmtk_work_as_they_stand(tmp_path: Path) -> None:
    """C-ECHO and C-STORE of a folder reach a listener with the default title and port."""
    image = one_image(tmp_path / "study", seed=3)
    (echo,), (store,) = lines_of("echoscu"), lines_of("storescu")

    def work() -> list[subprocess.CompletedProcess[str]]:
        with scp_process(tmp_path, PORT):
            words = {"NODE": "127.0.0.1", "FOLDER": str(image.parent)}
            return [run(line, **words) for line in (echo, store)]

    for done in in_a_network_of_its_own(work):
        assert done.returncode == 0, done.stderr
        assert "Received" in done.stdout + done.stderr
    assert len(list((tmp_path / "data").rglob("*.dcm"))) == 1


@pytest.mark.parametrize(
    ("settings", "line", "row"),
    [
        ("", "-aec OTHER", "Called AE Title Not Recognized"),
        (
            'allowed_peers = [{ ae_title = "SCANNER1" }]\n',
            "-aec PERFUSION -aet STRANGER",
            "Calling AE Title Not Recognized",
        ),
    ],
)
def test_a_rejection_reads_as_the_table_says(
    tmp_path: Path, settings: str, line: str, row: str
) -> None:
    """The words of DCMTK stand in the table, and mean what it says."""

    def work() -> subprocess.CompletedProcess[str]:
        with scp_process(tmp_path, PORT, settings=settings):
            return run(f"echoscu -v {line} 127.0.0.1 {PORT}")

    done = in_a_network_of_its_own(work)
    assert done.returncode != 0
    assert row in done.stdout + done.stderr
    assert f"| Association Rejected, {row} |" in PAGE


def test_the_line_for_a_pacs_of_dcmtk_runs(tmp_path: Path) -> None:
    """It takes an image into the folder that it names."""
    image = one_image(tmp_path / "study", seed=4)
    (line,) = lines_of("storescp")
    (tmp_path / "received").mkdir()

    def work() -> subprocess.CompletedProcess[str]:
        program, *arguments = shlex.split(line)
        pacs = subprocess.Popen([require(program, package="dcmtk"), *arguments], cwd=tmp_path)
        try:
            wait_for(lambda: run("echoscu 127.0.0.1 10104").returncode == 0, "it answers")
            return run(f"storescu -v 127.0.0.1 10104 {image}")
        finally:
            pacs.kill()
            pacs.wait()

    assert in_a_network_of_its_own(work).returncode == 0
    assert len(list((tmp_path / "received").iterdir())) == 1


def _topogram(folder: Path) -> Path:
    """One whose description does not say perfusion."""
    path = topogram(folder, seed=5)
    image = dcmread(path)
    image.SeriesDescription, image.ProtocolName = "Topogram 0.6", "Head"
    image.save_as(path)
    return path


def test_orthanc_sends_perfusion_to_the_node_and_never_its_results(tmp_path: Path) -> None:
    """The rule as shipped: the scan goes, a topogram does not, and maps do not go round."""
    port = free_port()
    settings = {
        "DicomModalities": {"perfusion": ["PERFUSION", "127.0.0.1", port]},
        "LuaScripts": [str(ROOT / "deploy" / "orthanc-routing.lua")],
        "StableAge": 1,
    }
    destination = (
        f'[[destinations]]\nname = "orthanc"\nae_title = "{AE_TITLE}"\nport = {DICOM_PORT}\n'
    )
    scan = small_scan(tmp_path / "scan", "routed")
    with (
        running_orthanc(tmp_path / "pacs", settings) as pacs,
        running_node(tmp_path / "node", destination, inside=pacs.inside, port=port) as node,
    ):
        pacs.store(_topogram(tmp_path / "topogram").parent)
        pacs.store(scan.folder)
        node.wait_for_state("DELIVERED", uid=scan.series_uid)
        wait_for(
            lambda: len([s for s in pacs.ask("/series?expand") if s["IsStable"]]) > 10,
            "the results are stable in Orthanc, and its rule has seen them",
        )
        assert [s["series_instance_uid"] for s in node.series()] == [scan.series_uid]
