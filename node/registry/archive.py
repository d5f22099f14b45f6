"""What people read of the registry, and what they ask of it."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from node.errors import WrongStateError
from node.ports import CommitmentState, CommitmentTally, DeliveryState, SeriesRecord, SeriesState
from node.registry import schema
from node.registry.rows import Row, series_record
from node.registry.standing import StandingStore
from node.registry.store import NO_LEASE, OPEN, utc_now

_COME_AGAIN = "Send the study again: it is analysed anew."
_COMMITMENT = ("state", "failure", "message", "tries", "next_try_at", "updated_at")
_SEARCHED = ("series_instance_uid", "study_instance_uid", "description", "calling_ae_title")


class ArchiveStore(StandingStore):
    """:class:`node.ports.Archive` over SQL."""

    def series(self, series_instance_uid: str) -> SeriesRecord:
        """Everything about one series.

        Raises
        ------
        UnknownSeriesError
            If there is none of that UID.
        """
        results, deliveries, events = schema.results, schema.deliveries, schema.events
        commitments = schema.commitments
        with self._database.reading() as connection:
            row = self._find(connection, series_instance_uid)
            sent = (
                sa.select(
                    deliveries,
                    results.c.sop_instance_uid,
                    *(commitments.c[name].label(f"commitment_{name}") for name in _COMMITMENT),
                )
                .join(results, deliveries.c.result_id == results.c.id)
                .outerjoin(commitments, commitments.c.delivery_id == deliveries.c.id)
                .where(deliveries.c.series_id == row.id)
                .order_by(deliveries.c.destination, results.c.revision, results.c.id)
            )
            return series_record(
                row,
                self._data_dir,
                results=connection.execute(_of(results, row)),
                deliveries=connection.execute(sent),
                events=connection.execute(_of(events, row)),
            )

    def list_series(
        self, *, states: Sequence[SeriesState] = (), search: str = "", limit: int = 200
    ) -> Sequence[SeriesRecord]:
        """The newest series first, without results, deliveries and events."""
        table = schema.series
        query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
        if states:
            query = query.where(table.c.state.in_([str(s) for s in states]))
        if search:
            query = query.where(
                sa.or_(*(table.c[name].icontains(search, autoescape=True) for name in _SEARCHED))
            )
        with self._database.reading() as connection:
            return [series_record(row, self._data_dir) for row in connection.execute(query)]

    def counts(self) -> dict[SeriesState, int]:
        """How many series are in each state; a state without any is left out."""
        table = schema.series
        query = sa.select(table.c.state, sa.func.count()).group_by(table.c.state)
        with self._database.reading() as connection:
            return {SeriesState(state): n for state, n in connection.execute(query)}

    def commitments(self) -> Sequence[CommitmentTally]:
        """How many objects each destination has stored and not confirmed, by where that stands."""
        table, deliveries, results = schema.commitments, schema.deliveries, schema.results
        unsettled = (*OPEN, CommitmentState.UNCONFIRMED)
        query = (
            sa.select(deliveries.c.destination, table.c.state, sa.func.count())
            .join(deliveries, table.c.delivery_id == deliveries.c.id)
            .join(results, deliveries.c.result_id == results.c.id)
            .join(schema.series, table.c.series_id == schema.series.c.id)
            .where(table.c.state.in_(unsettled), results.c.revision == schema.series.c.revision)
            .group_by(deliveries.c.destination, table.c.state)
            .order_by(deliveries.c.destination, table.c.state)
        )
        with self._database.reading() as connection:
            return [
                CommitmentTally(name, CommitmentState(state), n)
                for name, state, n in connection.execute(query)
            ]

    def retry(self, series_instance_uid: str) -> SeriesState:
        """Analyse or deliver again, whichever is due; the state afterwards.

        What waits for its next try is tried now. A refused or cancelled series is analysed
        anew, a failed one goes on where it failed. A delivered one is to be confirmed, where
        it is not yet.

        Raises
        ------
        WrongStateError
            If nothing of it can be tried again.
        """
        with self._database.writing() as connection:
            row = self._find(connection, series_instance_uid, lock=True)
            state = SeriesState(row.state)
            if state in (SeriesState.COMPLETE, SeriesState.READY):
                return self._hasten(connection, row, state)
            if state in (SeriesState.FAILED, SeriesState.CANCELLED):
                wanted = (DeliveryState.FAILED, DeliveryState.PENDING, DeliveryState.SKIPPED)
                if self._pend(connection, row, wanted):
                    return self._deliver_again(connection, row, "retry_asked")
                return self._analyse_again(connection, row, row.revision)
            if state is SeriesState.REFUSED:
                return self._analyse_again(connection, row, row.revision + 1)
            if state is SeriesState.DELIVERED and self._ask_again(connection, row, utc_now()):
                self._change(connection, row, **NO_LEASE)  # whoever asks now asks for too little
                self._tell(connection, row, "retry_asked")
                return self._stand(connection, row, utc_now())
            remedy = _COME_AGAIN if state is SeriesState.EXPIRED else None
            raise WrongStateError(f"a series that is {state} has nothing to try again", remedy)

    def cancel(self, series_instance_uid: str) -> SeriesState:
        """Stop what has not begun.

        Raises
        ------
        WrongStateError
            If it has begun or ended.
        """
        with self._database.writing() as connection:
            row = self._find(connection, series_instance_uid, lock=True)
            self._move(
                connection,
                row,
                SeriesState.CANCELLED,
                "cancelled",
                next_try_at=None,
                waiting_for="",
            )
            self._owe_no_more(connection, row, "cancelled")
        return SeriesState.CANCELLED

    def declare_complete(self, series_instance_uid: str) -> SeriesState:
        """Analyse with what has arrived.

        Raises
        ------
        WrongStateError
            If the series no longer receives.
        """
        with self._database.writing() as connection:
            row = self._find(connection, series_instance_uid, lock=True)
            self._complete(connection, row, utc_now(), f"asked for; missing: {row.missing or '-'}")
        return SeriesState.COMPLETE

    def resend(self, series_instance_uid: str) -> SeriesState:
        """Send every result to every destination again.

        Raises
        ------
        WrongStateError
            If there are no results, or they are being sent.
        """
        with self._database.writing() as connection:
            row = self._find(connection, series_instance_uid, lock=True)
            if row.results_expired_at is not None:
                raise WrongStateError(
                    f"its results were deleted on {row.results_expired_at:%Y-%m-%d %H:%M} UTC",
                    _COME_AGAIN,
                )
            sending = row.lease_owner and row.lease_queue != "commit"
            if sending or not self._pend(connection, row, tuple(DeliveryState)):
                raise WrongStateError(f"a series that is {row.state} has nothing to send again")
            if row.state == SeriesState.REFUSED:
                self._tell(connection, row, "resend_asked")
                return SeriesState.REFUSED
            return self._deliver_again(connection, row, "resend_asked")

    def _hasten(self, connection: sa.Connection, row: Row, state: SeriesState) -> SeriesState:
        self._change(connection, row, next_try_at=None)
        self._ask_again(connection, row, utc_now())
        self._pend(connection, row, (DeliveryState.PENDING,))
        self._tell(connection, row, "retry_asked")
        return state

    def _analyse_again(self, connection: sa.Connection, row: Row, revision: int) -> SeriesState:
        """COMPLETE again; a new revision is completed now, the same one when it was.

        What is still owed of a refusal, its page, is owed no more, and whoever sends it has
        lost the series.
        """
        same = revision == row.revision and row.completed_at is not None
        self._owe_no_more(connection, row, "superseded: analysed again")
        self._move(
            connection,
            row,
            SeriesState.COMPLETE,
            "retry_asked",
            revision=revision,
            completed_at=row.completed_at if same else utc_now(),
            attempts=0,
            next_try_at=None,
            reason=None,
            waiting_for="an analysis worker",
            **NO_LEASE,
        )
        return SeriesState.COMPLETE

    def _deliver_again(self, connection: sa.Connection, row: Row, event: str) -> SeriesState:
        values: dict[str, Any] = {
            "attempts": 0,
            "next_try_at": None,
            "reason": None,
            "waiting_for": "a delivery worker",
            "delivered_at": None,
            "confirmed_at": None,
            **NO_LEASE,
        }
        self._ask_again(connection, row, utc_now())
        if row.state == SeriesState.READY:
            self._change(connection, row, **values)
            self._tell(connection, row, event)
        else:
            self._move(connection, row, SeriesState.READY, event, **values)
        return SeriesState.READY

    def _pend(self, connection: sa.Connection, row: Row, states: tuple[DeliveryState, ...]) -> bool:
        """Whether any delivery of this revision was in ``states``: it is due now."""
        now = utc_now()
        self._forget_commitments(connection, row, states)
        table, results = schema.deliveries, schema.results
        current = sa.select(results.c.id).where(
            results.c.series_id == row.id, results.c.revision == row.revision
        )
        changed = connection.execute(
            sa.update(table)
            .where(table.c.result_id.in_(current), table.c.state.in_([str(s) for s in states]))
            .values(
                state=DeliveryState.PENDING,
                attempts=0,
                since=now,
                next_try_at=now,
                updated_at=now,
            )
        )
        return changed.rowcount > 0


def _of(table: sa.Table, row: Row) -> sa.Select[tuple[object, ...]]:
    return sa.select(table).where(table.c.series_id == row.id).order_by(table.c.id)
