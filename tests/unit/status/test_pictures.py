"""Pictures of the maps, made from the result objects that are kept here."""

from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from node.people import Role
from node.ports import ResultRecord, SeriesRecord, SeriesState
from node.status import create_app, pictures
from tests.support import night
from tests.support.fake_archive import FakeArchive, a_series
from tests.support.guarded import guarded, sign_in
from tests.support.serving import served
from tests.unit.status.conftest import Show

COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255))


def capture(folder: Path, number: int) -> Path:
    """A Secondary Capture of one colour, 40 wide and 20 high."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = SecondaryCaptureImageStorage
    image.SOPInstanceUID = f"1.2.3.{number}"
    image.InstanceNumber = number + 1
    image.Rows, image.Columns = 20, 40
    pixels = np.empty((20, 40, 3), np.uint8)
    pixels[:] = COLOURS[number]
    image.add_new("PixelData", "OB", pixels.tobytes())
    path = folder / f"{number}.dcm"
    image.save_as(path, enforce_file_format=True)
    return path


def result(path: Path, number: int, revision: int = 1, kind: str = "colour") -> ResultRecord:
    return ResultRecord(
        sop_instance_uid=f"1.2.3.{number}",
        sop_class_uid=SecondaryCaptureImageStorage,
        series_instance_uid=f"1.2.{revision}",
        kind=kind,
        description="CTP CBF [ml/100g/min]",
        path=path,
        revision=revision,
    )


@pytest.fixture
def record(tmp_path: Path) -> SeriesRecord:
    made = [result(capture(tmp_path, n), n) for n in reversed(range(5))]
    page = result(tmp_path / "page.dcm", 9, kind="summary_page")
    return a_series(1, SeriesState.DELIVERED, results=(*made, page))


def address(record: SeriesRecord, result_uid: str = "1.2.1", size: str = "small") -> str:
    return f"/series/{record.series_instance_uid}/maps/{result_uid}/{size}.png"


def test_the_slices_of_a_map_are_one_picture_in_their_order(
    record: SeriesRecord, show: Show
) -> None:
    """By Instance Number, row by row, whatever order the objects are listed in."""
    client = show(FakeArchive(record), night.probes())
    answer = client.get(address(record))
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"].startswith("private")
    sheet = np.asarray(Image.open(BytesIO(answer.content)))
    assert sheet.shape == (2 * 60, 3 * 120, 3)
    seen = [tuple(sheet[30 + 60 * (n // 3), 60 + 120 * (n % 3)]) for n in range(5)]
    assert seen == list(COLOURS)
    large = Image.open(BytesIO(client.get(address(record, size="large")).content))
    assert large.size == (3 * 384, 2 * 192)


def test_the_page_shows_the_maps_and_no_page_with_a_name_on_it(
    record: SeriesRecord, show: Show
) -> None:
    """The summary page names the patient: it is no preview."""
    client = show(FakeArchive(record), night.probes())
    html = client.get(f"/series/{record.series_instance_uid}").text
    assert address(record) in html
    assert "CBF [ml/100g/min], 5 slices" in html
    assert [stack.name for stack in pictures.stacks(record)] == ["CBF [ml/100g/min]"]


def test_only_the_latest_revision_is_shown(record: SeriesRecord, tmp_path: Path) -> None:
    """Maps that were superseded are not looked at by mistake."""
    later = replace(record, results=(*record.results, result(tmp_path / "0.dcm", 7, revision=2)))
    assert [stack.uid for stack in pictures.stacks(later)] == ["1.2.2"]
    deleted = replace(record, results_expired_at=datetime.fromisoformat("2026-03-01T00:00+00:00"))
    assert pictures.stacks(deleted) == ()


@pytest.mark.parametrize(
    ("result_uid", "size", "status"),
    [
        ("1.2.9", "small", 404),
        ("1.2.3.9", "small", 404),
        ("..%2F..%2Fetc%2Fpasswd", "small", 400),
        ("1.2.1", "..%2Fsmall", 400),
        ("1.2.1", "huge", 422),
        ("abc", "small", 422),
    ],
)
def test_nothing_else_is_handed_out(
    record: SeriesRecord, show: Show, result_uid: str, size: str, status: int
) -> None:
    """What the registry does not list as a colour map has no picture, whatever is asked for."""
    client = show(FakeArchive(record), night.probes())
    assert client.get(address(record, result_uid, size)).status_code == status


def test_a_file_that_is_gone_is_said_with_a_remedy(record: SeriesRecord, show: Show) -> None:
    """On another host, or deleted meanwhile: 404, and where else to look."""
    record.results[2].path.unlink()
    answer = show(FakeArchive(record), night.probes()).get(address(record))
    assert answer.status_code == 404
    assert "Look in the PACS" in answer.text


def test_the_summary_page_is_shown_to_those_who_have_signed_in_alone(tmp_path: Path) -> None:
    """It names the patient: an open page does not show it, and no browser keeps it."""
    page = result(capture(tmp_path, 0), 0, kind="summary_page")
    archive = FakeArchive(record := a_series(1, SeriesState.DELIVERED, results=(page,)))
    address = f"/series/{record.series_instance_uid}/summary"
    with served(create_app(archive, night.probes())) as at, httpx.Client(base_url=at) as anyone:
        assert anyone.get(f"{address}.png").status_code == 403
        assert anyone.get(address).status_code == 403
    with guarded(tmp_path, archive) as people:
        people.add("ana", role=Role.VIEWER)
        with served(people.app()) as at, httpx.Client(base_url=at, timeout=60.0) as client:
            assert client.get(f"{address}.png").status_code != 200
            sign_in(client)
            answer = client.get(f"{address}.png")
            assert answer.headers["content-type"] == "image/png"
            assert answer.headers["cache-control"] == "no-store"
            assert "Names the patient" in client.get(address).text
