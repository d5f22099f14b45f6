"""The page and the pictures for people without a PACS."""

import re
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from node.exports import Exporter, ExportFile, ExportKind
from node.exports.stacks import MOST_SLICES
from node.perfusion import Quantity
from tests.support.ctp import CtpSpec
from tests.unit.derived.case import Case, case, source

SPEC = CtpSpec(slices=2, frames=2, rows=16, pixel_mm=12.0)
HOSTILE = "<script>alert(1)</script>"
FACTS: dict[str, Any] = {
    "software": "perfusion-node 0.1.0",
    "study_instance_uid": "1.2.3",
    "series_instance_uid": "1.2.3.4",
    "series_description": f"CTP {HOSTILE}",
    "images": 4,
    "model": {"name": "perfusion", "version": "0.1.0", "sha256": "ab" * 32},
    "thresholds": {"tmax_hypoperfusion_s": 6.0, "relative_cbf_core": 0.3},
    "measurements": {
        "core_ml": {"name": "Core", "value": 12.34, "unit": "ml"},
        "mismatch_ratio": {"name": "Mismatch ratio", "value": None, "unit": "1"},
        "core_least_ml": {"name": "Core, at least", "value": 10.0, "unit": "ml"},
        "core_most_ml": {"name": "Core, at most", "value": 15.5, "unit": "ml"},
    },
    "flags": [{"code": "weak_bolus", "found": "arterial peak 12 HU", "remedy": "Grade: caution."}],
    "checks": [
        {
            "code": "noise",
            "grade": "ok",
            "found": "noise of 5 HU",
            "readings": [
                {
                    "name": "noise of a voxel",
                    "value": 5.2,
                    "unit": "HU",
                    "measured": "5.2 HU",
                    "limit": "at most 12 HU",
                }
            ],
        }
    ],
    "reason": None,
}


def exported(given: Case, *kinds: ExportKind, facts: dict[str, Any] = FACTS) -> list[ExportFile]:
    exporter = Exporter(frozenset(kinds))
    files = [f for made in given.encoded() for f in exporter.add(made)]
    return [*files, *exporter.finish(facts)]


@pytest.fixture(scope="module")
def given() -> Case:
    named = source(SPEC, {"PatientName": f"{HOSTILE}^Ann", "PatientID": "P&1"})
    return replace(case(SPEC), source=named)


@pytest.fixture(scope="module")
def text(given: Case) -> str:
    (page,) = exported(given, "html")
    assert page.name == "report.html"
    return page.data.decode()


def test_the_page_holds_every_picture_and_fetches_nothing(given: Case, text: str) -> None:
    """One file: a picture of every slice of every colour series, and the summary."""
    slices = len(given.geometry.position_mm)
    assert text.count('src="data:image/jpeg;base64,') == slices * (len(Quantity) + 1) + 1
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "default-src 'none'" in text


def test_the_page_says_who_what_and_how_sure(text: str) -> None:
    """Identity, volumes with the range of their error, flags, thresholds and model."""
    for said in ("12.3 ml", "10.0 to 15.5 ml", "Weak bolus", "arterial peak 12 HU", "ab" * 32):
        assert said in text
    assert "CBF &lt; 30 % of normal" in text
    row = re.sub(r"<[^>]+>", " ", text.partition("noise of a voxel")[2]).split()
    assert row[:7] == ["5.2", "HU", "at", "most", "12", "HU", "ok"]
    assert "P&amp;1" in text
    assert "NOT FOR DIAGNOSTIC USE" in text


def test_a_hostile_name_stays_text(text: str) -> None:
    """Names and descriptions come from outside: none becomes part of the page."""
    assert HOSTILE not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_a_refusal_is_told_in_words_and_as_its_page(given: Case) -> None:
    """A series without maps still gets a page: what was found, and what to do."""
    facts = FACTS | {
        "measurements": {},
        "flags": [],
        "checks": [],
        "reason": {"code": "too_short", "found": "it ends early", "remedy": "Scan longer."},
    }
    only_page = replace(given, options=replace(given.options, kinds=("summary_page",)))
    (page,) = exported(only_page, "html", facts=facts)
    text = page.data.decode()
    assert "No maps were made" in text
    assert "It ends early." in text
    assert "Scan longer." in text
    assert text.count('src="data:image/jpeg') == 1


def test_pngs_are_the_very_pixels_of_the_objects(given: Case) -> None:
    """No loss on the way out of DICOM; a file for every slice, and one for the summary."""
    files = {f.name: f.data for f in exported(given, "png")}
    objects = given.of_kind("colour")
    assert len(files) == len(objects) + 1
    assert "png/CTP-summary.png" in files
    first = np.asarray(Image.open(BytesIO(files["png/CTP-CBF-ml-100g-min-0001.png"])))
    assert np.array_equal(first, objects[0].pixel_array)


def test_nothing_is_made_that_was_not_asked_for(given: Case) -> None:
    """Without a wish there is no file."""
    assert exported(given) == []


def test_of_very_many_slices_the_page_shows_some_and_says_so() -> None:
    """At most 24 of a series, spread through the brain, with the one that has most core."""
    many = case(CtpSpec(slices=64, frames=2, rows=16, pixel_mm=12.0, spacing_mm=2.0))
    brain = many.maps.brain.copy()
    brain[:8] = brain[60:] = False
    lesion = np.zeros_like(brain)
    lesion[31, 6:9, 5:8] = True
    lesion[30, 7, 6] = True
    many = replace(
        many,
        maps=replace(many.maps, brain=brain),
        lesion=replace(many.lesion, core=lesion, hypoperfusion=lesion),
        options=replace(many.options, kinds=("colour", "segmentation")),
    )
    (page,) = exported(many, "html")
    text = page.data.decode()
    shown = [int(n) for n in re.findall(r'alt="CTP Tmax \[s\], slice (\d+) of 64"', text)]
    assert len(shown) == MOST_SLICES
    assert shown == sorted(set(shown))
    assert 32 in shown  # the one with most core, counted from 1
    assert min(shown) > 8
    assert max(shown) <= 60
    assert max(np.diff(shown)) <= 4
    assert text.count('src="data:image/jpeg') == MOST_SLICES * (len(Quantity) + 1)
    assert f"{MOST_SLICES} of the 64 slices are shown" in text


def test_few_slices_are_all_shown_and_nothing_is_said(text: str) -> None:
    """What is whole needs no note."""
    assert "slices are shown" not in text
