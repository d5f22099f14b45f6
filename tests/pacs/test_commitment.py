"""Storage commitment between the whole node and Orthanc, which replies on its own association."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.pacs.test_whole_route import Site
from tests.support.orthanc import AE_TITLE, DICOM_PORT, running_orthanc
from tests.support.running_node import free_port, running_node, wait_for
from tests.support.studies import small_scan

# Orthanc answers a C-STORE that its filter drops with success: the reply alone tells.
DROPS_THE_FIRST_SEGMENTATION = """
dropped = false
function ReceivedInstanceFilter(dicom, origin, info)
  if dicom.Modality == 'SEG' and not dropped then
    dropped = true
    return false
  end
  return true
end
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A node and an Orthanc that knows it, and loses one object."""
    folder, port = tmp_path_factory.mktemp("site"), free_port()
    script = folder / "drops.lua"
    script.write_text(DROPS_THE_FIRST_SEGMENTATION)
    known = {"perfusion": ["PERFUSION", "127.0.0.1", port]}
    settings = {"DicomModalities": known, "LuaScripts": [str(script)]}
    destinations = (
        f'[[destinations]]\nname = "orthanc"\nae_title = "{AE_TITLE}"\nport = {DICOM_PORT}\n'
        "commitment = true\n"
    )
    with (
        running_orthanc(folder / "pacs", settings) as pacs,
        running_node(folder / "node", destinations, inside=pacs.inside, port=port) as node,
    ):
        wait_for(lambda: node.ask("echo", "orthanc")["orthanc"]["answered"], "Orthanc answers")
        yield Site(node, pacs)


@pytest.fixture(scope="module")
def record(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A small scan, sent and confirmed."""
    scan = small_scan(tmp_path_factory.mktemp("scan"), "committed")
    site.push(*scan.files)
    site.node.wait_for_state("CONFIRMED", "FAILED", "REFUSED", uid=scan.series_uid)
    return dict(site.node.ask("show", scan.series_uid))


def test_orthanc_confirms_everything_that_it_stored(site: Site, record: dict[str, Any]) -> None:
    """CONFIRMED: each result has its commitment, and Orthanc holds it once."""
    assert record["state"] == "CONFIRMED", record["reason"]
    assert {d["commitment"]["state"] for d in record["deliveries"]} == {"CONFIRMED"}
    held = [str(r.SOPInstanceUID) for r in site.results(record["study_instance_uid"])]
    assert sorted(held) == sorted(r["sop_instance_uid"] for r in record["results"])
    assert record["confirmed_at"] > record["delivered_at"]


def test_an_object_that_orthanc_lost_is_sent_again_and_confirmed(record: dict[str, Any]) -> None:
    """C-STORE was answered with success and nothing kept: the reply tells, and it is mended."""
    names = [event["name"] for event in record["events"]]
    assert names.count("commitment_replied") == 2
    assert names.count("delivered") == 2
    (segmentation,) = [r for r in record["results"] if r["kind"] == "segmentation"]
    replies = [e["detail"] for e in record["events"] if e["name"] == "commitment_replied"]
    number = len(record["results"])
    assert replies == [
        f"orthanc confirms {number - 1} of {number} objects",
        "orthanc confirms 1 of 1 objects",
    ]
    (delivery,) = [
        d for d in record["deliveries"] if d["sop_instance_uid"] == segmentation["sop_instance_uid"]
    ]
    assert (delivery["state"], delivery["commitment"]["failure"]) == ("STORED", None)


def test_check_says_that_orthanc_takes_part(site: Site) -> None:
    """An administrator finds out before the first study."""
    found = {each["what"]: each for each in site.node.ask("check")}
    assert found["commitment orthanc"]["good"], found["commitment orthanc"]
