"""The table of states: what may follow what."""

import itertools

import pytest

from node.errors import WrongStateError
from node.ports import SeriesState
from node.registry import states

ALLOWED = sorted((a, b) for a, after in states.TRANSITIONS.items() for b in after)
FORBIDDEN = sorted(set(itertools.product(SeriesState, repeat=2)) - set(ALLOWED))


def test_every_state_has_its_row() -> None:
    """A state that was forgotten in the table would be a dead end."""
    assert set(states.TRANSITIONS) == set(SeriesState)


@pytest.mark.parametrize(("before", "after"), FORBIDDEN)
def test_every_other_transition_raises(before: SeriesState, after: SeriesState) -> None:
    """What is not in the table cannot happen."""
    with pytest.raises(WrongStateError, match=f"{before} cannot become {after}"):
        states.check(before, after)


def test_every_end_can_be_reached() -> None:
    """From RECEIVING a way leads to every state."""
    reached, todo = set(), [SeriesState.RECEIVING]
    while todo:
        state = todo.pop()
        if state not in reached:
            reached.add(state)
            todo += states.TRANSITIONS[state]
    assert reached == set(SeriesState)


def test_a_late_image_opens_every_state_but_receiving_and_cancelled() -> None:
    """Only what still receives, and what a person stopped, is not opened again."""
    closed = set(SeriesState) - states.REOPENED_BY_A_LATE_IMAGE
    assert closed == {SeriesState.RECEIVING, SeriesState.CANCELLED, SeriesState.JOINED}
