"""What people ask of series: to try, stop, send or analyse again, or to come first."""

from typing import Any

import sqlalchemy as sa

from node.errors import WrongStateError
from node.ports import DeliveryState, SeriesState
from node.registry import schema, states
from node.registry.pauses import PauseStore
from node.registry.rows import Row
from node.registry.standing import StandingStore
from node.registry.store import NO_LEASE, utc_now

_COME_AGAIN = "Send the study again: it is analysed anew."
_NOT_ANALYSED = (SeriesState.RECEIVING, SeriesState.COMPLETE)
_ENDED = states.ENDED - {SeriesState.IGNORED}
_NO_OUTCOME: dict[str, Any] = {
    "analysing_at": None,
    "ready_at": None,
    "delivered_at": None,
    "confirmed_at": None,
    "summary": {},
    "flags": [],
    "checks": [],
    "stages_s": {},
    "results_expired_at": None,
}


class RequestStore(PauseStore, StandingStore):
    """:class:`node.ports.Archive` over SQL: what is asked for."""

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

    def analyse_again(self, series_instance_uid: str) -> SeriesState:
        """Analyse anew what has ended, as a new revision that supersedes the last.

        Raises
        ------
        WrongStateError
            If it has not ended, or its images are deleted.
        """
        with self._database.writing() as connection:
            row = self._find(connection, series_instance_uid, lock=True)
            if row.sources_expired_at is not None:
                raise WrongStateError(
                    f"its images were deleted on {row.sources_expired_at:%Y-%m-%d %H:%M} UTC",
                    _COME_AGAIN,
                )
            if row.state not in _ENDED:
                raise WrongStateError(f"a series that is {row.state} has not ended yet")
            state = self._analyse_again(connection, row, row.revision + 1, "analysis_asked")
            self._change(connection, row, **_NO_OUTCOME)
            return state

    def prioritise(self, series_instance_uid: str) -> SeriesState:
        """Put a series before every other that is not analysed yet; the state it is in.

        Raises
        ------
        WrongStateError
            If its analysis has begun or ended.
        """
        table = schema.series
        waiting = sa.select(sa.func.max(table.c.priority)).where(
            table.c.state.in_([str(state) for state in _NOT_ANALYSED])
        )
        with self._database.writing() as connection:
            row = self._find(connection, series_instance_uid, lock=True)
            if row.state not in _NOT_ANALYSED:
                raise WrongStateError(f"a series that is {row.state} does not wait for an analysis")
            highest = connection.execute(waiting).scalar_one() or 0
            self._change(connection, row, priority=highest + 1)
            self._tell(connection, row, "prioritised", f"priority {highest + 1}")
            return SeriesState(row.state)

    def _hasten(self, connection: sa.Connection, row: Row, state: SeriesState) -> SeriesState:
        self._change(connection, row, next_try_at=None)
        self._ask_again(connection, row, utc_now())
        self._pend(connection, row, (DeliveryState.PENDING,))
        self._tell(connection, row, "retry_asked")
        return state

    def _analyse_again(
        self, connection: sa.Connection, row: Row, revision: int, event: str = "retry_asked"
    ) -> SeriesState:
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
            event,
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

    def _pend(self, connection: sa.Connection, row: Row, among: tuple[DeliveryState, ...]) -> bool:
        """Whether any delivery of this revision was ``among`` these: it is due now."""
        now = utc_now()
        self._forget_commitments(connection, row, among)
        table, results = schema.deliveries, schema.results
        current = sa.select(results.c.id).where(
            results.c.series_id == row.id, results.c.revision == row.revision
        )
        changed = connection.execute(
            sa.update(table)
            .where(table.c.result_id.in_(current), table.c.state.in_([str(s) for s in among]))
            .values(
                state=DeliveryState.PENDING,
                attempts=0,
                since=now,
                next_try_at=now,
                updated_at=now,
            )
        )
        return changed.rowcount > 0
