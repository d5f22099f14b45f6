"""docs/results.md tells radiologists what the code computes."""

import ast
import inspect

import pytest

from node.derived.background import PLAN as BACKGROUND
from node.derived.derived_ct import PLANS as GREYSCALE_MAPS
from node.derived.multi_frame_capture import PLANS as FILMS
from node.derived.parametric_map import PLANS as PARAMETRIC_MAPS
from node.derived.refusal_page import PLAN as REFUSAL_PAGE
from node.derived.rejection_note import PLAN as REJECTION_NOTE
from node.derived.report import PLAN as REPORT
from node.derived.secondary_capture import LESION_PLAN, MAP_PLANS
from node.derived.segmentation import PLAN as SEGMENTATION
from node.derived.summary import PLAN as SUMMARY
from node.derived.summary.facts import published_rules
from node.perfusion import Quantity, familiarity, lesion, preparation, quality, trust, vessel_checks
from node.ports import MEASURES
from node.refusals import RefusalCode
from node.series import cautions, eligibility
from node.settings import AnalysisSettings, ResultsSettings
from tests.support.ctp import CtpSpec
from tests.support.documents import ROOT, table
from tests.unit.derived.case import case

GUIDE = ROOT / "docs" / "results.md"
TEXT = GUIDE.read_text()
FLAGS = "Flags: what to know before trusting the maps"
REFUSALS = "When there are no maps"
CHECKING = (quality, vessel_checks, trust)
INNER = ("_TO_NOISE", "_PIXELS")  # limits of a computation, not of a scan


def thresholds(module: object) -> dict[str, str]:
    """The limits of a module by name, as a person writes them."""
    units = {
        "_HU": " HU",
        "_MM": " mm",
        "_ML": " ml",
        "_S": " s",
        "_FRAMES": " images",
        "_DEG": "°",
    }
    units["_RATIO"] = " times"
    found = {}
    for name, value in vars(module).items():
        if name.startswith(("MIN_", "MAX_")) and not name.endswith(INNER):
            unit = next((u for end, u in units.items() if name.endswith(end)), None)
            found[name] = f"{100 * value:g} %" if unit is None else f"{value:g}{unit}"
    return found


def flag_codes() -> set[str]:
    """The code of every flag that is made."""
    return {
        ast.literal_eval(node.args[0])
        for module in (*CHECKING, cautions)
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "QualityCheck"
    }


def test_every_result_series_stands_with_its_number_and_name() -> None:
    """What a reader finds in the study is in the table, in the same order."""
    plans = [BACKGROUND, *MAP_PLANS.values(), LESION_PLAN, *FILMS, SUMMARY, SEGMENTATION]
    plans += [*PARAMETRIC_MAPS.values(), *GREYSCALE_MAPS.values(), REPORT, REFUSAL_PAGE]
    plans.append(REJECTION_NOTE)
    first = ResultsSettings().series_number
    stated = [(row["number"], row["name"]) for row in table(GUIDE, "The series")]
    assert stated == [(str(first + plan.offset), plan.description) for plan in plans]


@pytest.mark.parametrize("quantity", Quantity)
def test_every_window_and_unit_is_the_maps(quantity: Quantity) -> None:
    """The colours' window and unit, as drawn beside them."""
    low, high = quantity.meaning.window
    (row,) = [r for r in table(GUIDE, "Colours and windows") if r["map"] == quantity]
    assert (row["unit"], row["window"]) == (quantity.meaning.unit, f"{low:g}–{high:g}")


def test_every_flag_stands_and_no_other() -> None:
    """Each flag that can appear on a picture is explained."""
    assert flag_codes()
    assert {row["flag"] for row in table(GUIDE, FLAGS)} == flag_codes()


def test_every_number_of_a_check_stands() -> None:
    """What the pages call a number, the guide calls it."""
    named = {
        node.args[0]
        for module in (*CHECKING, cautions)
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Reading"
    }
    said = " ".join(row["measured"] for row in table(GUIDE, FLAGS))
    stated = [ast.literal_eval(name) for name in named if isinstance(name, ast.Constant)]
    assert len(stated) > 10
    assert [name for name in stated if name not in said] == []


@pytest.mark.parametrize(
    ("name", "limit"), [pair for module in CHECKING for pair in thresholds(module).items()]
)
def test_every_threshold_of_a_flag_stands(name: str, limit: str) -> None:
    """The flags' thresholds are the code's, each with its unit."""
    words = " ".join(f"{r['grade']} {r['set where']}" for r in table(GUIDE, FLAGS))
    assert f" {limit}" in words, name


def test_what_the_flags_about_the_network_rest_on_stands() -> None:
    """How many expected errors open the volumes, and how far beyond a range is unfamiliar."""
    assert (lesion.EXPECTED_ERRORS, familiarity.TOLERANCE) == (1.0, 0.1)
    assert "off by their expected errors, everywhere to the same side" in TEXT
    assert "beyond its range by more than a tenth of it" in TEXT


def test_every_refusal_stands_and_says_whether_a_page_is_sent() -> None:
    """Each code is explained, and whether the PACS gets a page."""
    stated = {row["code"]: row["page"] for row in table(GUIDE, REFUSALS)}
    expected = {c: "yes" if c.concerns_perfusion else "no" for c in RefusalCode}
    assert stated == {str(code): page for code, page in expected.items()}


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("min_coverage_s", "{:g} s"),
        ("min_frames", "{:g} time points"),
        ("min_slices", "{:g} slice positions"),
        ("max_interval_s", "{:g} s"),
        ("max_missing_fraction", "{:.0%} of the images are missing"),
        ("tmax_hypoperfusion_s", "Tmax > {:g} s"),
        ("rcbf_core", "CBF < {:.0%} of normal"),
        ("min_lesion_ml", "under {:g} ml"),
        ("max_pixel_mm", "at most {:g} mm"),
        ("max_slice_mm", "to {:g} mm"),
    ],
)
def test_every_limit_stands_with_its_default(key: str, words: str) -> None:
    """Where a setting is named, its default stands just before it."""
    limit = words.format(getattr(AnalysisSettings(), key)).replace("%", " %")
    assert f"{limit} (`analysis.{key}`)" in TEXT


@pytest.mark.parametrize(("name", "limit"), thresholds(preparation).items())
def test_every_threshold_of_a_refusal_stands(name: str, limit: str) -> None:
    """Preparation's thresholds are the document's."""
    words = " ".join(r["in words"] for r in table(GUIDE, REFUSALS))
    assert limit in words, name


def test_the_other_numbers_of_the_definitions_stand() -> None:
    """Vessels, fluid, severe delay, and what was never meant as perfusion."""
    assert f"above {lesion.VESSEL_CBV_RATIO:g} times the brain's median" in TEXT
    assert f"below {lesion.CSF_HU:g} HU before contrast" in TEXT
    assert lesion.LIKELY_PARENCHYMA == 0.5
    assert "finds grey or white matter likelier than not" in TEXT
    assert f"with Tmax > {lesion.SEVERE_TMAX_S:g} s" in TEXT
    assert f"fewer than {eligibility.FEWEST_DYNAMIC_FRAMES} time points" in TEXT


def test_the_limits_of_the_threshold_table_stand_and_each_has_a_measure() -> None:
    """What is counted for comparison is named, on the page and among the measures."""
    seconds = [f"{limit:g}" for limit in lesion.TMAX_LIMITS_S]
    percent = [f"{100 * limit:g}" for limit in lesion.RCBF_LIMITS]
    assert f"Tmax > {', '.join(seconds)} s" in TEXT
    assert f"CBF < {', '.join(percent)} % of normal" in TEXT
    names = {measure.name for measure in MEASURES.values()}
    assert {f"Tmax > {limit} s" for limit in seconds} <= names
    assert {f"CBF < {limit} % of normal" for limit in percent} <= names


def test_the_limits_of_published_trials_stand_as_they_are_drawn() -> None:
    """Trial and limits, word by word."""
    rules = published_rules(case(CtpSpec(slices=1, frames=2, rows=16, pixel_mm=12.0)).lesion)
    stated = {r["trial"]: r["limits"] for r in table(GUIDE, "The summary page", number=1)}
    assert stated.keys() == {name for name, _ in rules}
    for name, conditions in rules:
        assert stated[name].partition(";")[0] == ", ".join(words for words, _ in conditions)


def test_the_guide_says_what_it_is_not() -> None:
    """Not for diagnostic use, before anything else."""
    assert "Not for diagnostic use" in TEXT[:200]
