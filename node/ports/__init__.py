"""What the route asks of the world, as protocols, and the nouns they hand over."""

from node.ports.disk import DiskUse
from node.ports.ledger import Ledger
from node.ports.measures import MEASURES, Measure, summarised
from node.ports.protocols import Archive, Intake, Model, Pacs, Spool
from node.ports.quota import Quota
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
from node.ports.recovery import Accounts, Branch, Inventory, ReceivedFile, RecordedFile
from node.ports.retention import Bin, Ended, Expiring, Part, Shelf
from node.ports.verification import (
    DueVerification,
    SentObject,
    VerificationOutcome,
    Verifications,
    by_series,
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
    "Accounts",
    "Archive",
    "Bin",
    "Branch",
    "DeliveryOutcome",
    "DeliveryRecord",
    "DeliveryState",
    "DiskUse",
    "DueDelivery",
    "DueVerification",
    "Ended",
    "Event",
    "Expiring",
    "Intake",
    "Inventory",
    "Kept",
    "Lease",
    "Ledger",
    "Measure",
    "Model",
    "Outcome",
    "Pacs",
    "Part",
    "Quota",
    "Reason",
    "ReceivedFile",
    "Receiving",
    "Recorded",
    "RecordedFile",
    "ResultRecord",
    "ScanPart",
    "SentObject",
    "SeriesRecord",
    "SeriesState",
    "Shelf",
    "Spool",
    "StoreOutcome",
    "VerificationOutcome",
    "Verifications",
    "Wake",
    "by_series",
    "summarised",
]
