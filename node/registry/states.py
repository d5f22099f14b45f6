"""The states of a series and which may follow which (DESIGN.md section 1)."""

from node.errors import WrongStateError
from node.ports import SeriesState

S = SeriesState

TRANSITIONS: dict[SeriesState, frozenset[SeriesState]] = {
    S.RECEIVING: frozenset({S.COMPLETE, S.CANCELLED, S.JOINED}),
    S.COMPLETE: frozenset({S.ANALYSING, S.RECEIVING, S.CANCELLED, S.JOINED}),
    S.ANALYSING: frozenset({S.READY, S.REFUSED, S.COMPLETE, S.FAILED, S.RECEIVING}),
    S.READY: frozenset({S.DELIVERING, S.RECEIVING, S.CANCELLED}),
    S.DELIVERING: frozenset({S.DELIVERED, S.READY, S.FAILED, S.RECEIVING}),
    S.DELIVERED: frozenset({S.CONFIRMED, S.READY, S.FAILED, S.COMPLETE, S.RECEIVING, S.EXPIRED}),
    S.CONFIRMED: frozenset({S.READY, S.COMPLETE, S.RECEIVING, S.EXPIRED}),
    S.REFUSED: frozenset({S.COMPLETE, S.RECEIVING, S.JOINED, S.EXPIRED}),
    S.FAILED: frozenset({S.COMPLETE, S.READY, S.RECEIVING, S.JOINED, S.EXPIRED}),
    S.CANCELLED: frozenset({S.COMPLETE, S.READY, S.EXPIRED}),
    S.EXPIRED: frozenset({S.RECEIVING, S.IGNORED}),
    S.IGNORED: frozenset({S.RECEIVING, S.EXPIRED}),
    S.JOINED: frozenset({S.EXPIRED}),
}
"""What may follow each state; everything else raises WrongStateError."""

ENDED = frozenset({S.DELIVERED, S.CONFIRMED, S.REFUSED, S.FAILED, S.CANCELLED, S.IGNORED})
"""Nothing more is done about these by itself: their files grow old."""

REOPENED_BY_A_LATE_IMAGE = frozenset(s for s in S if S.RECEIVING in TRANSITIONS[s])
"""A cancelled series is not among them: what a person stopped stays stopped."""


def check(before: SeriesState, after: SeriesState) -> None:
    """Nothing, if ``after`` may follow ``before``.

    Raises
    ------
    WrongStateError
        If it may not.
    """
    if after not in TRANSITIONS[before]:
        raise WrongStateError(f"a series that is {before} cannot become {after}")
