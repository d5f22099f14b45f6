"""A registry with many series that have ended, each with its images, results and deliveries."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydicom.uid import CTImageStorage

from node.ports import CommitmentState, DeliveryState, SeriesState
from node.registry import Registry, schema
from node.registry.rows import header_row
from tests.support import registered as r

ROOT = "1.2.826.0.1.3680043.8.498"
IMAGES, OBJECTS, EVENTS = 10, 9, 5
"""Of each series: fewer than a real one's, of which only the series at work are asked for."""
DESTINATION = "pacs"
DAYS = 30
STATES = (
    *((SeriesState.CONFIRMED, 45), (SeriesState.DELIVERED, 41), (SeriesState.REFUSED, 8)),
    *((SeriesState.FAILED, 3), (SeriesState.CANCELLED, 2), (SeriesState.IGNORED, 1)),
)
_PERFUSED = (SeriesState.CONFIRMED, SeriesState.DELIVERED)
_AT_ONCE = 10_000


def fill(registry: Registry, count: int, now: datetime) -> None:
    """So many series that ended within the last :data:`DAYS`, and all that hangs on them.

    Every perfusion series was delivered; the destination was asked to commit to each, and to
    half of them it has.
    """
    rows = list(_series_rows(count, now))
    with registry._database.writing() as connection:
        for first in range(0, count, _AT_ONCE):
            connection.execute(sa.insert(schema.series), rows[first : first + _AT_ONCE])
        if count:
            _fill_what_hangs_on_them(connection)
        if not registry._database.is_sqlite:
            connection.execute(sa.text("ANALYZE"))  # as autovacuum does, within a minute


def _series_rows(count: int, now: datetime) -> Iterator[dict[str, Any]]:
    rng = random.Random(0)
    names, weights = [s for s, _ in STATES], [w for _, w in STATES]
    short = {"code": "too_short", "found": "it covers 22 s", "remedy": "Send 30 s."}
    for number in range(count):
        last = now - timedelta(days=DAYS * (count - number) / (count + 1), minutes=5)
        done = last + timedelta(seconds=20)
        state = rng.choices(names, weights)[0]
        maps = state in _PERFUSED
        yield {
            "series_instance_uid": f"{ROOT}.{number}.1",
            "study_instance_uid": f"{ROOT}.{number}",
            "modality": "CT",
            "description": "Head Perfusion 5.0 H20f",
            "calling_ae_title": rng.choice(("CT_SOMATOM", "CT_AQUILION", "CT_REVOLUTION")),
            "state": str(state),
            "revision": 1,
            "instances": 480,
            "ignored": 0,
            "conflicts": 0,
            "received_first_at": last - timedelta(seconds=40),
            "received_last_at": last,
            "looked_instances": 480,
            "content_complete": True,
            "missing": "",
            "completed_at": last,
            "analysing_at": last,
            "ready_at": done if maps else None,
            "delivered_at": done if maps else None,
            "confirmed_at": done if state is SeriesState.CONFIRMED else None,
            "attempts": 0,
            "reason": None if maps or state is SeriesState.IGNORED else short,
            "waiting_for": "",
            "summary": {f"measure_{n}_ml": n * 1.5 for n in range(12)} if maps else {},
            "checks": [],
            "flags": [],
            "stages_s": dict.fromkeys(("recognise", "stack", "predict"), 0.4) if maps else {},
            "size_bytes": 250_000_000,
            "asked_images": 0,
            "asked_bytes": 0,
            "ended_at": done,
            "expiring": False,
            "priority": 0,
        }


def _fill_what_hangs_on_them(connection: sa.Connection) -> None:
    """Images, history, results, deliveries and commitments: the database makes them itself."""
    series, results, deliveries = schema.series, schema.results, schema.deliveries
    ended = series.c.series_instance_uid.startswith(ROOT)
    maps = sa.and_(ended, series.c.state.in_([str(s) for s in _PERFUSED]))
    confirmed = series.c.state == SeriesState.CONFIRMED

    def each(of: int, table: sa.Table, which: sa.ColumnElement[bool], **values: Any) -> None:
        number = _numbers(of)
        values = {k: v(number.c.n) if callable(v) else v for k, v in values.items()}
        chosen = sa.select(series.c.id, *map(_value, values.values())).select_from(
            series.join(number, sa.true())
        )
        put = sa.insert(table).from_select(["series_id", *values], chosen.where(which))
        connection.execute(put)

    def named(prefix: str) -> Any:
        return lambda n: series.c.series_instance_uid + prefix + sa.cast(n, sa.Text)

    each(
        *(IMAGES, schema.instances, ended),
        study_instance_uid=series.c.study_instance_uid,
        sop_instance_uid=named("."),
        header=sa.literal(header_row(r.header()), sa.JSON),
        path=named("spool/instances/"),
        sha256="0" * 64,
        size=526_000,
        ignored=False,
        received_at=series.c.received_last_at,
    )
    each(*(EVENTS, schema.events, ended), at=series.c.received_last_at, name="analysed", detail="")
    each(
        *(OBJECTS, results, maps),
        revision=1,
        sop_instance_uid=named(".9."),
        sop_class_uid=str(CTImageStorage),
        series_instance_uid=named(".8."),
        kind="colour",
        description="CTP CBF",
        path=named("spool/results/"),
    )
    each(
        *(1, schema.transactions, maps),
        transaction_uid=named(".7."),
        destination=DESTINATION,
        sop_instance_uids=sa.literal([], sa.JSON),
        asked_at=series.c.delivered_at,
        replied_at=series.c.delivered_at,
    )
    made = sa.select(
        *(results.c.series_id, results.c.id, sa.literal(DESTINATION)),
        *(sa.literal(str(DeliveryState.STORED)), sa.literal(0), sa.literal(""), sa.literal(1)),
        *(series.c.ready_at, series.c.ready_at, series.c.delivered_at),
    ).join(series, results.c.series_id == series.c.id)
    names = ("series_id", "result_id", "destination", "state", "status", "message", "attempts")
    times = ("since", "next_try_at", "updated_at")
    connection.execute(sa.insert(deliveries).from_select([*names, *times], made.where(maps)))
    _fill_commitments(connection, maps, confirmed)


def _fill_commitments(
    connection: sa.Connection, maps: sa.ColumnElement[bool], confirmed: sa.ColumnElement[bool]
) -> None:
    series, deliveries, asked = schema.series, schema.deliveries, schema.transactions
    state = sa.case(
        (confirmed, str(CommitmentState.CONFIRMED)), else_=str(CommitmentState.UNCONFIRMED)
    )
    owed = (
        sa.select(
            *(deliveries.c.series_id, deliveries.c.id, asked.c.id, state, sa.literal("")),
            *(sa.literal(1), sa.literal(0), deliveries.c.since, deliveries.c.since),
            deliveries.c.since,
        )
        .join(series, deliveries.c.series_id == series.c.id)
        .join(asked, asked.c.series_id == series.c.id)
    )
    names = ("series_id", "delivery_id", "transaction_id", "state", "message", "tries")
    names = (*names, "failures", "since", "next_try_at", "updated_at")
    connection.execute(sa.insert(schema.commitments).from_select(names, owed.where(maps)))


def _numbers(count: int) -> sa.Subquery:
    return sa.union_all(*(sa.select(sa.literal(n).label("n")) for n in range(count))).subquery()


def _value(value: Any) -> sa.ColumnElement[Any]:
    return value if isinstance(value, sa.ColumnElement) else sa.literal(value)
