"""Words, durations, tables and JSON at the prompt."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.cli.output import age, as_json, counted, print_table, printable, until
from node.ports import Kept

NOW_IS_CLOSE_S = 0.4  # what may pass between a test's clock and the code's, halved by rounding


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-60, "0 s"),
        (12, "12 s"),
        (119 - NOW_IS_CLOSE_S, "119 s"),
        (180, "3 min"),
        (7200, "2 h"),
        (172_800, "2 d"),
        (864_000, "10 d"),
    ],
)
def test_an_age_is_said_in_the_unit_people_would_use(seconds: float, words: str) -> None:
    """Seconds for two minutes, minutes for two hours, hours for two days."""
    assert age(ago(seconds)) == words


def test_a_time_without_a_zone_is_utc() -> None:
    """The registry's times are UTC, whatever this machine's zone."""
    assert age(ago(240).replace(tzinfo=None)) == "4 min"


def test_no_moment_has_no_age() -> None:
    """What has not happened yet is left blank."""
    assert age(None) == ""


@pytest.mark.parametrize(("seconds", "words"), [(600, "0 s"), (-200, "3 min"), (-90_000, "25 h")])
def test_a_moment_ahead_is_said_in_words(seconds: float, words: str) -> None:
    """One that has passed is due now."""
    assert until(ago(seconds)) == words


@pytest.mark.parametrize(("number", "words"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_a_noun_agrees_with_its_number(number: int, words: str) -> None:
    """One is singular."""
    assert counted(number, "file") == words
    assert counted(number, "series") == words.split(maxsplit=1)[0] + " series"


@given(st.text())
def test_what_a_sender_wrote_cannot_steer_the_terminal(text: str) -> None:
    """No control character but a line's end reaches the terminal, and nothing else is lost."""
    shown = printable(text)
    assert all(c.isprintable() or c == "\n" for c in shown)
    assert len(shown) == len(text)
    assert all(a == b for a, b in zip(text, shown, strict=True) if a.isprintable())


def test_a_table_in_a_pipe_has_one_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    """Long cells are not broken, columns line up, and no line ends in blanks."""
    uid = "2.25." + "1" * 39
    print_table("Two", ("Name", "UID"), [("日本", uid), ("b", "words\nof two lines")])
    assert capsys.readouterr().out.splitlines() == [
        "Two",
        "Name  UID",
        f"日本  {uid}",
        "b     words of two lines",
    ]


def test_a_table_without_rows_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """A heading with nothing below it says nothing."""
    print_table("None", ("Name",), [])
    assert capsys.readouterr().out == ""


def test_json_takes_records_times_and_paths() -> None:
    """Dataclasses become objects, times ISO 8601 in UTC, paths text; other things are bugs."""
    value = {"kept": Kept(Path("/a/b"), "00", 1), "at": datetime(2024, 5, 1, 12, 0)}  # naive: UTC
    assert json.loads(as_json(value)) == {
        "kept": {"path": "/a/b", "sha256": "00", "size": 1},
        "at": "2024-05-01T12:00:00+00:00",
    }
    with pytest.raises(TypeError):
        as_json(object())
