"""The API's answers as JSON; a SeriesRecord without the paths of its files."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from node.ports import Activity, CommitmentState, DeliveryState, SeriesRecord, SeriesState
from node.status import dimse
from node.status.probes import DestinationInfo
from node.status.queue import Queue, waited_s
from node.status.view import actions, situation


class _FromRecord(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ReasonView(_FromRecord):
    """Why a series is where it is, or what a reader must know of it."""

    code: str
    found: str
    remedy: str


class ReadingView(_FromRecord):
    """One number of a check."""

    name: str
    value: float | None = Field(description="null where there is nothing to measure")
    unit: str
    measured: str = Field(description="the value in words", examples=["12.3 HU"])
    limit: str = Field(description="its threshold in words", examples=["at least 15 HU"])


class CheckView(_FromRecord):
    """One check of quality: every one that was made, whatever it came to."""

    code: str
    grade: str = Field(description="ok, caution or fail; one that is not ok is a flag")
    found: str
    readings: tuple[ReadingView, ...]


class ResultView(_FromRecord):
    """One result object."""

    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    kind: str
    description: str
    revision: int


class CommitmentView(_FromRecord):
    """How storage commitment for one object at one destination stands."""

    state: CommitmentState
    failure: int | None = Field(description="Failure Reason (0008,1197), as a number")
    message: str
    tries: int
    next_try_at: datetime | None
    updated_at: datetime


class DeliveryView(_FromRecord):
    """One result object at one destination."""

    sop_instance_uid: str
    destination: str
    state: DeliveryState
    status: int | None = Field(description="DIMSE status, as a number")
    status_words: str = ""
    message: str
    attempts: int
    next_try_at: datetime | None
    updated_at: datetime
    commitment: CommitmentView | None = Field(description="null where it is not asked for")


class EventView(_FromRecord):
    """One line of the history."""

    at: datetime
    name: str
    detail: str


class SeriesLine(_FromRecord):
    """A series as a line of the list. Times are UTC."""

    series_instance_uid: str
    study_instance_uid: str
    modality: str
    description: str
    calling_ae_title: str
    state: SeriesState
    words: str = Field(description="the situation in one sentence")
    age_s: float = Field(description="seconds since its last image")
    revision: int
    instances: int = Field(description="images received; every frame of a multi-frame one counts")
    ignored: int
    conflicts: int
    received_first_at: datetime
    received_last_at: datetime
    completed_at: datetime | None
    analysing_at: datetime | None
    ready_at: datetime | None
    delivered_at: datetime | None
    confirmed_at: datetime | None
    sources_expired_at: datetime | None = Field(description="since when its images are deleted")
    results_expired_at: datetime | None = Field(description="since when its results are deleted")
    attempts: int
    next_try_at: datetime | None
    reason: ReasonView | None
    waiting_for: str
    summary: dict[str, float | None]
    flags: tuple[ReasonView, ...]
    stages_s: dict[str, float]


class SeriesFull(SeriesLine):
    """Everything about one series."""

    actions: tuple[str, ...] = Field(description="what may be asked of it by POST")
    checks: tuple[CheckView, ...]
    results: tuple[ResultView, ...]
    deliveries: tuple[DeliveryView, ...]
    events: tuple[EventView, ...]


class TurnroundView(_FromRecord):
    """Last image to maps delivered, over the last 24 hours [s]."""

    median_s: float | None
    last_s: float | None
    target_s: float
    within: int = Field(description="how many reached the target")


class TallyView(_FromRecord):
    """How many objects' storage commitments at one destination are in one state."""

    destination: str
    state: CommitmentState
    objects: int


class QueueView(BaseModel):
    """The queue at a glance."""

    counts: dict[SeriesState, int]
    oldest_waiting_s: float | None
    delivered_last_24_h: int
    refused_last_24_h: int
    turnround: TurnroundView
    stage_medians_s: dict[str, float]
    unconfirmed: tuple[TallyView, ...] = Field(description="stored, and not confirmed yet or ever")


class DestinationView(_FromRecord):
    """An archive that receives results: a PACS, or a DICOMweb server with a ``url``."""

    name: str
    ae_title: str
    host: str
    port: int | None
    url: str
    commitment: bool = Field(description="whether it is asked for storage commitment")


class EchoView(BaseModel):
    """An echo that was answered with success."""

    destination: str
    seconds: float
    words: str = Field(examples=["Answered a C-ECHO in 4 ms."])


class ActionView(BaseModel):
    """What an action came to."""

    series_instance_uid: str
    state: SeriesState
    words: str


class ActivityView(BaseModel):
    """What of the node's work can be paused, and whether it is."""

    activity: Activity
    paused: bool
    by: str
    since: datetime | None


class PausedView(BaseModel):
    """What pausing or resuming came to."""

    activity: Activity
    paused: bool
    words: str


class HealthView(BaseModel):
    """Whether the node is well, and if not, why."""

    status: str = Field(examples=["ready", "not ready"])
    reasons: list[str] = []
    warnings: list[str] = []


def line(record: SeriesRecord, now: datetime, quiet_s: float) -> SeriesLine:
    """A record as a line of the list."""
    return SeriesLine.model_validate(_with_words(record, now, quiet_s))


def full(record: SeriesRecord, now: datetime, quiet_s: float) -> SeriesFull:
    """A record with its results, deliveries and history."""
    deliveries = [
        {**vars(delivery), "status_words": dimse.words(delivery.status)}
        for delivery in record.deliveries
    ]
    return SeriesFull.model_validate(
        {
            **_with_words(record, now, quiet_s),
            "actions": actions(record),
            "deliveries": deliveries,
        }
    )


def queue(now_queue: Queue) -> QueueView:
    """The queue as JSON."""
    return QueueView(
        counts=now_queue.counts,
        oldest_waiting_s=now_queue.oldest_waiting_s,
        delivered_last_24_h=now_queue.delivered_day,
        refused_last_24_h=now_queue.refused_day,
        turnround=TurnroundView.model_validate(now_queue.turnround),
        stage_medians_s=now_queue.stage_medians_s,
        unconfirmed=tuple(TallyView.model_validate(each) for each in now_queue.unconfirmed),
    )


def destination(info: DestinationInfo) -> DestinationView:
    """A destination as JSON."""
    return DestinationView.model_validate(info)


def _with_words(record: SeriesRecord, now: datetime, quiet_s: float) -> dict[str, object]:
    return {
        **vars(record),
        "words": situation(record, now, quiet_s),
        "age_s": waited_s(record, now),
    }
