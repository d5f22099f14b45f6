"""What the route asks of the world, as protocols, and the nouns they hand over."""

from node.ports.ledger import Ledger
from node.ports.measures import MEASURES, Measure
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
)
from node.ports.work import (
    DeliveryOutcome,
    DueDelivery,
    Lease,
    Outcome,
    Receiving,
    ScanPart,
    Wake,
)

__all__ = [
    "MEASURES",
    "Archive",
    "DeliveryOutcome",
    "DeliveryRecord",
    "DeliveryState",
    "DueDelivery",
    "Event",
    "Intake",
    "Kept",
    "Lease",
    "Ledger",
    "Measure",
    "Model",
    "Outcome",
    "Pacs",
    "Reason",
    "Receiving",
    "Recorded",
    "ResultRecord",
    "ScanPart",
    "SeriesRecord",
    "SeriesState",
    "Spool",
    "StoreOutcome",
    "Wake",
]
