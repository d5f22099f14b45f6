"""The nouns that the registry keeps and the other rooms read."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from node.ports.curves import Curve


class SeriesState(StrEnum):
    """What became of a series (DESIGN.md section 1)."""

    RECEIVING = "RECEIVING"
    COMPLETE = "COMPLETE"
    ANALYSING = "ANALYSING"
    READY = "READY"
    DELIVERING = "DELIVERING"
    DELIVERED = "DELIVERED"
    CONFIRMED = "CONFIRMED"
    REFUSED = "REFUSED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    IGNORED = "IGNORED"
    JOINED = "JOINED"


class DeliveryState(StrEnum):
    """What became of one object at one destination."""

    PENDING = "PENDING"
    STORED = "STORED"
    WARNING = "WARNING"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"


class CommitmentState(StrEnum):
    """Whether a destination has taken over the safekeeping of one object that it stored."""

    OWED = "OWED"
    """To be asked for at ``next_try_at``."""
    ASKED = "ASKED"
    """Asked for; without a reply until ``next_try_at`` it is asked for again."""
    FAILED = "FAILED"
    """The destination has reported a failure, and nothing was done about it yet."""
    CONFIRMED = "CONFIRMED"
    """Taken over."""
    UNCONFIRMED = "UNCONFIRMED"
    """Not to be had; ``message`` says why. The object counts as delivered all the same."""


@dataclass(frozen=True)
class CommitmentRecord:
    """How the commitment for one object at one destination stands.

    ``failure`` is the Failure Reason (0008,1197) that was reported last.
    """

    state: CommitmentState
    failure: int | None
    message: str
    tries: int
    next_try_at: datetime | None
    updated_at: datetime


class Recorded(StrEnum):
    """What recording a received instance came to."""

    NEW = "NEW"
    DUPLICATE = "DUPLICATE"
    CONFLICT = "CONFLICT"
    TURNED_AWAY = "TURNED_AWAY"


@dataclass(frozen=True)
class Kept:
    """A file in the spool, durable on disk.

    ``sha256`` is that of the data set, without the file meta: that names the sender, and the
    same instance from another sender is the same instance.
    """

    path: Path
    sha256: str
    size: int


@dataclass(frozen=True)
class Reason:
    """Why a series is where it is: a refusal's or a fault's words."""

    code: str
    found: str
    remedy: str


@dataclass(frozen=True)
class ReadingRecord:
    """One number of a check: ``measured`` is the value in words, ``limit`` its threshold."""

    name: str
    value: float | None
    unit: str
    measured: str
    limit: str


@dataclass(frozen=True)
class CheckRecord:
    """One check of quality; a ``grade`` other than ``ok`` makes it a flag."""

    code: str
    grade: str
    found: str
    readings: tuple[ReadingRecord, ...]


@dataclass(frozen=True)
class ResultRecord:
    """One result object of a series."""

    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    kind: str
    description: str
    path: Path
    revision: int


@dataclass(frozen=True)
class DeliveryRecord:
    """One result object at one destination; ``status`` is the DIMSE status answered.

    ``commitment`` is None where the destination is not asked for storage commitment.
    """

    sop_instance_uid: str
    destination: str
    state: DeliveryState
    status: int | None
    message: str
    attempts: int
    next_try_at: datetime | None
    updated_at: datetime
    commitment: CommitmentRecord | None = None


@dataclass(frozen=True)
class Event:
    """One line of a series' history."""

    at: datetime
    name: str
    detail: str


@dataclass(frozen=True)
class SeriesRecord:
    """All that is known of one series, as a reader needs it. Times are UTC.

    ``instances`` counts images: every frame of a multi-frame instance is one. Where images were
    turned away, ``asked_images`` and ``asked_bytes`` say how large the series would have become.
    ``sources_expired_at`` and ``results_expired_at`` say since when those files are deleted.
    A series of higher ``priority`` is analysed first; 0 is the usual.
    """

    series_instance_uid: str
    study_instance_uid: str
    modality: str
    description: str
    calling_ae_title: str
    state: SeriesState
    revision: int
    instances: int
    ignored: int
    conflicts: int
    received_first_at: datetime
    received_last_at: datetime
    completed_at: datetime | None = None
    analysing_at: datetime | None = None
    ready_at: datetime | None = None
    delivered_at: datetime | None = None
    confirmed_at: datetime | None = None
    attempts: int = 0
    next_try_at: datetime | None = None
    reason: Reason | None = None
    waiting_for: str = ""
    summary: dict[str, float | None] = field(default_factory=dict)
    flags: tuple[Reason, ...] = ()
    checks: tuple[CheckRecord, ...] = ()
    stages_s: dict[str, float] = field(default_factory=dict)
    asked_images: int = 0
    asked_bytes: int = 0
    ended_at: datetime | None = None
    sources_expired_at: datetime | None = None
    results_expired_at: datetime | None = None
    priority: int = 0
    curves: tuple[Curve, ...] = ()
    results: tuple[ResultRecord, ...] = ()
    deliveries: tuple[DeliveryRecord, ...] = ()
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class StoreOutcome:
    """What a destination answered for one object; ``status`` None: its context was rejected.

    Where not even ``readable``, the file itself is at fault: ``status`` is None, and
    ``sop_instance_uid`` is the file's name if the file does not say. ``state`` is what the answer
    comes to, where that is not for the DIMSE status to say.
    """

    sop_instance_uid: str
    status: int | None
    message: str = ""
    readable: bool = True
    state: DeliveryState | None = None
