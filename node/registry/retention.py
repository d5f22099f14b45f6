"""Which files may go, and what the registry says while they do."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from node.ports import DeliveryState, Ended, Expiring, Part, SeriesState
from node.refusals import RefusalCode
from node.registry import schema
from node.registry.rows import Row
from node.registry.store import NO_SOURCES, OPEN, Store, utc_now

S = SeriesState
_UNDER_WAY = (S.RECEIVING, S.COMPLETE, S.ANALYSING, S.READY, S.DELIVERING)
_UNRELATED = [str(code) for code in RefusalCode if not code.concerns_perfusion]
_EXPIRED_AT = {Part.SOURCES: "sources_expired_at", Part.RESULTS: "results_expired_at"}


class RetentionStore(Store):
    """:class:`node.ports.Shelf` over SQL.

    Files go in three steps, so that a crash between any two leaves what the next sweep puts
    right: the row says that they go, they are deleted, the row forgets them.
    """

    def expirable(self, part: Part, ended: Ended, before: datetime, limit: int) -> Sequence[str]:
        """Series that ended so before that time and still have that part, the oldest first."""
        table = schema.series
        query = (
            sa.select(table.c.series_instance_uid)
            .where(*_may_expire(part), _ended(ended), table.c.ended_at <= before)
            .order_by(table.c.ended_at, table.c.id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return connection.scalars(query).all()

    def begin_expiry(self, series_instance_uid: str, parts: Sequence[Part], why: str) -> bool:
        """Whether the series may lose these parts: from now on nothing of it is taken in.

        Its history says what goes and why; the series joined to it go along.
        """
        with self._database.writing() as connection:
            row = self._find(connection, series_instance_uid, lock=True)
            going = [part for part in parts if self._still_may(connection, row, part)]
            if not going:
                return False
            if Part.SOURCES in going:
                for member in self._members(connection, row):
                    self._expire(connection, member, list(Part), why)
            self._expire(connection, row, going, why)
        return True

    def expiring(self) -> Sequence[Expiring]:
        """Every series whose expiry has begun and not ended, here or before a crash."""
        query = sa.select(schema.series).where(schema.series.c.expiring)
        with self._database.reading() as connection:
            found = connection.execute(query).all()
            return [
                Expiring(row.series_instance_uid, self._paths(connection, row)) for row in found
            ]

    def end_expiry(self, series_instance_uid: str) -> None:
        """Forget the files of an expiring series: they are gone.

        Results stay on record with their UIDs, for what is made later supersedes them.
        """
        with self._database.writing() as connection:
            row = self._find(connection, series_instance_uid, lock=True)
            if not row.expiring:
                return
            if row.sources_expired_at is not None:
                for table in (schema.instances, schema.conflicts):
                    connection.execute(sa.delete(table).where(table.c.series_id == row.id))
            self._change(connection, row, expiring=False)

    def forget(self, before: datetime, limit: int) -> int:
        """How many series without files that ended before that time were forgotten."""
        table = schema.series
        old = (
            sa.select(table.c.id)
            .where(table.c.state == S.EXPIRED, sa.not_(table.c.expiring))
            .where(table.c.ended_at <= before)
            .order_by(table.c.ended_at)
            .limit(limit)
        )
        with self._database.writing() as connection:
            ids = connection.scalars(old.with_for_update()).all()
            connection.execute(sa.delete(table).where(table.c.id.in_(ids)))
        return len(ids)

    def _still_may(self, connection: sa.Connection, row: Row, part: Part) -> bool:
        query = sa.select(schema.series.c.id).where(
            schema.series.c.id == row.id, *_may_expire(part), sa.or_(*map(_ended, Ended))
        )
        return connection.execute(query).first() is not None

    def _members(self, connection: sa.Connection, row: Row) -> Sequence[Row]:
        query = sa.select(schema.series).where(schema.series.c.joined_to == row.id)
        return connection.execute(query.with_for_update()).all()

    def _expire(self, connection: sa.Connection, row: Row, parts: Sequence[Part], why: str) -> None:
        now, results = utc_now(), self._count(connection, schema.results, row)
        values: dict[str, Any] = {_EXPIRED_AT[part]: now for part in parts}
        values |= {"expiring": True, "waiting_for": "", "next_try_at": None}
        if Part.SOURCES in parts:
            values |= NO_SOURCES
        left = [p for p in Part if p not in parts and getattr(row, _EXPIRED_AT[p]) is None]
        detail = f"{_told(row, results, parts)} deleted: {why}"
        if not left or (left == [Part.RESULTS] and not results):
            self._move(connection, row, S.EXPIRED, "expired", detail, **values)
        else:
            self._change(connection, row, **values)
            self._tell(connection, row, "expired", detail)

    def _count(self, connection: sa.Connection, table: sa.Table, row: Row) -> int:
        query = sa.select(sa.func.count()).where(table.c.series_id == row.id)
        return int(connection.execute(query).scalar_one())

    def _paths(self, connection: sa.Connection, row: Row) -> tuple[Any, ...]:
        tables = [schema.instances, schema.conflicts] if row.sources_expired_at else []
        tables += [schema.results] if row.results_expired_at else []
        return tuple(
            self._data_dir / path
            for table in tables
            for path in connection.scalars(
                sa.select(table.c.path).where(table.c.series_id == row.id)
            )
        )


def _may_expire(part: Part) -> tuple[sa.ColumnElement[bool], ...]:
    """What is true of a series that may lose a part; how and when it ended is asked apart.

    Nobody works on it, owes it to a destination or waits for one to confirm it, or receives
    another series of its study.
    """
    table, other, owed = schema.series, schema.series.alias(), schema.deliveries
    asked = schema.commitments
    under_way = sa.exists().where(
        other.c.study_instance_uid == table.c.study_instance_uid,
        other.c.state.in_([str(s) for s in _UNDER_WAY]),
    )
    pending = sa.exists().where(
        owed.c.series_id == table.c.id, owed.c.state == DeliveryState.PENDING
    )
    unconfirmed = sa.exists().where(asked.c.series_id == table.c.id, asked.c.state.in_(OPEN))
    there: sa.ColumnElement[bool] = table.c[_EXPIRED_AT[part]].is_(None)
    if part is Part.RESULTS:
        made = sa.exists().where(schema.results.c.series_id == table.c.id)
        there = sa.and_(there, made)
    return (
        there,
        sa.not_(table.c.expiring),
        table.c.lease_owner.is_(None),
        sa.not_(pending),
        sa.not_(unconfirmed),
        sa.not_(under_way),
    )


def _ended(how: Ended) -> sa.ColumnElement[bool]:
    """Whether a series ended so.

    The states come first and by themselves: with the time of the end they are an index.
    """
    table = schema.series
    unrelated = table.c.reason["code"].as_string().in_(_UNRELATED)
    states, refused = [S.DELIVERED, S.CONFIRMED, S.IGNORED, S.REFUSED], unrelated
    if how is Ended.UNFINISHED:
        states, refused = [S.FAILED, S.CANCELLED, S.REFUSED], sa.not_(unrelated)
    return sa.and_(
        table.c.state.in_([str(state) for state in states]),
        sa.or_(table.c.state != S.REFUSED, refused),
    )


def _told(row: Row, results: int, parts: Sequence[Part]) -> str:
    """What goes, in words."""
    received = row.instances + row.ignored + row.conflicts
    words = {
        Part.SOURCES: f"{received} received images ({row.size_bytes / 2**20:.0f} MiB)",
        Part.RESULTS: f"{results} results",
    }
    return " and ".join(words[part] for part in parts)
