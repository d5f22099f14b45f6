"""Whose series is analysed next: senders of one priority take turns."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from node.ports import SeriesState
from node.registry import schema

_NOW = sa.bindparam("now", type_=schema.UtcDateTime())
_MOST = sa.bindparam("most", type_=sa.Integer())


def next_in_turn(connection: sa.Connection, now: datetime, limit: int) -> Sequence[str]:
    """The first series to analyse, in the order in which they should be.

    By priority; within one, senders take turns: first whoever has the fewest series in work,
    counting those that would come before; then whoever was served longest ago. A sender's own
    series go by age. So fifty studies of one scanner do not keep the single study of another
    waiting, and nobody's turn is lost while a worker is idle.
    """
    return list(connection.scalars(IN_TURN, {"now": now, "most": limit}))


def _in_turn() -> sa.Select[Any]:
    waiting = _waiting()
    busy, served = _of_senders(waiting)
    return (
        sa.select(waiting.c.series_instance_uid)
        .outerjoin(busy, busy.c.sender == waiting.c.sender)
        .join(served, served.c.sender == waiting.c.sender)
        .where(waiting.c.place <= _MOST)
        .order_by(
            waiting.c.priority.desc(),
            waiting.c.place + sa.func.coalesce(busy.c.number, 0),
            served.c.at.asc().nulls_first(),
            waiting.c.completed_at,
            waiting.c.id,
        )
        .limit(_MOST)
    )


def _waiting() -> sa.CTE:
    """What waits and may be tried now, with its place among its sender's own."""
    table = schema.series
    place = sa.func.row_number().over(
        partition_by=(table.c.priority, table.c.calling_ae_title),
        order_by=(table.c.completed_at, table.c.id),
    )
    may_be_tried = sa.or_(table.c.next_try_at.is_(None), table.c.next_try_at <= _NOW)
    return (
        sa.select(
            table.c.id,
            table.c.series_instance_uid,
            table.c.priority,
            table.c.completed_at,
            table.c.calling_ae_title.label("sender"),
            place.label("place"),
        )
        .where(table.c.state == SeriesState.COMPLETE, may_be_tried)
        .cte("waiting")
    )


def _of_senders(waiting: sa.CTE) -> tuple[sa.Subquery, sa.Subquery]:
    """How many series of each sender are in work, and when one last was taken up."""
    table = schema.series.alias()
    busy = (
        sa.select(table.c.calling_ae_title.label("sender"), sa.func.count().label("number"))
        .where(table.c.state == SeriesState.ANALYSING)
        .group_by(table.c.calling_ae_title)
        .subquery("busy")
    )
    senders = sa.select(waiting.c.sender).distinct().subquery("senders")
    last = (
        sa.select(sa.func.max(table.c.analysing_at))
        .where(table.c.calling_ae_title == senders.c.sender)
        .scalar_subquery()
    )
    return busy, sa.select(senders.c.sender, last.label("at")).subquery("served")


# Built once: building a statement takes SQLAlchemy longer than the database takes to run it.
IN_TURN = _in_turn()
