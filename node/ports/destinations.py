"""How each destination stands, told from what it was sent."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class DestinationStanding:
    """What became of the objects for one destination.

    Parameters
    ----------
    name
        The destination.
    stored_last_at
        When it last stored an object; None where it never has.
    pending
        Objects that are still to be sent to it.
    """

    name: str
    stored_last_at: datetime | None
    pending: int
