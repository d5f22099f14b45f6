"""Orthanc stores every result object by C-STORE and gives it back unchanged."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from node.derived import read_map, read_report, refusal_page, segment_volumes_ml
from node.perfusion import Quantity
from node.refusals import Refusal, RefusalCode
from tests.support.ctp import CtpSpec
from tests.support.orthanc import Orthanc, running_orthanc, sent_to
from tests.unit.derived.case import OPTIONS, Case, case, source

SPEC = CtpSpec(slices=3, frames=2, rows=16, pixel_mm=12.0, charset="ISO_IR 192")


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path_factory.mktemp("pacs")) as server:
        yield server


@pytest.fixture(scope="module")
def stored(orthanc: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """An analysis whose objects are in Orthanc."""
    made = case(SPEC)
    page = refusal_page(
        source(SPEC), Refusal(RefusalCode.TOO_SHORT, "it covers 18 s", "Send more."), OPTIONS
    )
    datasets = [o.dataset for o in (*made.encoded(), page)]
    report = sent_to(orthanc, datasets, tmp_path_factory.mktemp("results") / "set")
    assert "Bad DICOM" not in report
    return made


def from_pacs(orthanc: Orthanc, sop_instance_uid: str) -> bytes:
    """The file of an instance as Orthanc gives it back."""
    found = orthanc.ask("/instances?expand")
    names = {i["MainDicomTags"]["SOPInstanceUID"]: i["ID"] for i in found}
    return orthanc.fetch(f"/instances/{names[sop_instance_uid]}/file")


def test_every_object_is_stored_in_one_study(orthanc: Orthanc, stored: Case) -> None:
    """All objects, the refusal page too, are in the same study of the same patient."""
    studies = orthanc.ask("/studies?expand")
    assert [s["MainDicomTags"]["StudyInstanceUID"] for s in studies] == [
        stored.series.study_instance_uid
    ]
    held = {i["MainDicomTags"]["SOPInstanceUID"] for i in orthanc.ask("/instances?expand")}
    assert {o.sop_instance_uid for o in stored.encoded()} < held
    assert len(held) == len(stored.encoded()) + 1
    assert studies[0]["PatientMainDicomTags"]["PatientName"] == "Doe^Jane"


def test_maps_and_volumes_read_out_of_the_pacs_are_those_of_the_analysis(
    orthanc: Orthanc, stored: Case
) -> None:
    """What a PACS gives back still holds the values, at their place, and the volumes."""
    for made, quantity in zip(stored.of_kind("parametric_map"), Quantity, strict=True):
        back = dcmread(BytesIO(from_pacs(orthanc, made.SOPInstanceUID)))
        values, geometry = read_map(back)
        assert np.array_equal(values, stored.maps[quantity])
        assert np.allclose(geometry.position_mm, stored.geometry.position_mm)
    segmented = stored.of_kind("segmentation")[0]
    back = dcmread(BytesIO(from_pacs(orthanc, segmented.SOPInstanceUID)))
    assert segment_volumes_ml(back)["Core"] == pytest.approx(stored.lesion.core_ml)
    document = stored.of_kind("report")[0]
    back = dcmread(BytesIO(from_pacs(orthanc, document.SOPInstanceUID)))
    assert read_report(back)["core_ml"] == pytest.approx(stored.lesion.core_ml, abs=0.005)


def test_the_colour_pictures_are_shown(orthanc: Orthanc, stored: Case) -> None:
    """Orthanc renders every colour picture: its preview is a PNG of the picture's size."""
    found = orthanc.ask("/instances?expand")
    names = {i["MainDicomTags"]["SOPInstanceUID"]: i["ID"] for i in found}
    for picture in stored.of_kind("colour")[::3]:
        preview = orthanc.fetch(f"/instances/{names[picture.SOPInstanceUID]}/preview")
        assert preview.startswith(b"\x89PNG")
        size = (int.from_bytes(preview[16:20], "big"), int.from_bytes(preview[20:24], "big"))
        assert size == (picture.Columns, picture.Rows)


def test_nothing_outside_the_namespace_can_reach_it(orthanc: Orthanc, tmp_path: Path) -> None:
    """Orthanc binds every address; in its own namespace those are the loopback's alone."""
    addresses = orthanc.run("ip", "-brief", "address")
    assert [line.split()[0] for line in addresses.splitlines() if line] == ["lo"]
