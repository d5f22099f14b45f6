"""What the route asks of the world, as protocols, and the nouns they hand over."""

from node.ports.audit import AuditEntry, AuditQuestion, AuditResult, AuditTrail
from node.ports.commitment import (
    CommitmentAnswer,
    CommitmentOutcome,
    CommitmentReply,
    CommitmentRequest,
    Commitments,
    CommitmentScp,
    CommitmentTally,
    DueCommitment,
    Replied,
    Replies,
    SopReference,
)
from node.ports.curves import Curve, recorded
from node.ports.destinations import DestinationStanding
from node.ports.disk import DiskUse
from node.ports.finding import SeriesPage, SeriesQuery
from node.ports.ledger import Ledger
from node.ports.measures import MEASURES, Measure, checked, concluded, summarised
from node.ports.pauses import Activity, Pause, Pauses
from node.ports.people import People, SessionRecord, TokenRecord, User
from node.ports.protocols import Archive, Intake, Model, Pacs, Spool
from node.ports.quota import Quota
from node.ports.records import (
    CheckRecord,
    CommitmentRecord,
    CommitmentState,
    DeliveryRecord,
    DeliveryState,
    Event,
    Kept,
    ReadingRecord,
    Reason,
    Recorded,
    ResultRecord,
    SeriesRecord,
    SeriesState,
    StoreOutcome,
)
from node.ports.recovery import Accounts, Branch, Inventory, ReceivedFile, RecordedFile
from node.ports.retention import Bin, Ended, Expiring, Part, Shelf
from node.ports.trail import Machine, StudyInstances, Trail
from node.ports.verification import (
    DueVerification,
    SentObject,
    VerificationOutcome,
    Verifications,
    by_series,
)
from node.ports.vitals import ListenerVitals
from node.ports.watching import Alert, AlertRecord, Alerts, Canaries, CanaryRun
from node.ports.work import (
    DeliveryOutcome,
    DueDelivery,
    Lease,
    Outcome,
    Receiving,
    ScanPart,
    Wake,
)
from node.ports.workers import WorkerRecord, Workers

__all__ = [
    "MEASURES",
    "Accounts",
    "Activity",
    "Alert",
    "AlertRecord",
    "Alerts",
    "Archive",
    "AuditEntry",
    "AuditQuestion",
    "AuditResult",
    "AuditTrail",
    "Bin",
    "Branch",
    "Canaries",
    "CanaryRun",
    "CheckRecord",
    "CommitmentAnswer",
    "CommitmentOutcome",
    "CommitmentRecord",
    "CommitmentReply",
    "CommitmentRequest",
    "CommitmentScp",
    "CommitmentState",
    "CommitmentTally",
    "Commitments",
    "Curve",
    "DeliveryOutcome",
    "DeliveryRecord",
    "DeliveryState",
    "DestinationStanding",
    "DiskUse",
    "DueCommitment",
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
    "ListenerVitals",
    "Machine",
    "Measure",
    "Model",
    "Outcome",
    "Pacs",
    "Part",
    "Pause",
    "Pauses",
    "People",
    "Quota",
    "ReadingRecord",
    "Reason",
    "ReceivedFile",
    "Receiving",
    "Recorded",
    "RecordedFile",
    "Replied",
    "Replies",
    "ResultRecord",
    "ScanPart",
    "SentObject",
    "SeriesPage",
    "SeriesQuery",
    "SeriesRecord",
    "SeriesState",
    "SessionRecord",
    "Shelf",
    "SopReference",
    "Spool",
    "StoreOutcome",
    "StudyInstances",
    "TokenRecord",
    "Trail",
    "User",
    "VerificationOutcome",
    "Verifications",
    "Wake",
    "WorkerRecord",
    "Workers",
    "by_series",
    "checked",
    "concluded",
    "recorded",
    "summarised",
]
