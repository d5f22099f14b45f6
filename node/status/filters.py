"""The table's filters: groups of states that an administrator thinks in."""

from dataclasses import dataclass

from node.ports import SeriesRecord, SeriesState
from node.status.queue import DELIVERED, DELIVERING, WAITING, concerns_perfusion


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

    def keeps(self, record: SeriesRecord) -> bool:
        """Whether a series of these states is shown."""
        return not self.perfusion_only or concerns_perfusion(record)


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


def named(key: str) -> Filter:
    """The filter of that name; the first for a name that does not exist."""
    return next((known for known in FILTERS if known.key == key), FILTERS[0])
