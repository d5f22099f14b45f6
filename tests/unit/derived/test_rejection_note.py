"""What a rerun tells an archive about the results that it replaces."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import ComprehensiveSRStorage, CTImageStorage, SegmentationStorage

from node.derived import EarlierResult, EncodeOptions, rejection_notes
from tests.support.ctp import CtpSpec
from tests.support.dicom_checks import entity_complaints, iod_complaints, written
from tests.unit.derived.case import OPTIONS, reread, source
from tests.unit.derived.test_identity import LACKING

SPEC = CtpSpec(slices=2, frames=2, rows=16, pixel_mm=12.0)


def earlier(kind: str, number: int, sop_class: str, *, delivered: bool = True) -> EarlierResult:
    return EarlierResult(kind, 1, sop_class, f"1.2.{number}", f"1.2.{number}.1", delivered)


EARLIER = (
    earlier("background", 1, CTImageStorage),
    earlier("segmentation", 2, SegmentationStorage),
    earlier("parametric_map", 3, CTImageStorage, delivered=False),
    earlier("report", 4, ComprehensiveSRStorage),
    earlier("rejection_note", 5, "1.2.840.10008.5.1.4.1.1.88.59"),
)
RERUN = replace(OPTIONS, revision=2, kinds=("rejection_note",), supersedes=EARLIER)
WANTED = ["1.2.1.1", "1.2.2.1", "1.2.4.1"]


def note(options: EncodeOptions = RERUN, origin: Dataset | None = None) -> Dataset:
    (made,) = rejection_notes(origin or source(SPEC), options)
    assert made.kind == "rejection_note"
    return made.dataset


def test_a_note_names_what_an_archive_was_given_and_nothing_else() -> None:
    """Tree and evidence cite the same objects: what was delivered, and no note about others."""
    made = reread(note())
    cited = [i for i in made.ContentSequence if "ReferencedSOPSequence" in i]
    assert [i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in cited] == WANTED
    assert [i.ValueType for i in cited] == ["IMAGE", "IMAGE", "COMPOSITE"]
    (study,) = made.CurrentRequestedProcedureEvidenceSequence
    assert study.StudyInstanceUID == made.StudyInstanceUID
    held = {
        (one.SeriesInstanceUID, item.ReferencedSOPInstanceUID)
        for one in study.ReferencedSeriesSequence
        for item in one.ReferencedSOPSequence
    }
    assert held == {(uid.rpartition(".")[0], uid) for uid in WANTED}
    assert made.SeriesDescription.endswith("(revision 2, supersedes revision 1)")
    assert made.PatientID == source(SPEC).PatientID


@pytest.mark.parametrize(("reason", "code"), [("quality", "113001"), ("safety", "113037")])
def test_the_title_says_why_as_the_site_has_it(reason: str, code: str) -> None:
    """An archive marks or hides by the title's code (IHE RAD TF-2, 4.66)."""
    made = note(replace(RERUN, rejection_reason=reason))
    (title,) = made.ConceptNameCodeSequence
    assert (title.CodeValue, title.CodingSchemeDesignator) == (code, "DCM")


@pytest.mark.parametrize(
    "options",
    [
        replace(RERUN, kinds=("report",)),
        replace(RERUN, supersedes=()),
        replace(RERUN, supersedes=EARLIER[2:3]),
    ],
    ids=["not wanted", "first revision", "nothing delivered"],
)
def test_there_is_no_note_without_need(options: EncodeOptions) -> None:
    """Only a site that asks for notes, and has something to reject, gets one."""
    assert rejection_notes(source(SPEC), options) == []


@pytest.mark.parametrize("bare", [False, True], ids=["whole", "without identity"])
def test_a_note_is_valid_and_repeats_itself(bare: bool, tmp_path: Path) -> None:
    """dicom3tools has no complaint; the same rerun gives the same bytes, another its own UID."""
    origin = source(SPEC, dict.fromkeys(LACKING) if bare else None)
    made = note(origin=origin)
    paths = written([made], tmp_path)
    assert iod_complaints(paths) == []
    study = [] if bare else written([origin], tmp_path / "source")
    assert entity_complaints([*study, *paths]) == []
    assert note(origin=origin) == made
    others = [
        note(replace(RERUN, revision=3), origin),
        note(replace(RERUN, supersedes=EARLIER[:1]), origin),
    ]
    assert len({made.SOPInstanceUID, *(o.SOPInstanceUID for o in others)}) == 3
