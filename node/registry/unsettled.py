"""Rounds of deliveries whose every answer is recorded, but not that they have ended."""

from datetime import datetime

import sqlalchemy as sa

from node.ports import DeliveryState, SeriesState
from node.registry import schema


def unsettled(now: datetime) -> sa.ColumnElement[bool]:
    """Whether a series waits for nothing but to be settled: its worker died just before.

    Nothing of it is pending, so that no delivery would make it due.
    """
    table, owed = schema.series, schema.deliveries
    of_series = owed.c.series_id == table.c.id
    return sa.and_(
        table.c.state == SeriesState.READY,
        table.c.next_try_at <= now,
        table.c.lease_owner.is_(None),
        sa.exists().where(of_series),
        sa.not_(sa.exists().where(of_series, owed.c.state == DeliveryState.PENDING)),
    )
