"""An Archive in memory, with the same answers as the registry's."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from node.errors import RegistryUnavailableError, UnknownSeriesError, WrongStateError
from node.ports import CommitmentState, CommitmentTally, Event, SeriesRecord, SeriesState

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
}


class FakeArchive:
    """The registry's reading and asking side over a dictionary.

    Attributes
    ----------
    down
        Set it, and every question meets a database that does not answer.
    overtaken
        Set it, and every request comes too late: another process has moved the series on.
    """

    def __init__(self, *records: SeriesRecord) -> None:
        self._records = {record.series_instance_uid: record for record in records}
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

    def list_series(
        self, *, states: Sequence[SeriesState] = (), search: str = "", limit: int = 200
    ) -> Sequence[SeriesRecord]:
        """The newest series first, without results, deliveries and events."""
        self._answer()
        found = [
            replace(record, results=(), deliveries=(), events=())
            for record in self._records.values()
            if (not states or record.state in states) and _matches(record, search)
        ]
        return sorted(found, key=lambda r: r.received_last_at, reverse=True)[:limit]

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


def _matches(record: SeriesRecord, search: str) -> bool:
    read: Sequence[Callable[[SeriesRecord], str]] = (
        lambda r: r.series_instance_uid,
        lambda r: r.study_instance_uid,
        lambda r: r.description,
        lambda r: r.calling_ae_title,
    )
    return any(search.lower() in field(record).lower() for field in read)
