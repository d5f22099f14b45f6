"""The whole node beside a real PACS: DCMTK pushes, the node analyses, Orthanc holds the maps."""

import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import SegmentationStorage

from node.derived import segment_volumes_ml
from tests.support.dicom_checks import entity_complaints, iod_complaints, written
from tests.support.orthanc import AE_TITLE, DICOM_PORT, Orthanc, running_orthanc
from tests.support.peers import require
from tests.support.running_node import RunningNode, running_node, wait_for
from tests.support.studies import (
    Scan,
    angiogram,
    mr_series,
    one_image,
    short_scan,
    simulated,
    small_scan,
    topogram,
)

IDENTITY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "FrameOfReferenceUID",
)
ENDS = ("DELIVERED", "REFUSED", "FAILED", "IGNORED")


@dataclass(frozen=True)
class Site:
    """A node and its PACS on a network of their own."""

    node: RunningNode
    pacs: Orthanc

    def push(self, *files: Path, check: bool = True) -> str:
        """Send with DCMTK's storescu, as a scanner or PACS would; what it printed."""
        storescu = require("storescu", package="dcmtk")
        command = [storescu, "-v", "--no-halt", "-R", "-aec", "PERFUSION", "127.0.0.1"]
        done = subprocess.run(
            [*self.pacs.inside, *command, str(self.node.port), *map(str, files)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def ended(self, uid: str) -> dict[str, Any]:
        """The series once it has come to one of its ends, in full."""
        self.node.wait_for_state(*ENDS, uid=uid)
        return dict(self.node.ask("show", uid))

    def results(self, study_uid: str) -> list[Dataset]:
        """Every object that Orthanc holds of a study."""
        return [
            dcmread(BytesIO(self.pacs.fetch(f"/instances/{one['ID']}/file")))
            for one in self.pacs.ask("/instances?expand")
            if self.pacs.ask(f"/instances/{one['ID']}/study")["MainDicomTags"]["StudyInstanceUID"]
            == study_uid
        ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with running_orthanc(folder / "pacs") as pacs:
        destinations = (
            f'[[destinations]]\nname = "orthanc"\nae_title = "{AE_TITLE}"\nport = {DICOM_PORT}\n'
        )
        with running_node(folder / "node", destinations, inside=pacs.inside) as node:
            wait_for(lambda: node.ask("echo", "orthanc")["orthanc"]["answered"], "Orthanc answers")
            yield Site(node, pacs)


@pytest.fixture(scope="module")
def stroke(site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scan, dict[str, Any]]:
    """The demo's stroke, 16 slices x 30 frames x 512 x 512 in shuffled files, sent and ended."""
    scan = simulated(tmp_path_factory.mktemp("stroke"))
    site.push(*scan.files)
    return scan, site.ended(scan.series_uid)


def test_the_maps_of_a_shuffled_series_are_in_the_pacs(
    site: Site, stroke: tuple[Scan, dict[str, Any]]
) -> None:
    """A series pushed in any order ends DELIVERED, and Orthanc holds each result once."""
    scan, record = stroke
    assert record["state"] == "DELIVERED", record["reason"]
    held = [str(r.SOPInstanceUID) for r in site.results(str(scan.first.StudyInstanceUID))]
    assert sorted(held) == sorted(r["sop_instance_uid"] for r in record["results"])
    assert {d["state"] for d in record["deliveries"]} == {"STORED"}
    names = {r["description"] for r in record["results"]}
    assert all(any(q in name for name in names) for q in ("CBF", "CBV", "MTT", "TTP", "Tmax"))


def test_results_carry_the_patients_own_identity(
    site: Site, stroke: tuple[Scan, dict[str, Any]]
) -> None:
    """Name, numbers, study and frame of reference are the source's in every object."""
    scan, _ = stroke
    source = scan.first
    for result in site.results(str(source.StudyInstanceUID)):
        # A document and a page of pictures have no coordinates of their own.
        page = result.Modality == "SR" or "SUMMARY" in result.get("ImageType", [])
        names = IDENTITY[:-1] if page else IDENTITY
        assert {k: result.get(k) for k in names} == {k: source.get(k) for k in names}


def test_every_object_in_the_pacs_is_valid(
    site: Site, stroke: tuple[Scan, dict[str, Any]], tmp_path: Path
) -> None:
    """Dciodvfy and dcentvfy have nothing to say about what Orthanc gives back."""
    scan, _ = stroke
    paths = written(site.results(str(scan.first.StudyInstanceUID)), tmp_path)
    assert len(paths) > 100
    assert iod_complaints(paths) == []
    assert entity_complaints(paths) == []


def test_the_volumes_in_the_pacs_are_roughly_the_truth(
    site: Site, stroke: tuple[Scan, dict[str, Any]]
) -> None:
    """Core and hypoperfusion, read back from Orthanc, are near the simulated ones."""
    scan, record = stroke
    (segmentation,) = [
        r
        for r in site.results(str(scan.first.StudyInstanceUID))
        if r.SOPClassUID == SegmentationStorage
    ]
    volumes = segment_volumes_ml(segmentation)
    assert volumes["Core"] == pytest.approx(record["summary"]["core_ml"], abs=0.1)
    assert volumes["Core"] == pytest.approx(scan.truth["core_ml"], rel=0.35, abs=5)
    assert volumes["Hypoperfusion"] == pytest.approx(scan.truth["hypoperfusion_ml"], rel=0.25)


def test_a_study_sent_twice_is_one_result(site: Site, stroke: tuple[Scan, dict[str, Any]]) -> None:
    """Duplicates are a success and a no-op: same state, same results, nothing sent again."""
    scan, before = stroke
    assert "Failed" not in site.push(*scan.files[:40])
    after = site.ended(scan.series_uid)
    assert (after["revision"], after["instances"]) == (before["revision"], before["instances"])
    assert after["deliveries"] == before["deliveries"]


def test_images_over_three_associations_in_any_order_are_one_series(
    site: Site, tmp_path: Path
) -> None:
    """Several senders at once, random order: one series, analysed once, delivered."""
    scan = small_scan(tmp_path, "three associations")
    files = list(scan.files)
    random.Random(3).shuffle(files)
    storescu = require("storescu", package="dcmtk")
    command = [*site.pacs.inside, storescu, "-R", "-aec", "PERFUSION", "127.0.0.1"]
    senders = [
        subprocess.Popen([*command, str(site.node.port), *map(str, files[part::3])])
        for part in range(3)
    ]
    assert [sender.wait(120) for sender in senders] == [0, 0, 0]
    record = site.ended(scan.series_uid)
    assert (record["state"], record["revision"]) == ("DELIVERED", 1)
    assert record["instances"] == len(files)


def test_what_comes_along_with_a_perfusion_series_disturbs_nothing(
    site: Site, tmp_path: Path
) -> None:
    """What is no perfusion series ends visibly, without a page; the one sent with it is served."""
    scan = small_scan(tmp_path / "scan", "company")
    company = {
        "localizer": [topogram(tmp_path / "topogram", 31)],
        "not_perfusion": angiogram(tmp_path / "cta", 32),
        "one image": [one_image(tmp_path / "one", 33)],
        "MR": mr_series(tmp_path / "mr", 34),
    }
    site.push(*scan.files, *(path for paths in company.values() for path in paths))
    ends = {
        name: site.ended(str(dcmread(paths[0], stop_before_pixels=True).SeriesInstanceUID))
        for name, paths in company.items()
    }
    assert site.ended(scan.series_uid)["state"] == "DELIVERED"
    assert ends["MR"]["state"] == "IGNORED"
    for name in ("localizer", "not_perfusion"):
        assert (ends[name]["state"], ends[name]["reason"]["code"]) == ("REFUSED", name)
        assert ends[name]["results"] == []
    assert ends["one image"]["state"] == "REFUSED"
    assert ends["one image"]["reason"]["remedy"]


def test_a_refused_perfusion_series_sends_one_page(site: Site, tmp_path: Path) -> None:
    """Too short to analyse: REFUSED with its numbers, and one page in the PACS that says so."""
    files = short_scan(tmp_path, 41)
    site.push(*files)
    source = dcmread(files[0], stop_before_pixels=True)
    record = site.ended(str(source.SeriesInstanceUID))
    assert (record["state"], record["reason"]["code"]) == ("REFUSED", "too_short")
    assert "22.0 s" in record["reason"]["found"]
    page = wait_for(lambda: site.results(str(source.StudyInstanceUID)), "the page arrives")
    assert [p.PatientID for p in page] == [source.PatientID]


def test_files_that_are_no_instances_are_refused_and_nothing_else(
    site: Site, tmp_path: Path
) -> None:
    """A truncated file and one without pixels get their answers; the next series is served."""
    scan = small_scan(tmp_path / "scan", "bad files")
    whole = scan.files[0].read_bytes()
    truncated = tmp_path / "truncated.dcm"
    truncated.write_bytes(whole[: len(whole) // 2])
    bare = dcmread(scan.files[1])
    del bare.PixelData
    bare.SOPInstanceUID = bare.file_meta.MediaStorageSOPInstanceUID = "2.25.424242"
    bare.SeriesInstanceUID = "2.25.434343"
    bare.save_as(tmp_path / "bare.dcm")
    site.push(truncated, tmp_path / "bare.dcm", check=False)
    assert site.ended("2.25.434343")["reason"]["code"] == "no_pixels"
    site.push(*scan.files)
    assert site.ended(scan.series_uid)["state"] == "DELIVERED"


def test_a_wrong_called_title_is_rejected(site: Site) -> None:
    """The association is refused, not the images lost."""
    echoscu = require("echoscu", package="dcmtk")
    done = subprocess.run(
        [*site.pacs.inside, echoscu, "-aec", "WRONG", "127.0.0.1", str(site.node.port)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Called AE Title Not Recognized" in done.stdout + done.stderr
