"""What could be worked on now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from node.ports import DeliveryState, SeriesState, Wake
from node.registry import schema
from node.registry.joining import JoiningStore
from node.registry.pauses import PauseStore
from node.registry.rows import Row
from node.registry.store import OPEN
from node.registry.turns import next_in_turn
from node.registry.unsettled import unsettled

AT_DELIVERY = (SeriesState.READY, SeriesState.REFUSED)
# One destination is asked to commit while another is still waited for, or has failed.
_AT_COMMITMENT = (*AT_DELIVERY, SeriesState.DELIVERED, SeriesState.FAILED)


class DueStore(JoiningStore, PauseStore):
    """The wake-ups of :class:`node.ports.Ledger` over SQL."""

    def due(self, now: datetime) -> Sequence[Wake]:
        """Everything that could be worked on now, by priority and age; nothing that is paused."""
        queries = (
            ("analyse", _analyse(now)),
            ("deliver", _deliver(now)),
            ("deliver", _settle(now)),
            ("commit", _commit(now)),
        )
        with self._database.reading() as connection:
            paused = self._paused_queues(connection)
            return [
                Wake(queue, uid)
                for queue, query in queries
                if queue not in paused
                for uid in connection.scalars(query)
            ]

    def most_urgent(self, now: datetime, limit: int = 8) -> Sequence[str]:
        """The series to analyse first: by priority, then senders in turn, then by age."""
        with self._database.reading() as connection:
            if "analyse" in self._paused_queues(connection):
                return []
            return next_in_turn(connection, now, limit)

    def _is_canary(self, connection: sa.Connection, row: Row) -> bool:
        query = sa.select(schema.series.c.id).where(schema.series.c.id == row.id, is_a_canary())
        return connection.execute(query).first() is not None

    def _is_due(self, connection: sa.Connection, row: Row, queue: str, now: datetime) -> bool:
        if queue in self._paused_queues(connection):
            return False
        if queue == "analyse":
            waits = row.next_try_at is not None and row.next_try_at > now
            return row.state == SeriesState.COMPLETE and not waits
        queries = (_deliver(now), _settle(now)) if queue == "deliver" else (_commit(now),)
        return any(
            connection.execute(query.where(schema.series.c.id == row.id)).first() is not None
            for query in queries
        )


def is_a_canary() -> sa.ColumnElement[bool]:
    """Whether a series of the query was made to watch the node."""
    canaries = schema.canaries
    own = canaries.c.series_instance_uid == schema.series.c.series_instance_uid
    return sa.exists().where(own)


def commitments_due(now: datetime) -> tuple[sa.FromClause, tuple[sa.ColumnElement[bool], ...]]:
    """Commitments that something is due about, joined to series, deliveries and results.

    A destination is asked once it has answered for every object that it was sent.
    """
    table, deliveries, results = schema.commitments, schema.deliveries, schema.results
    other = deliveries.alias()
    unsent = sa.exists().where(
        other.c.series_id == table.c.series_id,
        other.c.destination == deliveries.c.destination,
        other.c.state == DeliveryState.PENDING,
    )
    joined = (
        table.join(schema.series, table.c.series_id == schema.series.c.id)
        .join(deliveries, table.c.delivery_id == deliveries.c.id)
        .join(results, deliveries.c.result_id == results.c.id)
    )
    return joined, (
        table.c.state.in_(OPEN),
        table.c.next_try_at <= now,
        results.c.revision == schema.series.c.revision,
        sa.not_(unsent),
    )


def _analyse(now: datetime) -> sa.Select[Any]:
    """Series to analyse, the most urgent first."""
    table = schema.series
    return (
        sa.select(table.c.series_instance_uid)
        .where(table.c.state == SeriesState.COMPLETE, _reached(table.c.next_try_at, now))
        .order_by(table.c.priority.desc(), table.c.completed_at, table.c.id)
    )


def _deliver(now: datetime) -> sa.Select[Any]:
    """Series with objects to send, the longest due first."""
    table, deliveries = schema.series, schema.deliveries
    pending = table.join(deliveries, deliveries.c.series_id == table.c.id)
    which = (deliveries.c.state == DeliveryState.PENDING, deliveries.c.next_try_at <= now)
    return _at(AT_DELIVERY, pending, which, sa.func.min(deliveries.c.next_try_at))


def _settle(now: datetime) -> sa.Select[Any]:
    """Series whose last round only was not settled."""
    return sa.select(schema.series.c.series_instance_uid).where(unsettled(now))


def _commit(now: datetime) -> sa.Select[Any]:
    """Series with commitments to ask for or to act on, the longest due first."""
    joined, which = commitments_due(now)
    return _at(_AT_COMMITMENT, joined, which, sa.func.min(schema.commitments.c.next_try_at))


def _at(
    states: Sequence[SeriesState],
    joined: sa.FromClause,
    which: tuple[sa.ColumnElement[bool], ...],
    first: sa.ColumnElement[Any],
) -> sa.Select[Any]:
    """Series in these states that nobody has, by what of them is due first."""
    table = schema.series
    return (
        sa.select(table.c.series_instance_uid)
        .select_from(joined)
        .where(table.c.state.in_([str(s) for s in states]), table.c.lease_owner.is_(None), *which)
        .group_by(table.c.series_instance_uid, table.c.priority)
        .order_by(table.c.priority.desc(), first)
    )


def _reached(column: sa.Column[Any], now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(column.is_(None), column <= now)
