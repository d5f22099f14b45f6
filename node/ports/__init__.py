"""What the route asks of the world, as protocols, and the nouns they hand over."""

from node.ports.protocols import Archive, Intake, Model, Pacs, Spool
from node.ports.records import (
    DeliveryRecord,
    DeliveryState,
    Event,
    Kept,
    Reason,
    Recorded,
    ResultRecord,
    SeriesRecord,
    SeriesState,
    StoreOutcome,
    Wake,
)

__all__ = [
    "Archive",
    "DeliveryRecord",
    "DeliveryState",
    "Event",
    "Intake",
    "Kept",
    "Model",
    "Pacs",
    "Reason",
    "Recorded",
    "ResultRecord",
    "SeriesRecord",
    "SeriesState",
    "Spool",
    "StoreOutcome",
    "Wake",
]
