"""The comparison of benchmarks with those on record."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import check, many, saved
from tests.benchmarks.big import MEMORY, PROCESSOR
from tests.benchmarks.check import Ratio, judged, ratios


def a_run(images: int, work_s: float, memory_gib: float) -> dict[str, Any]:
    return {"images": images, PROCESSOR: work_s, MEMORY: memory_gib}


def cost(least_ms: float) -> dict[str, float]:
    return {"median_ms": 2 * least_ms, "least_ms": least_ms, "processor_ms": least_ms}


FOUND: dict[str, Any] = {
    "receive": {
        "every_run": {
            "DCMTK storescp": {"1": [1000.0, 500.0, 400.0], "4": [1200.0, 600.0, 600.0]},
            "Orthanc": {"1": [200.0, 100.0, 200.0]},
            "Perfusion Node": {"1": [300.0, 125.0, 200.0], "4": [375.0, 187.5, 300.0]},
        }
    },
    "turnround": {
        "yardstick_s": 0.2,
        "runs": [
            {
                "last image to maps in the PACS": 7.0 + spread,
                "grace and noticing": 2.0,
                "receiving 480 images": 1.5,
                "delivering": 1.0 + spread / 4,
            }
            for spread in (-1.0, 0.0, 2.0)
        ],
        "dcmtk": 3 * [{"receiving 480 images": 0.5, "delivering": 0.5}],
    },
    "big": {
        "sizes": {
            "40": [a_run(1000, 20.0, 1.5)],
            "320": [a_run(8000, 192.0, 2.2), a_run(8000, 160.0, 2.0), a_run(8000, 176.0, 2.1)],
        }
    },
    "many": {
        "yardstick_s": 0.2,
        "stream": {"processor_s_a_study": 8.0},
        "SQLite": {
            "0": {"due": cost(5.0), "forget": cost(4.0)},
            "100000": {"due": cost(8.0), "forget": cost(390.0)},
        },
    },
    "pages": {"yardstick_s": 0.2, "SQLite": [{"processor_ms": 30.0}, {"processor_ms": 20.0}]},
}


def test_ratios_are_those_of_one_run() -> None:
    """Each is a figure over another of the same run, in the middle of its runs."""
    values = {ratio.name: ratio.value for ratio in ratios(FOUND)}
    assert values == pytest.approx(
        {
            "receive: one association over storescp's": 0.3,
            "receive: one association over Orthanc's": 1.25,
            "receive: 4 associations over one": 1.5,
            "turnround: after the grace, over the yardstick": 25.0,
            "turnround: receiving 480 images, over DCMTK's": 3.0,
            "turnround: delivering, over DCMTK's": 2.0,
            "big: processor time an image, 320 slices over 40": 1.1,
            "big: memory with 320 slices [GiB]": 2.1,
            "many: processor time a study, over the yardstick": 40.0,
            "many: 1 + calls that grow with SQLite": 2.0,
            "pages: the slowest page's processor time over the yardstick, SQLite": 0.15,
        }
    )


def test_a_benchmark_that_was_not_run_says_nothing() -> None:
    """What is on record and was not measured is named, and is not worse."""
    lines, worse = judged(ratios({}), {"receive: 4 associations over one": 1.25})
    assert not worse
    assert lines == ["| receive: 4 associations over one | | 1.25 | not measured |"]


@pytest.mark.parametrize(
    ("better", "value", "said"),
    [
        ("lower", 1.26, "worse"),
        ("lower", 1.24, "as it was"),
        ("lower", 0.7, "better"),
        ("higher", 0.74, "worse"),
        ("higher", 0.76, "as it was"),
        ("higher", 1.3, "better"),
    ],
)
def test_a_ratio_beyond_its_tolerance_is_worse(better: str, value: float, said: str) -> None:
    """A quarter either way is the machine's; more of the wrong way has a name."""
    [line], worse = judged([Ratio("it", value, better)], {"it": 1.0})
    assert f"| {said} (" in line
    assert worse == (["it"] if said == "worse" else [])


def test_a_ratio_that_is_new_is_no_fault() -> None:
    """What is not on record yet is shown, with nothing to compare it with."""
    assert judged([Ratio("it", 3.0)], {}) == (["| it | 3 | | not on record |"], [])


def test_a_call_grows_that_takes_more_than_twice_as_long_and_some() -> None:
    """A few milliseconds are the machine's; hundreds are a missing index."""
    [named] = many.grown(FOUND["many"]["SQLite"])
    assert named == "forget: 4.0 ms, 390.0 ms with 100,000 series"


def test_the_command_fails_where_something_got_worse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 without measurements, 0 as on record, 1 with the name of what got worse."""
    monkeypatch.setattr(check, "RECORDED", tmp_path / "recorded.json")
    kept: dict[str, Any] = {}
    monkeypatch.setattr(saved, "kept", lambda: kept)
    monkeypatch.setattr("sys.argv", ["check"])
    assert check.main() == 2
    kept |= {"big": FOUND["big"]}
    monkeypatch.setattr("sys.argv", ["check", "--record"])
    assert check.main() == 0
    monkeypatch.setattr("sys.argv", ["check"])
    assert check.main() == 0
    kept["big"] = {"sizes": {"320": [a_run(8000, 176.0, 3.9)]}}
    assert check.main() == 1
    assert "worse than on record: big: memory with 320 slices [GiB]" in capsys.readouterr().err


def test_what_is_kept_is_read_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file holds what the one line of JSON says, under the benchmark's name."""
    monkeypatch.setattr(saved, "yardstick_s", lambda: 0.2)
    whole = saved.keep("big", {"sizes": {"40": []}}, tmp_path)
    assert saved.kept(tmp_path) == {"big": whole}
    assert json.loads(capsys.readouterr().out) == whole
    assert whole["yardstick_s"] == 0.2
