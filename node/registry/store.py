"""What the parts of the registry share: finding a series, moving it, writing its history."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from node.errors import UnknownSeriesError
from node.ports import CommitmentState, DeliveryState, SeriesState
from node.registry import schema, states
from node.registry.database import Database
from node.registry.rows import Row, storable

NO_LEASE: dict[str, Any] = {"lease_queue": None, "lease_owner": None, "lease_until": None}
OPEN = (CommitmentState.OWED, CommitmentState.ASKED, CommitmentState.FAILED)
"""Commitments that something is still to be done about."""
_ANEW: dict[str, Any] = {
    **NO_LEASE,
    "completed_at": None,
    "analysing_at": None,
    "ready_at": None,
    "delivered_at": None,
    "confirmed_at": None,
    "attempts": 0,
    "next_try_at": None,
    "reason": None,
    "waiting_for": "more images",
    "summary": {},
    "flags": [],
    "checks": [],
    "stages_s": {},
    "sources_expired_at": None,
    "results_expired_at": None,
}
# What is known of images that are deleted says nothing of those that come afterwards.
NO_SOURCES: dict[str, Any] = {
    "instances": 0,
    "ignored": 0,
    "conflicts": 0,
    "size_bytes": 0,
    "asked_images": 0,
    "asked_bytes": 0,
    "looked_instances": 0,
    "content_complete": False,
    "missing": "",
    "volume": None,
    "joined_to": None,
}


# Built once: building a statement takes SQLAlchemy longer than SQLite takes to run it.
_SEEKING = sa.select(schema.series).where(
    schema.series.c.series_instance_uid == sa.bindparam("uid")
)
_SEEKING_ALONE = _SEEKING.with_for_update()


class Store:
    """One database, and the only ways a series changes its state in it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._data_dir = database.data_dir

    def close(self) -> None:
        """Give every connection back."""
        self._database.close()

    def ahead_s(self) -> float:
        """How far this host's clock is ahead of the database server's [s]; 0 of a local file."""
        if self._database.is_sqlite:
            return 0.0
        with self._database.reading() as connection:
            connection.execute(sa.select(1))  # what follows takes one way there and back
            before = utc_now()
            theirs: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
            after = utc_now()
        return (before + (after - before) / 2 - theirs).total_seconds()

    def _find(self, connection: sa.Connection, uid: str, *, lock: bool = False) -> Row:
        """The row of a series; with ``lock``, nobody else's until the transaction ends.

        Raises
        ------
        UnknownSeriesError
            If there is none of that UID.
        """
        row = self._seek(connection, uid, lock=lock)
        if row is None:
            raise UnknownSeriesError(f"no series {uid} is in the registry")
        return row

    def _seek(self, connection: sa.Connection, uid: str, *, lock: bool) -> Row | None:
        # SQLite knows no FOR UPDATE and needs none: its writers take turns
        query = _SEEKING_ALONE if lock else _SEEKING
        return connection.execute(query, {"uid": uid}).one_or_none()

    def _move(
        self,
        connection: sa.Connection,
        row: Row,
        after: SeriesState,
        event: str,
        detail: str = "",
        **values: Any,
    ) -> None:
        """Bring a series into another state and say so in its history.

        Raises
        ------
        WrongStateError
            If that state may not follow the present one.
        """
        states.check(SeriesState(row.state), after)
        if after is not SeriesState.EXPIRED:  # it ended before
            values["ended_at"] = utc_now() if after in states.ENDED else None
        self._change(connection, row, state=after, **values)
        self._tell(connection, row, event, detail)

    def _complete(self, connection: sa.Connection, row: Row, now: datetime, note: str) -> None:
        self._move(
            connection,
            row,
            SeriesState.COMPLETE,
            "completed",
            note,
            completed_at=now,
            next_try_at=None,
            waiting_for="an analysis worker",
        )

    def _reopen(self, connection: sa.Connection, row: Row, counted: dict[str, Any]) -> None:
        """Open a series again for images that came late: its next revision begins.

        Nothing of the last revision may look like this one's.
        """
        self._owe_no_more(connection, row, "superseded: another image came")
        gone = row.sources_expired_at is not None
        note = "; the images that came before are deleted: all must come again" if gone else ""
        self._move(
            connection,
            row,
            SeriesState.RECEIVING,
            "reopened",
            f"was {row.state}; revision {row.revision + 1} will supersede{note}",
            **counted,
            **_ANEW,
            revision=row.revision + 1,
        )

    def _change(self, connection: sa.Connection, row: Row, **values: Any) -> None:
        connection.execute(
            sa.update(schema.series).where(schema.series.c.id == row.id).values(**values)
        )

    def _tell(self, connection: sa.Connection, row: Row, event: str, detail: str = "") -> None:
        connection.execute(
            sa.insert(schema.events).values(
                series_id=row.id, at=utc_now(), name=event, detail=storable(detail)
            )
        )

    def _forget_commitments(
        self, connection: sa.Connection, row: Row, states: Collection[DeliveryState] = ()
    ) -> None:
        """Of this revision's objects (whose deliveries are in ``states``): all are sent anew."""
        table, deliveries, results = schema.commitments, schema.deliveries, schema.results
        again = (
            sa.select(deliveries.c.id)
            .join(results, deliveries.c.result_id == results.c.id)
            .where(results.c.series_id == row.id, results.c.revision == row.revision)
        )
        if states:
            again = again.where(deliveries.c.state.in_(states))
        connection.execute(sa.delete(table).where(table.c.delivery_id.in_(again)))

    def _owe_no_more(self, connection: sa.Connection, row: Row, message: str) -> None:
        """What was not sent or not confirmed yet is no longer wanted."""
        deliveries, commitments, now = schema.deliveries, schema.commitments, utc_now()
        connection.execute(
            sa.update(deliveries)
            .where(
                deliveries.c.series_id == row.id,
                deliveries.c.state == DeliveryState.PENDING,
            )
            .values(state=DeliveryState.SKIPPED, message=message, updated_at=now)
        )
        connection.execute(
            sa.update(commitments)
            .where(commitments.c.series_id == row.id, commitments.c.state.in_(OPEN))
            .values(state=CommitmentState.UNCONFIRMED, message=message, updated_at=now)
        )


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)
