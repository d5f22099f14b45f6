"""The patient's name reads the same in every kind of result as in the source."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from node.derived import refusal_page
from node.refusals import Refusal, RefusalCode
from tests.support.charsets import CHARSETS, Charset
from tests.support.ctp import CtpSpec
from tests.support.dicom_checks import iod_complaints, written
from tests.support.documents import ROOT, table
from tests.support.peers import require
from tests.unit.derived.case import OPTIONS, case, reread, source

REFUSAL = Refusal(RefusalCode.TOO_SHORT, "the series covers 18 s", "Send at least 30 s.")


def source_in(charset: Charset) -> tuple[CtpSpec, Dataset]:
    """An instance whose names and texts are in the character set."""
    spec = CtpSpec(slices=1, frames=2, rows=16, pixel_mm=12.0)
    if not charset.encoded:
        words = charset.name.partition("=")[0].replace("^", " ")
        named = replace(spec, charset=charset.declared, patient_name=charset.name)
        return named, source(named, {"StudyDescription": words, "SeriesDescription": words})
    original = source(spec, {"SpecificCharacterSet": None})
    value = charset.encoded + b" " * (len(charset.encoded) % 2)
    tag = Tag("PatientName")
    original[tag] = RawDataElement(tag, "PN", len(value), value, 0, False, True)
    return spec, reread(original)


def results_of(charset: Charset) -> tuple[Dataset, list[Dataset]]:
    """The source, and one object of each kind that is made of it, the refusal's page too."""
    spec, original = source_in(charset)
    made = replace(case(spec), source=original).encoded()
    kinds = {each.kind: each.dataset for each in made}
    page = refusal_page(original, REFUSAL, OPTIONS)
    return original, [*kinds.values(), page.dataset]


def name_bytes(dataset: Dataset) -> bytes:
    """The patient's name as it stands in a file that was just read."""
    return bytes(dataset.get_item("PatientName").value).rstrip()


def names_by_dcmtk(paths: Sequence[Path]) -> list[str]:
    """The patient's name in each file, as DCMTK decodes it."""
    program = require("dcmdump", package="dcmtk")
    said = []
    for path in paths:
        command = [program, "-q", "+U8", "+P", "0010,0010", str(path)]
        done = subprocess.run(command, capture_output=True, check=True)
        said.append(done.stdout.decode().partition("[")[2].rpartition("]")[0].strip())
    return said


@pytest.mark.parametrize("name", CHARSETS)
def test_the_name_reads_the_same_in_every_kind_of_result(name: str, tmp_path: Path) -> None:
    """Same bytes, same characters for pydicom, and valid objects for dciodvfy."""
    charset = CHARSETS[name]
    original, results = results_of(charset)
    paths = written(results, tmp_path)
    raw = name_bytes(reread(source_in(charset)[1]))
    for again in map(dcmread, paths):
        assert name_bytes(again) == raw
        assert str(again.PatientName) == str(original.PatientName) == charset.name
        assert again.get("SpecificCharacterSet") == original.get("SpecificCharacterSet")
        assert again.get("StudyDescription") == original.get("StudyDescription")
    complaints = iod_complaints(paths)
    if charset.outcome == "reads the same":
        assert complaints == []


# Debian's DCMTK decodes with glibc's iconv, which lacks ISO 2022 IR 87.
@pytest.mark.parametrize(
    "name", [n for n, c in CHARSETS.items() if not c.encoded and "IR 87" not in str(c.declared)]
)
def test_dcmtk_reads_the_name_as_it_is(name: str, tmp_path: Path) -> None:
    """Another implementation decodes source and results to the same characters."""
    original, results = results_of(CHARSETS[name])
    names = names_by_dcmtk(written([original, *results], tmp_path))
    assert set(names) == {CHARSETS[name].name}


def test_the_document_names_every_character_set_and_what_happens() -> None:
    """The table is the tests' own list."""
    rows = table(ROOT / "docs" / "input.md", "Character sets")
    said = [(r["character set"], r["SpecificCharacterSet"], r["the patient's name"]) for r in rows]
    assert said == [
        (name, c.declared if isinstance(c.declared, str) else "\\".join(c.declared), c.outcome)
        for name, c in CHARSETS.items()
    ]
