"""An Archive in memory, with the same answers as the registry's."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from node.errors import RegistryUnavailableError, UnknownSeriesError, WrongStateError
from node.ports import (
    Activity,
    AlertRecord,
    CanaryRun,
    CommitmentState,
    CommitmentTally,
    DeliveryState,
    DestinationStanding,
    Event,
    Pause,
    SeriesPage,
    SeriesQuery,
    SeriesRecord,
    SeriesState,
    WorkerRecord,
)
from node.series import Instance
from node.status.queue import concerns_perfusion

State = SeriesState
NOW = datetime(2026, 3, 14, 2, 41, 30, tzinfo=UTC)

_AFTER: dict[str, dict[SeriesState, SeriesState]] = {
    "retry": {
        State.FAILED: State.COMPLETE,
        State.REFUSED: State.COMPLETE,
        State.CANCELLED: State.COMPLETE,
        State.COMPLETE: State.COMPLETE,
        State.READY: State.READY,
    },
    "cancel": {
        State.RECEIVING: State.CANCELLED,
        State.COMPLETE: State.CANCELLED,
        State.READY: State.CANCELLED,
    },
    "complete": {State.RECEIVING: State.COMPLETE},
    "resend": {State.DELIVERED: State.READY, State.CONFIRMED: State.READY},
    "analyse": {State.DELIVERED: State.COMPLETE, State.CONFIRMED: State.COMPLETE},
    "prioritise": {State.RECEIVING: State.RECEIVING, State.COMPLETE: State.COMPLETE},
}


class FakeArchive:
    """The registry's reading and asking side over a dictionary.

    Attributes
    ----------
    down
        Set it, and every question meets a database that does not answer.
    images
        The images of each series.
    reported, runs, troubles
        The workers, canaries and alerts that are said to be there.
    pulses
        How often it was asked whether anything changed.
    overtaken
        Set it, and every request comes too late: another process has moved the series on.
    """

    def __init__(self, *records: SeriesRecord) -> None:
        self._records = {record.series_instance_uid: record for record in records}
        self.pulses = 0
        self.images: dict[str, Sequence[Instance]] = {}
        self.reported: list[WorkerRecord] = []
        self.runs: list[CanaryRun] = []
        self.troubles: list[AlertRecord] = []
        self._pauses: dict[Activity, Pause] = {}
        self.down = False
        self.overtaken = False

    def put(self, *records: SeriesRecord) -> None:
        """Adds or replaces series."""
        self._records |= {record.series_instance_uid: record for record in records}

    def series(self, series_instance_uid: str) -> SeriesRecord:
        """Everything about one series."""
        self._answer()
        try:
            return self._records[series_instance_uid]
        except KeyError:
            raise UnknownSeriesError(f"no series {series_instance_uid} is known") from None

    def instances(self, series_instance_uid: str) -> Sequence[Instance]:
        """Those that were put there."""
        self._answer()
        return self.images.get(series_instance_uid, ())

    def list_series(
        self, *, states: Sequence[SeriesState] = (), search: str = "", limit: int = 200
    ) -> Sequence[SeriesRecord]:
        """The newest series first, without results, deliveries and events."""
        return self.find(SeriesQuery(states=tuple(states), search=search, limit=limit)).records

    def find(self, query: SeriesQuery) -> SeriesPage:
        """A page of the series that match."""
        self._answer()
        every = [
            replace(record, results=(), deliveries=(), events=())
            for record in self._records.values()
            if _fits(record, query)
        ]
        found = [each for each in every if not query.perfusion_only or concerns_perfusion(each)]
        found.sort(key=lambda record: record.received_last_at, reverse=True)
        page = found[query.offset : query.offset + query.limit]
        return SeriesPage(page, len(found), len(every) - len(found))

    def senders(self) -> Sequence[str]:
        """Every AE title."""
        self._answer()
        return sorted({record.calling_ae_title for record in self._records.values()})

    def standing(self, destinations: Sequence[str]) -> Sequence[DestinationStanding]:
        """From the deliveries of every series."""
        self._answer()
        sent = [d for record in self._records.values() for d in record.deliveries]
        taken = (DeliveryState.STORED, DeliveryState.WARNING)
        return [
            DestinationStanding(
                name,
                max(
                    (d.updated_at for d in sent if d.destination == name and d.state in taken),
                    default=None,
                ),
                sum(d.destination == name and d.state is DeliveryState.PENDING for d in sent),
            )
            for name in destinations
        ]

    def canaries(self, limit: int) -> Sequence[CanaryRun]:
        """Those that were put there."""
        self._answer()
        return self.runs[:limit]

    def alerts(self) -> Sequence[AlertRecord]:
        """Those that were put there."""
        self._answer()
        return self.troubles

    def workers(self) -> Sequence[WorkerRecord]:
        """Those that were put there."""
        self._answer()
        return self.reported

    def pulse(self) -> str:
        """Differs after every change."""
        self._answer()
        self.pulses += 1
        return str(hash((tuple(map(str, self._records.values())), str(self._pauses))))

    def counts(self) -> dict[SeriesState, int]:
        """How many series are in each state."""
        self._answer()
        return dict(Counter(record.state for record in self._records.values()))

    def commitments(self) -> Sequence[CommitmentTally]:
        """How many objects are stored and not confirmed."""
        self._answer()
        held = Counter(
            (delivery.destination, delivery.commitment.state)
            for record in self._records.values()
            for delivery in record.deliveries
            if delivery.commitment and delivery.commitment.state is not CommitmentState.CONFIRMED
        )
        return [CommitmentTally(name, state, n) for (name, state), n in sorted(held.items())]

    def retry(self, series_instance_uid: str) -> SeriesState:
        """Analyse or deliver again."""
        return self._move("retry", series_instance_uid)

    def cancel(self, series_instance_uid: str) -> SeriesState:
        """Stop what has not begun."""
        return self._move("cancel", series_instance_uid)

    def declare_complete(self, series_instance_uid: str) -> SeriesState:
        """Analyse with what has arrived."""
        return self._move("complete", series_instance_uid)

    def resend(self, series_instance_uid: str) -> SeriesState:
        """Send every result again."""
        return self._move("resend", series_instance_uid)

    def analyse_again(self, series_instance_uid: str) -> SeriesState:
        """Analyse anew."""
        return self._move("analyse", series_instance_uid)

    def prioritise(self, series_instance_uid: str) -> SeriesState:
        """Put it first."""
        state = self._move("prioritise", series_instance_uid)
        highest = max(record.priority for record in self._records.values())
        self.put(replace(self.series(series_instance_uid), priority=highest + 1))
        return state

    def pauses(self) -> Sequence[Pause]:
        """What is paused."""
        self._answer()
        return sorted(self._pauses.values(), key=lambda p: list(Activity).index(p.activity))

    def pause(self, activity: Activity, by: str) -> Pause:
        """Pause; what is paused stays as it is."""
        self._answer()
        return self._pauses.setdefault(activity, Pause(activity, by, NOW))

    def resume(self, activity: Activity) -> bool:
        """Go on."""
        self._answer()
        return self._pauses.pop(activity, None) is not None

    def _move(self, action: str, uid: str) -> SeriesState:
        record = self.series(uid)
        after = _AFTER[action].get(record.state)
        if after is None or self.overtaken:
            raise WrongStateError(f"a series in state {record.state} cannot be asked to {action}")
        asked = Event(datetime.now(UTC), f"{action} asked", "on the status page")
        events = (*record.events, asked)
        self.put(replace(record, state=after, reason=None, next_try_at=None, events=events))
        return after

    def _answer(self) -> None:
        if self.down:
            raise RegistryUnavailableError("the registry's database does not answer")


def a_series(number: int, state: SeriesState, **facts: object) -> SeriesRecord:
    """A series of a CT perfusion study; ``facts`` replace its fields."""
    last = NOW - timedelta(minutes=number)
    record = SeriesRecord(
        series_instance_uid=f"1.2.826.0.1.3680043.8.498.{number}",
        study_instance_uid=f"1.2.826.0.1.3680043.8.497.{number}",
        modality="CT",
        description="Head Perfusion 5.0 H20f",
        calling_ae_title="CT_SOMATOM",
        state=state,
        revision=1,
        instances=480,
        ignored=0,
        conflicts=0,
        received_first_at=last - timedelta(seconds=41),
        received_last_at=last,
    )
    return replace(record, **facts)  # type: ignore[arg-type]  # the caller names real fields


def _fits(record: SeriesRecord, query: SeriesQuery) -> bool:
    return all(
        (
            not query.states or record.state in query.states,
            _matches(record, query.search),
            query.sender in ("", record.calling_ae_title),
            query.study_instance_uid in ("", record.study_instance_uid),
            query.since is None or record.received_last_at >= query.since,
            query.delivered_since is None
            or (record.delivered_at is not None and record.delivered_at >= query.delivered_since),
        )
    )


def _matches(record: SeriesRecord, search: str) -> bool:
    read: Sequence[Callable[[SeriesRecord], str]] = (
        lambda r: r.series_instance_uid,
        lambda r: r.study_instance_uid,
        lambda r: r.description,
        lambda r: r.calling_ae_title,
    )
    return any(search.lower() in field(record).lower() for field in read)
