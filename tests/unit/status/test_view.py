"""A series in plain words."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.ports import Reason, SeriesState
from node.status import dimse, timeline, view
from node.status.queue import concerns_perfusion
from tests.support.fake_archive import NOW, a_series

State = SeriesState
NO_ROOM = Reason("out_of_resources", "pacs answered 0xA700.", "Free room in the archive.")


def test_what_was_deleted_is_said_and_not_offered() -> None:
    """An expired series says so; without results there is nothing to send again."""
    gone = {"results_expired_at": NOW, "results": (object(),)}
    delivered = a_series(1, State.DELIVERED, summary={"core_ml": 3.0}, **gone)
    assert view.actions(delivered) == ("analyse",)
    assert view.actions(replace(delivered, sources_expired_at=NOW)) == ()
    assert words(State.DELIVERED, **gone).endswith("were deleted as the retention settings ask")
    assert "images were deleted" in words(State.DELIVERED, sources_expired_at=NOW)
    assert words(State.EXPIRED) == "Its files were deleted as the retention settings ask"
    assert view.badge(a_series(1, State.EXPIRED)).word == "expired"


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        ({"summary": {"core_ml": 3.0}}, True),
        ({"reason": NO_ROOM}, True),
        ({"reason": Reason("localizer", "-", "-")}, False),
        ({}, False),
    ],
)
def test_an_expired_topogram_is_no_perfusion_series(facts: dict[str, object], shown: bool) -> None:
    """What came of a series tells what it was."""
    assert concerns_perfusion(a_series(1, State.EXPIRED, **facts)) is shown


def words(state: SeriesState, **facts: object) -> str:
    record = a_series(1, state, received_last_at=NOW - timedelta(seconds=6), **facts)
    return view.situation(record, NOW, quiet_s=20.0)


@pytest.mark.parametrize(
    ("state", "facts", "said"),
    [
        (
            State.RECEIVING,
            {"waiting_for": "2 more images of slice 3"},
            "Waiting for 2 more images of slice 3; declared complete in 14 s unless more arrive",
        ),
        (
            State.RECEIVING,
            {"next_try_at": NOW + timedelta(seconds=2)},
            "Receiving images; declared complete in 2 s unless more arrive",
        ),
        (
            State.RECEIVING,
            {"next_try_at": NOW - timedelta(seconds=9)},
            "Receiving images; about to be declared complete",
        ),
        (
            State.COMPLETE,
            {"waiting_for": "an analysis worker"},
            "Waiting for an analysis worker",
        ),
        (State.ANALYSING, {}, "The maps are being computed"),
        (
            State.READY,
            {"reason": NO_ROOM, "attempts": 1, "waiting_for": "pacs to take 3 of 9 objects"},
            "Waiting for pacs to take 3 of 9 objects: pacs answered 0xA700 (tried once)",
        ),
        (
            State.DELIVERED,
            {"summary": {"core_ml": 18.4, "hypoperfusion_ml": 96.2}, "flags": (NO_ROOM,)},
            "Maps sent; core 18 ml, hypoperfusion 96 ml, 1 quality flag",
        ),
        (State.DELIVERED, {"summary": {"core_ml": None}}, "Maps sent"),
        (
            State.DELIVERED,
            {"waiting_for": "pacs to confirm 9 of 9 objects"},
            "Maps sent; waiting for pacs to confirm 9 of 9 objects",
        ),
        (State.DELIVERED, {"reason": NO_ROOM}, "Maps sent; pacs answered 0xA700"),
        (State.CONFIRMED, {}, "Maps sent and confirmed"),
        (State.REFUSED, {"reason": Reason("x", "it covers 22 s.", "")}, "It covers 22 s"),
        (State.FAILED, {}, "No reason was recorded"),
        (State.CANCELLED, {"reason": NO_ROOM}, "Cancelled by a person"),
    ],
)
def test_a_series_is_told_in_one_sentence(
    state: SeriesState, facts: dict[str, object], said: str
) -> None:
    """What a series waits for, or what became of it, is said in words with numbers."""
    assert words(state, **facts) == said


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_word_a_tone_and_a_sentence(state: SeriesState) -> None:
    """No state is told by colour alone, and none is silent."""
    mark = view.badge(a_series(1, state))
    assert mark.word
    assert mark.tone
    assert words(state)


def test_a_topogram_is_no_warning() -> None:
    """A refused series that was never perfusion is shown quietly, a refused perfusion is not."""
    topogram = a_series(1, State.REFUSED, reason=Reason("localizer", "a topogram", ""))
    too_short = a_series(1, State.REFUSED, reason=Reason("too_short", "22 s", ""))
    assert view.badge(topogram) == view.Badge("not perfusion", "mute")
    assert view.badge(too_short) == view.Badge("refused", "warn")


def test_the_next_try_is_told_while_one_will_come() -> None:
    """A waiting series says when it is tried again; an ended one does not."""
    soon = NOW + timedelta(seconds=18)
    waiting = a_series(1, State.READY, next_try_at=soon, reason=NO_ROOM)
    assert view.next_step(waiting, NOW) == "next try in 18 s"
    assert view.next_step(waiting, soon) == "next try now"
    assert view.next_step(replace(waiting, state=State.FAILED), NOW) == ""
    assert view.remedy(waiting) == "Free room in the archive."
    assert "retry" in view.actions(waiting)


def test_maps_that_are_not_confirmed_are_a_warning_that_can_be_acted_on() -> None:
    """Delivered all the same, with a remedy and a retry; waiting for a reply is no warning."""
    unconfirmed = a_series(1, State.DELIVERED, reason=Reason("not_confirmed", "no", "Ask."))
    assert view.badge(unconfirmed) == view.Badge("not confirmed", "warn")
    assert view.remedy(unconfirmed) == "Ask."
    waiting = a_series(1, State.DELIVERED, next_try_at=NOW + timedelta(minutes=29))
    assert view.badge(waiting).tone == "good"
    assert view.next_step(waiting, NOW) == "asked again in 29 min 00 s"
    assert view.next_step(waiting, NOW + timedelta(hours=1)) == "asked now"
    for each in (unconfirmed, waiting):
        assert "retry" in view.actions(each)
    assert "retry" not in view.actions(a_series(1, State.DELIVERED))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0.04, "0.0 s"),
        (8.44, "8.4 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.7, "1 h 00 min"),
        (7800, "2 h 10 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float | None, said: str) -> None:
    """A duration has two units at most, and no digit that nobody reads."""
    assert view.duration(seconds) == said


@given(st.floats(min_value=-10, max_value=1e9))
def test_a_duration_never_shows_sixty_of_a_unit(seconds: float) -> None:
    """Rounding carries over: there is no ``60 s`` and no ``60 min``, and no minus sign."""
    said = view.duration(seconds)
    assert "60" not in said.split() or "d" in said
    assert not said.startswith("-")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (None, ""),
        (0x0000, "0x0000 stored"),
        (0xA700, "0xA700 out of resources"),
        (0xA7FF, "0xA7FF out of resources"),
        (0xB000, "0xB000 stored, elements coerced"),
        (0xC123, "0xC123 cannot understand"),
        (0x0122, "0x0122 SOP Class not supported"),
        (0x1234, "0x1234 unknown status"),
    ],
)
def test_a_dimse_status_is_told_in_words(status: int | None, said: str) -> None:
    """Administrators see the number for the vendor and the words for themselves."""
    assert dimse.words(status) == said


def test_the_time_line_names_what_has_not_happened_yet() -> None:
    """Stations that were not reached are there, without a time."""
    steps = timeline.steps(a_series(1, State.RECEIVING))
    assert [step.name for step in steps if step.at is None] == [
        "Declared complete",
        "Analysis begun",
        "Maps ready",
        "Maps delivered",
    ]
    assert steps[1].after_s == 41.0


def test_a_late_image_makes_no_negative_pause() -> None:
    """Times of the run before a late image are shown, but no pause runs backwards."""
    reopened = a_series(1, State.RECEIVING, completed_at=NOW - timedelta(hours=1))
    assert timeline.steps(reopened)[2].after_s is None


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 1e4), min_size=1))
def test_the_shares_of_the_analysis_lie_end_to_end(stages_s: dict[str, float]) -> None:
    """The bars of the stages follow each other from 0 to 100 per cent."""
    shares = timeline.shares(stages_s)
    assert all(0 <= share.begin <= 100.001 for share in shares)
    assert sum(share.width for share in shares) == pytest.approx(100 if shares else 0)


def test_numbers_carry_their_units() -> None:
    """A known number has its name; an unknown one takes its unit from its suffix."""
    told = timeline.figures({"core_ml": 18.44, "mismatch_ratio": None, "bolus_peak_hu": 143.26})
    assert [(f.name, f.value, f.unit) for f in told] == [
        ("Core", "18.4", "ml"),
        ("Mismatch ratio", "–", ""),
        ("Bolus peak", "143.3", "HU"),
    ]
