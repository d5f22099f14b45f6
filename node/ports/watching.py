"""What the registry remembers of the node's own watch: canaries and alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class CanaryRun:
    """A canary: a simulated study that was sent through the node, and what came of it.

    ``good`` None: it is under way; ``found`` is in words.
    """

    study_instance_uid: str
    series_instance_uid: str
    begun_at: datetime
    ended_at: datetime | None = None
    good: bool | None = None
    found: str = ""


class Canaries(Protocol):
    """The registry's side of the canary: nothing of one is ever owed to a destination."""

    def begin_canary(self, run: CanaryRun, *, unless_since: datetime | None = None) -> bool:
        """Note a run before its scan is sent; False where one is under way.

        Also where one began after ``unless_since``.
        """

    def end_canary(self, series_instance_uid: str, *, good: bool, found: str) -> None:
        """Note what came of a run."""

    def canary_under_way(self) -> CanaryRun | None:
        """The run that has not ended."""

    def canaries(self, limit: int) -> Sequence[CanaryRun]:
        """The last runs, the newest first."""

    def left_of_canaries(self) -> Sequence[tuple[str, tuple[Path, ...]]]:
        """Series of runs that ended, with their files; none that a worker has in hand."""

    def forget_series_of_canary(self, series_instance_uid: str) -> None:
        """Remove a canary's series from the record: its files are gone."""


@dataclass(frozen=True)
class Alert:
    """Something that a person should know of, until it is over.

    Parameters
    ----------
    key
        What it is about: the same trouble has the same key.
    found, remedy
        In words, without a patient's data.
    """

    key: str
    found: str
    remedy: str


@dataclass(frozen=True)
class AlertRecord:
    """An alert as the registry has it; ``told_at`` None: nobody was told yet, or not of its end."""

    alert: Alert
    since: datetime
    told_at: datetime | None
    over_at: datetime | None


class Alerts(Protocol):
    """The registry's side of alerts: what is told survives a restart."""

    def note_alerts(self, present: Sequence[Alert], *, now: datetime) -> None:
        """Remember what is the matter now: new alerts begin, absent ones are over."""

    def alerts(self) -> Sequence[AlertRecord]:
        """What is the matter, and what is over and was not told to be; the oldest first."""

    def claim_alerts(self, owner: str, *, now: datetime, until: datetime) -> bool:
        """Whether this process alone may tell, for so long; several workers look at once."""

    def alerts_told(self, keys: Sequence[str], *, now: datetime) -> None:
        """These were told, also that they are over; what is over and told is forgotten."""
