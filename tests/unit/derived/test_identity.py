"""The patient's identity is copied, never made."""

from datetime import UTC, datetime
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread

from node.derived import EncodeOptions
from tests.support.ctp import CtpSpec
from tests.unit.derived.case import Case, case, part10, reread, source

SMALL = {"slices": 1, "frames": 2, "rows": 16, "pixel_mm": 12.0}
NAMES = {
    "Latin-1": ("ISO_IR 100", "Müller^Jürgen"),
    "UTF-8": ("ISO_IR 192", "Wałęsa^Łukasz"),
    "Japanese": (
        ("", "ISO 2022 IR 87"),
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    "Korean": (("", "ISO 2022 IR 149"), "Hong^Gildong=洪^吉洞=홍^길동"),
    "GB18030": ("GB18030", "Wang^XiaoDong=王^小东"),
    "Cyrillic": ("ISO_IR 144", "Люкceмбypг"),
}
LACKING = (
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDescription",
    "StudyTime",
    "ReferringPhysicianName",
    "FrameOfReferenceUID",
    "InstitutionName",
    "Manufacturer",
    "KVP",
    "PatientPosition",
    "SpecificCharacterSet",
)


def with_source(changed: Dataset, spec: CtpSpec) -> Case:
    made = case(spec)
    return Case(changed, made.series, made.geometry, made.maps, made.lesion)


@pytest.mark.parametrize(("charset", "name"), NAMES.values(), ids=NAMES)
def test_a_name_reads_back_equal_in_every_object(charset: str | tuple[str, ...], name: str) -> None:
    """Whatever the source's character set, the name has the same characters and bytes."""
    spec = CtpSpec(**SMALL, charset=charset, patient_name=name)
    original = source(spec)
    raw = bytes(original.get_item("PatientName").value)
    made = with_source(original, spec).encoded()
    for derived in made:
        again = reread(derived.dataset)
        assert bytes(again.get_item("PatientName").value).rstrip() == raw.rstrip()
        assert str(again.PatientName) == name
        assert again.get("SpecificCharacterSet") == original.SpecificCharacterSet


@pytest.mark.parametrize("label", [b"ISO_IR 100", b"          "])
def test_bytes_under_a_wrong_character_set_stay_what_they_were(label: bytes) -> None:
    """UTF-8 bytes that a sender labelled Latin-1, or not at all, are passed on unchanged."""
    name = "Grüße^Łukasz"
    spec = CtpSpec(**SMALL, charset="ISO_IR 192", patient_name=name)
    mislabelled = dcmread(BytesIO(part10(source(spec)).replace(b"ISO_IR 192", label)))
    made = with_source(mislabelled, spec).encoded()
    assert all(name.encode() in part10(o.dataset) for o in made)


def test_the_issuer_codes_and_requests_come_along() -> None:
    """Nested identity (issuers, procedure codes, requests) is the source's."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "CTP", "99X", "Kopf-Perfusion ä"
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProcedureStepID = "RP1", "SPS1"
    issuer = Dataset()
    issuer.LocalNamespaceEntityID = "RIS"
    spec = CtpSpec(**SMALL)
    original = source(
        spec,
        {
            "ProcedureCodeSequence": [item],
            "RequestAttributesSequence": [request],
            "IssuerOfAccessionNumberSequence": [issuer],
            "PatientWeight": "71.5",
        },
    )
    for derived in with_source(original, spec).encoded():
        again = reread(derived.dataset)
        for keyword in (
            "ProcedureCodeSequence",
            "RequestAttributesSequence",
            "IssuerOfAccessionNumberSequence",
            "IssuerOfPatientID",
            "PatientAge",
            "PatientWeight",
            "StudyInstanceUID",
            "StudyDate",
            "StudyDescription",
        ):
            assert again[keyword].value == original[keyword].value, keyword


def test_a_source_without_identity_gives_objects_with_empty_identity() -> None:
    """What the source lacks is left empty where DICOM wants it, and never invented."""
    spec = CtpSpec(**SMALL)
    bare = source(spec, dict.fromkeys(LACKING))
    for derived in with_source(bare, spec).encoded():
        again = reread(derived.dataset)
        assert str(again.PatientName) == again.AccessionNumber == again.StudyID == ""
        assert "StudyDescription" not in again
        assert again.PatientID == "PN-0001"


def test_dates_are_those_of_the_options_in_the_sources_time_zone() -> None:
    """Nothing reads the clock; an aware time is written in the offset that the source states."""
    spec = CtpSpec(**SMALL)
    made = case(spec)
    created = datetime(2026, 3, 14, 22, 30, tzinfo=UTC)
    options = EncodeOptions(1, created, "0.1.0", kinds=("background", "parametric_map"))
    zoned = source(spec, {"TimezoneOffsetFromUTC": "+0530"})
    told = Case(zoned, made.series, made.geometry, made.maps, made.lesion, (), options)
    for derived in told.encoded():
        d = derived.dataset
        for what in ("Content", "Series", "InstanceCreation"):
            assert str(d[f"{what}Date"].value) == "20260315"
            assert str(d[f"{what}Time"].value).startswith("040000")
        assert d.TimezoneOffsetFromUTC == "+0530"
