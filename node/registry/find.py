"""The table of series: narrowed, counted, and a page of it at a time."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from node.ports import (
    DeliveryState,
    DestinationStanding,
    SeriesPage,
    SeriesQuery,
    SeriesRecord,
    SeriesState,
)
from node.refusals import RefusalCode
from node.registry import schema
from node.registry.rows import series_record
from node.registry.standing import ARRIVED
from node.registry.store import Store

_SEARCHED = ("series_instance_uid", "study_instance_uid", "description", "calling_ae_title")
_SHORT = 500
_UNRELATED = [str(code) for code in RefusalCode if not code.concerns_perfusion]


class FindStore(Store):
    """The table of :class:`node.ports.Archive` over SQL."""

    def find(self, query: SeriesQuery) -> SeriesPage:
        """The series that a query asks for, the newest first, and how many there are."""
        with self._database.reading() as connection:
            look = _searched if query.search and query.limit <= _SHORT else _counted
            page, total, every = look(connection, query)
            table = schema.series
            rows = sa.select(table).where(table.c.id.in_(page)).order_by(table.c.id.desc())
            records = [series_record(row, self._data_dir) for row in connection.execute(rows)]
        return SeriesPage(records, total, every - total)

    def list_series(
        self, *, states: Sequence[SeriesState] = (), search: str = "", limit: int = 200
    ) -> Sequence[SeriesRecord]:
        """The newest series first, without results, deliveries and events."""
        return self.find(SeriesQuery(states=tuple(states), search=search, limit=limit)).records

    def senders(self) -> Sequence[str]:
        """The AE titles that have sent series, in order."""
        column = schema.series.c.calling_ae_title
        with self._database.reading() as connection:
            return list(connection.scalars(sa.select(column).distinct().order_by(column)))

    def standing(self, destinations: Sequence[str]) -> Sequence[DestinationStanding]:
        """What became of the objects for each of these destinations."""
        with self._database.reading() as connection:
            return [_standing(connection, name) for name in destinations]

    def pulse(self) -> str:
        """A text that differs whenever a series has changed; cheap enough to ask every second."""
        series, events, deliveries = schema.series, schema.events, schema.deliveries
        sending = sa.select(series.c.id).where(series.c.state == SeriesState.DELIVERING)
        query = sa.select(
            sa.select(sa.func.max(events.c.id)).scalar_subquery(),
            sa.select(sa.func.max(series.c.received_last_at)).scalar_subquery(),
            sa.select(sa.func.max(deliveries.c.updated_at))
            .where(deliveries.c.series_id.in_(sending))
            .scalar_subquery(),
            sa.select(sa.func.count()).select_from(series).scalar_subquery(),
            sa.select(sa.func.count()).select_from(schema.pauses).scalar_subquery(),
        )
        with self._database.reading() as connection:
            return "|".join(map(str, connection.execute(query).one()))


_Found = tuple[Sequence[int] | sa.Select[tuple[int]], int, int]
"""The ids of a page, how many match, and how many would with those that are no perfusion."""


def _counted(connection: sa.Connection, query: SeriesQuery) -> _Found:
    """Counted by the database, which reads no further than the end of the page for its rows."""
    table, which, related = schema.series, _conditions(query), _related(query)
    count = sa.select(sa.func.count(), sa.func.count().filter(related))
    every, total = connection.execute(count.where(*which).select_from(table)).one()
    wanted = sa.select(table.c.id).where(*which, related).order_by(table.c.id.desc())
    page = wanted.limit(query.limit).offset(query.offset).subquery()
    return sa.select(page.c.id), total, every


def _searched(connection: sa.Connection, query: SeriesQuery) -> _Found:
    """Every row has to be read for its words: once is enough."""
    table = schema.series
    rows = connection.execute(
        sa.select(table.c.id, _related(query).label("related"))
        .where(*_conditions(query))
        .order_by(table.c.id.desc())
    ).all()
    ids = [row.id for row in rows if row.related]
    return ids[query.offset : query.offset + query.limit], len(ids), len(rows)


def _related(query: SeriesQuery) -> sa.ColumnElement[bool]:
    return _concerns_perfusion() if query.perfusion_only else sa.true()


def _standing(connection: sa.Connection, name: str) -> DestinationStanding:
    table = schema.deliveries
    # one state at a time: each is a look at the end of the index
    latest = [
        connection.execute(
            sa.select(sa.func.max(table.c.updated_at)).where(
                table.c.destination == name, table.c.state == state
            )
        ).scalar_one()
        for state in ARRIVED
    ]
    pending = sa.select(sa.func.count()).where(
        table.c.destination == name, table.c.state == DeliveryState.PENDING
    )
    return DestinationStanding(
        name, max(filter(None, latest), default=None), connection.execute(pending).scalar_one()
    )


def _conditions(query: SeriesQuery) -> list[sa.ColumnElement[bool]]:
    table = schema.series
    found: list[sa.ColumnElement[bool]] = []
    if query.states:
        found.append(table.c.state.in_([str(state) for state in query.states]))
    if query.search:
        # in one text, a line each: no search holds a line break, so none is found across two
        words: sa.ColumnElement[str] = table.c[_SEARCHED[0]]
        for name in _SEARCHED[1:]:
            words = words + "\n" + table.c[name]
        found.append(words.icontains(query.search, autoescape=True))
    if query.sender:
        found.append(table.c.calling_ae_title == query.sender)
    if query.study_instance_uid:
        found.append(table.c.study_instance_uid == query.study_instance_uid)
    if query.since:
        found.append(table.c.received_last_at >= query.since)
    if query.delivered_since:
        found.append(table.c.delivered_at >= query.delivered_since)
    return found


def _concerns_perfusion() -> sa.ColumnElement[bool]:
    """What the status page's ``concerns_perfusion`` says of a record, for the database to count."""
    table = schema.series
    code: Any = table.c.reason["code"].as_string()
    related = sa.and_(table.c.reason.is_not(None), code.not_in(_UNRELATED))
    refused = sa.or_(table.c.reason.is_(None), code.not_in(_UNRELATED))
    analysed = sa.cast(table.c.summary, sa.Text) != "{}"
    return sa.and_(
        table.c.state.not_in((SeriesState.IGNORED, SeriesState.JOINED)),
        sa.or_(table.c.state != SeriesState.REFUSED, refused),
        sa.or_(table.c.state != SeriesState.EXPIRED, related, analysed),
    )
