"""The report: every table says where it comes from, and nothing is hidden."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.evaluation import Agreement, Case, CaseSet, EstimatorId, Extent, Score, case_sets
from models.evaluation.evaluation import About, Evaluation
from models.evaluation.figures import draw
from models.evaluation.gallery import draw_maps
from models.evaluation.known import REGIONS
from models.evaluation.report import markdown
from models.evaluation.score import LesionScore
from node.perfusion import Quantity

EXTENT = Extent(patients=4, seed=950_003, rows=64, slices=3, judged=4)
COMMAND = "python -m models evaluate --cases 4 --seed 950003"
GOOD = EstimatorId("NLR", "1", "", "NLR")
SHY = EstimatorId("shy", "0", "f" * 64, "shy.onnx")


def score_of(case: Case, who: EstimatorId) -> Score:
    """Figures that differ from case to case; the shy one refuses every scan of few frames."""
    if case.fault is not None or (who is SHY and case.frames == 10):
        return Score("no_bolus: nothing rises", {}, {}, 0.0, 0.5)
    part = (case.seed % 7) / 10
    regions = {name: Agreement(100, 0.9, 1.0 + part, part, 1.5) for name in REGIONS}
    lesion = LesionScore(40.0 + 10 * part, 42.0 + 9 * part, 0.8 + part / 10)
    return Score(
        refusal="",
        maps={q.value: regions for q in Quantity},
        lesions={"hypoperfusion": lesion, "core": replace(lesion, dice=None)},
        analysed=0.97,
        seconds=0.4,
    )


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    sets, both = case_sets(EXTENT), (GOOD, SHY)
    scores = {(c, e.name): score_of(c, e) for each in sets for c in each for e in both}
    about = About(COMMAND, "commit abc", "2026-01-01", "a machine", EXTENT)
    return Evaluation(about, sets, both, scores)


def test_every_table_says_command_seed_cases_and_spread(evaluation: Evaluation) -> None:
    """A table torn out of the report can still be made again."""
    lines = markdown(evaluation).splitlines()
    heads = [i for i, line in enumerate(lines) if "estimator | maps / cases" in line]
    assert len(heads) >= 9
    for head in heads:
        caption = lines[head - 2]
        assert COMMAND in caption
        assert "cases a row from seed 950003" in caption
        assert "interval" in caption or "quartiles" in caption


def test_every_table_is_rectangular(evaluation: Evaluation) -> None:
    """Markdown drops cells of ragged rows without a word."""
    table: list[str] = []
    for line in [*markdown(evaluation).splitlines(), ""]:
        if line.startswith("|"):
            table.append(line)
        elif table:
            assert len({row.count("|") for row in table}) == 1, table[0]
            table = []


def test_the_page_says_that_all_is_simulated(evaluation: Evaluation) -> None:
    """Nobody may take these figures for a patient's."""
    page = markdown(evaluation)
    assert "Simulated data only" in page.split("##")[0]
    assert evaluation.facts["simulated"] is True


def test_refused_scans_are_counted_and_named(evaluation: Evaluation) -> None:
    """A refusal stands in its row, and in the list of refusals with its reason."""
    page = markdown(evaluation)
    assert "| 10 | shy | 0 / 4 | – |" in page
    assert "| frames | 10 | shy | 4 of 4 | no_bolus |" in page
    assert "| one frame | no_bolus | no_bolus |" in page


def test_maps_of_nothing_stand_out(evaluation: Evaluation) -> None:
    """An estimator that gives maps of a broken scan is shown to do so."""
    (cases,) = [s for s in evaluation.sets if s.axis == "broken input"]
    (constant,) = cases.points["constant"]
    wrong = {(constant, GOOD.name): score_of(replace(constant, fault=None), GOOD)}
    bold = replace(evaluation, scores={**evaluation.scores, **wrong}, _summaries={})
    assert "| constant | **maps** | no_bolus |" in markdown(bold)


def test_the_numbers_are_json(evaluation: Evaluation) -> None:
    """The JSON holds every point's figures with their spread, and every case's volumes."""
    facts = json.loads(json.dumps(evaluation.facts, allow_nan=False))
    dice = facts["axes"]["dose"]["1/4"]["NLR"]["lesions"]["hypoperfusion"]["dice"]
    assert dice[1] <= dice[0] <= dice[2]
    assert dice[3] == 4
    assert len(facts["cases"]) == len(evaluation.scores)


def test_an_axis_that_was_not_asked_is_named(evaluation: Evaluation) -> None:
    """Asking for a question's cases that are not there is said by name."""
    with pytest.raises(LookupError, match="tides"):
        evaluation.axis("tides")


def test_the_pictures_are_drawn(evaluation: Evaluation, tmp_path: Path) -> None:
    """Volumes, limits and curves become three pictures, refused points left out."""
    paths = draw(evaluation, tmp_path / "images")
    assert [path.name for path in paths] == [
        "evaluation-volumes.png",
        "evaluation-bland-altman.png",
        "evaluation-curves.png",
    ]
    assert all(path.stat().st_size > 5000 for path in paths)


def test_maps_are_drawn_beside_the_truth(tmp_path: Path) -> None:
    """One patient's truth and an estimator's maps become one picture."""
    case = Case(seed=950_003, rows=64, slices=3)
    who = EstimatorId("bcSVD", "1", "", "bcSVD")
    about = About(COMMAND, "commit abc", "2026-01-01", "a machine", EXTENT)
    sets = (CaseSet("headline", {"third, dose 1": (case,)}),)
    made = Evaluation(about, sets, (who,), {(case, "bcSVD"): score_of(case, who)})
    assert draw_maps(made, tmp_path).stat().st_size > 10_000
