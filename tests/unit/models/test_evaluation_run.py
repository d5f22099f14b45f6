"""Running: finished scores are kept, found again, and made anew where they are damaged."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.__main__ import app
from models.evaluation import Case, EstimatorId, ScoreStore, collected, identify, run, tasks
from models.evaluation import command as command_module
from models.evaluation.cases import Extent

CASES = [Case(seed, rows=64, slices=2) for seed in (950_001, 950_002)]


@pytest.fixture(scope="module")
def estimators() -> tuple[EstimatorId, ...]:
    return identify("bcSVD"), identify("sSVD")


@pytest.fixture(scope="module")
def filled(
    tmp_path_factory: pytest.TempPathFactory, estimators: tuple[EstimatorId, ...]
) -> ScoreStore:
    store = ScoreStore(tmp_path_factory.mktemp("scores"))
    run(tasks(CASES, estimators, store), store, 1, lambda _: None)
    return store


def test_a_finished_case_is_not_done_again(
    filled: ScoreStore, estimators: tuple[EstimatorId, ...]
) -> None:
    """What is on disk is not to do; a case that is asked for twice is done once."""
    assert tasks([*CASES, *CASES], estimators, filled) == []
    assert len(collected(CASES, estimators, filled)) == 4


def test_another_case_or_estimator_is_another_score(
    filled: ScoreStore, estimators: tuple[EstimatorId, ...]
) -> None:
    """The name of a score depends on the case, the estimator and its version."""
    other = EstimatorId("bcSVD", "99", "", "bcSVD")
    assert [t.estimators for t in tasks(CASES[:1], [*estimators, other], filled)] == [(other,)]
    assert len(tasks([Case(1, 64, 2)], estimators, filled)) == 1


def test_a_missing_score_is_an_error(tmp_path: Path, estimators: tuple[EstimatorId, ...]) -> None:
    """A report is never made of part of its scores."""
    with pytest.raises(LookupError, match="bcSVD"):
        collected(CASES, estimators, ScoreStore(tmp_path))


@pytest.mark.parametrize("damage", ["", "{", '{"score": 1}', '{"score": {"maps": {}}}'])
def test_a_damaged_score_is_named_and_made_anew(
    damage: str, filled: ScoreStore, estimators: tuple[EstimatorId, ...]
) -> None:
    """A file cut short is found, named, and its case to do again."""
    path = filled.path(CASES[0], estimators[0])
    sound = path.read_text()
    path.write_text(damage)
    try:
        assert filled.damaged(CASES, estimators) == [path]
        (todo,) = tasks(CASES, estimators, filled)
        assert todo.estimators == (estimators[0],)
    finally:
        path.write_text(sound)


def test_the_command_prints_a_question_and_is_quick_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question's table is printed, nothing else written; a second call finds all scores."""
    monkeypatch.setattr(command_module, "QUICK", Extent(1, 950_001, 64, 2, judged=1))
    call = ["evaluate", "--quick", "--estimator", "bcSVD", "--axis", "broken input"]
    call += ["--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "out"), "--workers", "1"]
    first = CliRunner().invoke(app, call)
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").iterdir()}
    second = CliRunner().invoke(app, call)
    assert first.exit_code == second.exit_code == 0, first.output
    assert "broken input: constant" in first.stdout
    assert kept == {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").iterdir()}
    assert first.stdout == second.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [("--axis", "tides"), ("--estimator", "magic"), ("--estimator", "/nowhere/w.onnx")],
)
def test_a_wrong_call_says_what_there_is(option: str, value: str) -> None:
    """An unknown question, method or file is a bad call, named, before anything is simulated."""
    outcome = CliRunner().invoke(app, ["evaluate", option, value])
    assert outcome.exit_code == 2
    assert value in outcome.output
