"""The table's filters: groups of states that an administrator thinks in."""

from dataclasses import dataclass
from datetime import timedelta

from node.ports import SeriesState
from node.status.queue import DELIVERED, DELIVERING, WAITING


@dataclass(frozen=True)
class Filter:
    """A named group of states.

    Parameters
    ----------
    key, label
        In the address, and on the button.
    states
        The states it shows; empty for all.
    perfusion_only
        Whether series that are no perfusion (topograms, plain CT) are left out.
    """

    key: str
    label: str
    states: tuple[SeriesState, ...] = ()
    perfusion_only: bool = True


FILTERS = (
    Filter("", "Perfusion"),
    Filter("waiting", "Waiting", WAITING),
    Filter("analysing", "Analysing", (SeriesState.ANALYSING,)),
    Filter("delivering", "Delivering", DELIVERING),
    Filter("delivered", "Delivered", DELIVERED),
    Filter("refused", "Refused", (SeriesState.REFUSED,)),
    Filter("failed", "Failed", (SeriesState.FAILED,)),
    Filter("everything", "Everything", perfusion_only=False),
)

AGES = {
    "": ("Any age", None),
    "hour": ("Last hour", timedelta(hours=1)),
    "day": ("Last 24 hours", timedelta(hours=24)),
    "week": ("Last 7 days", timedelta(days=7)),
    "month": ("Last 30 days", timedelta(days=30)),
}
"""How old the last image may be: what it is called, and how long that is."""


def named(key: str) -> Filter:
    """The filter of that name; the first for a name that does not exist."""
    return next((known for known in FILTERS if known.key == key), FILTERS[0])
