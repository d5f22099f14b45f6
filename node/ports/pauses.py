"""What a person has paused: receiving, analysing or delivering."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Activity(StrEnum):
    """What of the node's work can be paused."""

    RECEIVING = "receiving"
    """New associations that would bring objects are rejected for the time being."""
    ANALYSING = "analysing"
    """No analysis begins; one in hand is finished."""
    DELIVERING = "delivering"
    """Nothing is sent, and no storage commitment asked for; a round in hand is finished."""


@dataclass(frozen=True)
class Pause:
    """One activity that is paused: by whom, and since when."""

    activity: Activity
    by: str
    since: datetime


class Pauses(Protocol):
    """What is paused; kept in the registry, so that it outlives every process and Redis."""

    def pauses(self) -> Sequence[Pause]:
        """What is paused now, in the order of the route."""

    def pause(self, activity: Activity, by: str) -> Pause:
        """Pause an activity; one that is paused already stays as it is."""

    def resume(self, activity: Activity) -> bool:
        """Let an activity go on; whether it was paused."""
