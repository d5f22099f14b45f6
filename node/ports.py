"""What the route asks of the world, as protocols, and the nouns they hand over."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from pydicom import Dataset

from node.perfusion import Estimator, ModelGrid, ModelInput, PerfusionMaps
from node.series import Header, Instance


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


class DeliveryState(StrEnum):
    """What became of one object at one destination."""

    PENDING = "PENDING"
    STORED = "STORED"
    WARNING = "WARNING"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"


class Recorded(StrEnum):
    """What recording a received instance came to."""

    NEW = "NEW"
    DUPLICATE = "DUPLICATE"
    CONFLICT = "CONFLICT"


@dataclass(frozen=True)
class Kept:
    """A file in the spool, durable on disk."""

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
    """One result object at one destination; ``status`` is the DIMSE status answered."""

    sop_instance_uid: str
    destination: str
    state: DeliveryState
    status: int | None
    message: str
    attempts: int
    next_try_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True)
class Event:
    """One line of a series' history."""

    at: datetime
    name: str
    detail: str


@dataclass(frozen=True)
class SeriesRecord:
    """All that is known of one series, as a reader needs it. Times are UTC."""

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
    attempts: int = 0
    next_try_at: datetime | None = None
    reason: Reason | None = None
    waiting_for: str = ""
    summary: dict[str, float | None] = field(default_factory=dict)
    flags: tuple[Reason, ...] = ()
    stages_s: dict[str, float] = field(default_factory=dict)
    results: tuple[ResultRecord, ...] = ()
    deliveries: tuple[DeliveryRecord, ...] = ()
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class StoreOutcome:
    """What a destination answered for one object; ``status`` None: its context was rejected."""

    sop_instance_uid: str
    status: int | None
    message: str = ""


class Spool(Protocol):
    """Part 10 files, durable when a call returns."""

    def keep(self, part10: Iterable[bytes], header: Header, *, ignored: bool = False) -> Kept:
        """Keep a received instance; an existing file of the same bytes is kept as it is.

        Raises
        ------
        SpoolFullError
            Without room.
        SpoolError
            If the disk fails.
        """

    def keep_apart(self, part10: Iterable[bytes], header: Header) -> Kept:
        """Keep other bytes under a known SOP Instance UID apart; the first stays."""

    def keep_result(self, source_series_uid: str, revision: int, dataset: Dataset) -> Kept:
        """Write a result object, read it back and compare.

        Raises
        ------
        ResultMismatchError
            If the file read back differs from what was written.
        """


class Intake(Protocol):
    """What the listener asks of the registry."""

    def known_digest(self, sop_instance_uid: str) -> str | None:
        """The sha256 of the instance already recorded under this UID, if any."""

    def record(
        self, header: Header, kept: Kept, *, calling_ae_title: str, ignored: bool
    ) -> Recorded:
        """Record a received instance; committed when this returns.

        Raises
        ------
        RegistryUnavailableError
            If the database does not answer.
        """

    def record_conflict(self, header: Header, kept: Kept) -> None:
        """Record that other bytes came under a known UID."""


class Archive(Protocol):
    """What the status page and the prompt ask of the registry: reads and requests."""

    def series(self, series_instance_uid: str) -> SeriesRecord:
        """Everything about one series.

        Raises
        ------
        UnknownSeriesError
            If there is none of that UID.
        """

    def list_series(
        self, *, states: Sequence[SeriesState] = (), search: str = "", limit: int = 200
    ) -> Sequence[SeriesRecord]:
        """The newest series first, without results, deliveries and events."""

    def counts(self) -> dict[SeriesState, int]:
        """How many series are in each state."""

    def retry(self, series_instance_uid: str) -> SeriesState:
        """Analyse or deliver again, whichever is due; the state afterwards.

        Raises
        ------
        WrongStateError
            If nothing of it can be tried again.
        """

    def cancel(self, series_instance_uid: str) -> SeriesState:
        """Stop what has not begun."""

    def declare_complete(self, series_instance_uid: str) -> SeriesState:
        """Analyse with what has arrived."""

    def resend(self, series_instance_uid: str) -> SeriesState:
        """Send every result to every destination again."""


class Model(Protocol):
    """The network, verified and warm."""

    @property
    def estimator(self) -> Estimator:
        """Name, version and digest."""

    @property
    def grid(self) -> ModelGrid:
        """The grid it wants its input on."""

    def predict(self, prepared: ModelInput) -> PerfusionMaps:
        """The maps on the scan's grid.

        Raises
        ------
        InferenceError
            If the network cannot be run.
        """


class Pacs(Protocol):
    """One destination."""

    def store(self, files: Sequence[Path], on_outcome: Callable[[StoreOutcome], None]) -> None:
        """Send files over one association; ``on_outcome`` is called for each as answered.

        Raises
        ------
        PeerUnreachableError
            If no association can be made, or it ends before every file was answered.
        """

    def echo(self) -> float:
        """Seconds that a C-ECHO took.

        Raises
        ------
        PeerUnreachableError
            If it was not answered with success.
        """


@dataclass(frozen=True)
class Wake:
    """Work that is due: ``queue`` is ``analyse`` or ``deliver``."""

    queue: str
    series_instance_uid: str


__all__ = [
    "Archive",
    "DeliveryRecord",
    "DeliveryState",
    "Event",
    "Instance",
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
