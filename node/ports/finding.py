"""How the table of series is narrowed, and what is found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from node.ports.records import SeriesRecord, SeriesState


@dataclass(frozen=True)
class SeriesQuery:
    """Which series are wanted; everything that is left empty narrows nothing.

    Parameters
    ----------
    states
        In any of these.
    search
        Part of a description, a sender's AE title, a series' or a study's UID.
    sender
        The calling AE title, whole.
    study_instance_uid
        Of this study.
    since
        Whose last image came at or after this time.
    delivered_since
        Whose maps were delivered at or after this time.
    perfusion_only
        Without what a stroke study brings along: topograms, plain CT, dose reports.
    limit, offset
        How many of them, after how many that are newer.
    """

    states: tuple[SeriesState, ...] = ()
    search: str = ""
    sender: str = ""
    study_instance_uid: str = ""
    since: datetime | None = None
    delivered_since: datetime | None = None
    perfusion_only: bool = False
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True)
class SeriesPage:
    """A page of the table, the newest first, and how many series match in all.

    ``set_aside`` is how many more would, that are no perfusion.
    """

    records: Sequence[SeriesRecord]
    total: int
    set_aside: int = 0
