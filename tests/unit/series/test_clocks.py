"""DICOM dates and times as seconds."""

import numpy as np
import pytest

from node.series.clocks import date_time_s, joined_s, time_s
from node.series.timing import spread_ties

DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("000000", 0.0),
        ("235959.999999", 86_399.999999),
        ("0926", 33_960.0),
        ("09", 32_400.0),
        ("09:26:53", 34_013.0),
        ("092653.5", 34_013.5),
        ("246060", None),
        ("9:26", None),
        ("", None),
        ("noon", None),
    ],
)
def test_a_time_is_seconds_since_midnight(text: str, seconds: float | None) -> None:
    """TM after PS3.5 6.2 and its older form with colons; anything else is no time."""
    assert time_s(text) == (pytest.approx(seconds) if seconds is not None else None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("19700102000000", DAY_S),
        ("19700102000001.5+0100", DAY_S + 1.5),
        ("19700102000001.5-0930", DAY_S + 1.5),
        ("19700102", None),
        ("19701302000000", None),
    ],
)
def test_a_date_time_is_seconds_since_1970_without_zone(text: str, seconds: float | None) -> None:
    """One scan has one zone: only differences matter."""
    assert date_time_s(text) == seconds


def test_a_time_without_a_good_date_stays_a_time_of_day() -> None:
    """The date is a help, not a condition."""
    assert joined_s("19700102", "000001") == DAY_S + 1
    assert joined_s("unknown", "000001") == joined_s("", "000001") == 1.0
    assert joined_s("19700102", "") is None


@pytest.mark.parametrize(
    ("ticks", "spread"),
    [
        ([0, 0, 1, 1, 2, 2], [0, 0.5, 1, 1.5, 2, 2.5]),
        ([0, 1, 1, 1, 2], [0, 1, 4 / 3, 5 / 3, 2]),
        ([0, 2, 4], [0, 2, 4]),
        ([5, 5], [5, 5]),
    ],
)
def test_ties_of_a_coarse_clock_are_spread(ticks: list[float], spread: list[float]) -> None:
    """Equal readings lie evenly between their tick and the next."""
    assert spread_ties(np.array(ticks, float)) == pytest.approx(spread)
