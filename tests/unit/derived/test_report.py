"""The structured report says every number, its sources and its flags, and is read by others."""

import re
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import highdicom as hd
import pytest
from pydicom import Dataset
from pydicom.uid import ComprehensiveSRStorage

from node.derived import EarlierResult, read_report
from node.perfusion import Grade, QualityCheck, VolumeRange
from tests.support.ctp import CtpSpec
from tests.support.dicom_checks import iod_complaints, written
from tests.support.peers import require
from tests.unit.derived.case import Case, case, reread, source
from tests.unit.derived.test_identity import LACKING

SPEC = CtpSpec(slices=2, frames=3, rows=16, pixel_mm=12.0)
FLAGS = (
    QualityCheck("motion", Grade.FAIL, "the head turned by 3.1° (at most 1°)"),
    QualityCheck("no_normal_tissue", Grade.CAUTION, "no tissue — with normal perfusion"),
    QualityCheck("noise", Grade.OK, "noise of 5 HU at 5 mm (at most 12 HU)"),
)
NUMBERS = {
    "core_ml": 21.6,
    "core_least_ml": 15.25,
    "core_most_ml": 30.75,
    "hypoperfusion_ml": 80.4,
    "hypoperfusion_least_ml": 60.0,
    "hypoperfusion_most_ml": 101.13,
    "mismatch_ml": 58.8,
    "mismatch_ratio": 3.72,
    "hypoperfusion_intensity_ratio": 0.35,
    "normal_cbf": 51.27,
    "tmax_above_4_s_ml": 140.1,
    "tmax_above_6_s_ml": 80.4,
    "tmax_above_8_s_ml": 44.2,
    "tmax_above_10_s_ml": 28.14,
    "cbf_below_20_percent_ml": 9.3,
    "cbf_below_30_percent_ml": 21.6,
    "cbf_below_34_percent_ml": 25.5,
    "cbf_below_38_percent_ml": 31.7,
}


def told() -> Case:
    """An analysis in which no two numbers are the same by chance."""
    made = case(SPEC)
    lesion = replace(
        made.lesion,
        core_ml=21.6,
        hypoperfusion_ml=80.4,
        hypoperfusion_intensity_ratio=0.35,
        normal_cbf=51.2719,
        tmax_above_ml={4.0: 140.1, 6.0: 80.4, 8.0: 44.2, 10.0: 28.14},
        rcbf_below_ml={0.2: 9.3, 0.3: 21.6, 0.34: 25.5, 0.38: 31.7},
        range_ml=VolumeRange((60.0, 101.13), (15.25, 30.75)),
    )
    return replace(made, lesion=lesion, flags=FLAGS)


@cache
def report() -> Dataset:
    """Its report, written and read again; nobody changes it."""
    return reread(told().of_kind("report")[0])


def test_every_number_reads_back() -> None:
    """What the analysis found is in the report, by its name in numbers.json, to a hundredth."""
    read = read_report(report())
    brain_ml = float(told().maps.brain.sum()) * told().maps.voxel_ml
    assert read == pytest.approx({**NUMBERS, "brain_ml": brain_ml}, abs=0.005)


def test_highdicom_reads_volumes_units_and_segments(tmp_path: Path) -> None:
    """Another reader finds each volume [ml] by its finding, at its segment of the Segmentation."""
    [path] = written([report()], tmp_path)
    segments = told().of_kind("segmentation")[0]
    content = hd.sr.srread(path).content
    found = {}
    for group in content.get_volumetric_roi_measurement_groups():
        [volume] = group.get_measurements(name=hd.sr.CodedConcept("118565006", "SCT", "Volume"))
        cited = group.referenced_segment[0].ReferencedSOPSequence[0]
        assert cited.ReferencedSOPInstanceUID == segments.SOPInstanceUID
        number = int(cited.ReferencedSegmentNumber)
        assert group.tracking_uid == segments.SegmentSequence[number - 1].TrackingUID
        found[group.finding_type.meaning] = (number, volume.value, volume.unit.value)
    assert found["Infarct"] == (3, 21.6, "ml")
    assert found["Ischemia"] == (2, 80.4, "ml")
    assert found["Brain"][0] == 1


def test_dsrdump_shows_the_numbers(tmp_path: Path) -> None:
    """DCMTK reads the document and prints every number of it."""
    program = require("dsrdump", package="dcmtk")
    [path] = written([report()], tmp_path)
    done = subprocess.run([program, "+Pl", str(path)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "Verification Flag   : UNVERIFIED" in done.stdout
    assert "NOT FOR DIAGNOSTIC USE" in done.stdout
    shown = {float(n) for n in re.findall(r'NUM:[^=]*="([-0-9.]+)"', done.stdout)}
    stated = {v for k, v in NUMBERS.items() if "least" not in k and "most" not in k}
    assert stated <= shown


def test_every_check_stands_with_grade_and_words(tmp_path: Path) -> None:
    """Name and grade are coded, what was measured stands beneath, in ASCII; ok ones too."""
    checks = [
        (
            item.ConceptNameCodeSequence[0].CodeValue,
            item.ConceptCodeSequence[0].CodeValue,
            item.ContentSequence[0].TextValue,
        )
        for item in report().ContentSequence[-1].ContentSequence
    ]
    assert checks == [
        ("motion", "FAIL", "the head turned by 3.1 degrees (at most 1 degrees)"),
        ("no_normal_tissue", "CAUTION", "no tissue - with normal perfusion"),
        ("noise", "OK", "noise of 5 HU at 5 mm (at most 12 HU)"),
    ]
    [silent] = replace(case(SPEC), flags=FLAGS[-1:]).of_kind("report")
    first, second = silent.ContentSequence[-1].ContentSequence
    assert first.ConceptCodeSequence[0].CodeMeaning == "None"
    assert second.ConceptCodeSequence[0].CodeMeaning == "Within its limits"
    assert iod_complaints(written([silent], tmp_path)) == []


def test_the_algorithm_is_named_with_all_that_the_numbers_depend_on() -> None:
    """TID 4019 in each group: name, version, digest and thresholds."""
    measured = next(i for i in report().ContentSequence if "Imaging M" in _name(i))
    for group in measured.ContentSequence:
        said = {_name(i): [] for i in group.ContentSequence}
        for item in group.ContentSequence:
            said[_name(item)].append(item.get("TextValue"))
        assert said["Algorithm Name"] == ["perfusion"]
        assert f"sha256={'0123456789abcdef' * 4}" in said["Algorithm Parameters"]
        assert {"tmax_s=6", "rcbf=0.3"} <= set(said["Algorithm Parameters"])


def _name(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


def test_the_evidence_is_complete() -> None:
    """Every source image, the background, the segmentation and the maps, in the same study."""
    made = told()
    [study] = report().CurrentRequestedProcedureEvidenceSequence
    cited = {
        (series.SeriesInstanceUID, item.ReferencedSOPInstanceUID)
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    kinds = ("background", "segmentation", "parametric_map")
    results = replace(made, options=replace(made.options, kinds=kinds)).encoded()
    expected = {(o.dataset.SeriesInstanceUID, o.sop_instance_uid) for o in results}
    headers = [image.header for frame in made.series.grid for image in frame]
    expected |= {(h.series_instance_uid, h.sop_instance_uid) for h in headers}
    assert cited == expected
    assert study.StudyInstanceUID == made.source.StudyInstanceUID == report().StudyInstanceUID


def test_a_report_names_the_one_it_replaces(tmp_path: Path) -> None:
    """PredecessorDocumentsSequence cites the last report, and a first one cites none."""
    first = case(SPEC)
    earlier = [
        EarlierResult(
            "report", n, ComprehensiveSRStorage, f"1.2.{n}", f"1.2.{n}.4", delivered=False
        )
        for n in (3, 2)
    ]
    later = replace(first, options=replace(first.options, revision=4, supersedes=tuple(earlier)))
    [made] = later.of_kind("report")
    [study] = made.PredecessorDocumentsSequence
    [series] = study.ReferencedSeriesSequence
    [cited] = series.ReferencedSOPSequence
    assert study.StudyInstanceUID == made.StudyInstanceUID
    assert (series.SeriesInstanceUID, cited.ReferencedSOPInstanceUID) == ("1.2.3", "1.2.3.4")
    assert cited.ReferencedSOPClassUID == made.SOPClassUID
    assert iod_complaints(written([made], tmp_path)) == []
    assert "PredecessorDocumentsSequence" not in report()


@pytest.mark.parametrize("empty", [True, False], ids=["no lesion", "no identity"])
def test_what_is_not_known_is_left_out(empty: bool, tmp_path: Path) -> None:
    """Without core, lesion or identity nothing is invented, and the document stays valid."""
    made = case(replace(SPEC, slices=1), empty=empty)
    if not empty:
        made = replace(made, source=source(SPEC, dict.fromkeys(LACKING)))
    made = replace(made, lesion=replace(made.lesion, normal_cbf=0.0))
    [document] = made.of_kind("report")
    read = read_report(document)
    assert ("mismatch_ratio" in read, "hypoperfusion_intensity_ratio" in read) == (
        made.lesion.core_ml > 0,
        not empty,
    )
    assert not {"normal_cbf", "core_least_ml", "tmax_above_6_s_ml"} & read.keys()
    assert "BodyPartExamined" not in document
    assert "LossyImageCompression" not in document
    assert iod_complaints(written([document], tmp_path)) == []


def test_hundreds_of_sources_make_a_small_document() -> None:
    """480 source images cost a line each in the evidence and nothing in the tree."""
    few, many = (
        case(replace(SPEC, slices=16, frames=frames)).of_kind("report")[0] for frames in (2, 30)
    )
    tree = [len(_items(document)) for document in (few, many)]
    assert tree[0] == tree[1] < 400


def _items(node: Dataset) -> list[Dataset]:
    inner = list(node.get("ContentSequence", ()))
    return [item for each in inner for item in (each, *_items(each))]
