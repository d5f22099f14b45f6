"""What the listener writes: every instance once, under its own UID."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from node.errors import SeriesExpiringError
from node.group_commit import GroupCommit
from node.ports import Kept, Quota, Recorded, SeriesState
from node.registry import schema
from node.registry.arrival import Arrival, Growing
from node.registry.database import Database
from node.registry.rows import Row, header_row, path_row, storable
from node.registry.states import REOPENED_BY_A_LATE_IMAGE
from node.registry.store import Store, utc_now
from node.series import Header

_SERIES, _INSTANCES = schema.series.c, schema.instances.c
# SQLite knows no FOR UPDATE and needs none: its writers take turns
_SEEKING = (
    sa.select(*(_SERIES[name] for name in Growing._fields))
    .where(_SERIES.series_instance_uid == sa.bindparam("uid"))
    .with_for_update()
)
_COUNTING = (
    sa.update(schema.series)
    .where(_SERIES.id == sa.bindparam("row"))
    .values(
        instances=_SERIES.instances + sa.bindparam("images"),
        size_bytes=_SERIES.size_bytes + sa.bindparam("more"),
        received_last_at=sa.bindparam("now"),
    )
)
_COLUMNS = tuple(column.name for column in _INSTANCES if column.name != "id")


class IntakeStore(Store):
    """:class:`node.ports.Intake` over SQL; what comes in at the same time shares a commit."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._record_with_others = GroupCommit(self._record_all)
        inserting = database.insert(schema.instances).on_conflict_do_nothing()
        self._seeking = database.prepared(_SEEKING)
        self._inserting = database.prepared(inserting.returning(_INSTANCES.id), _COLUMNS)
        self._counting = database.prepared(_COUNTING)

    def record(
        self,
        header: Header,
        kept: Kept,
        *,
        calling_ae_title: str,
        ignored: bool,
        quota: Quota | None = None,
    ) -> Recorded:
        """Record a received instance; committed when this returns.

        An image of a new series begins it, a late one opens it again with a new revision. What
        is ignored makes a new series IGNORED and opens nothing. Of CONFLICT nothing is
        recorded: the caller keeps those bytes apart and calls :meth:`record_conflict`. Nor is
        anything of TURNED_AWAY but that it was: a series beyond its quota stays so until the
        quota is raised.

        Raises
        ------
        SeriesExpiringError
            While files of the series are being deleted.
        """
        return self._record_with_others(Arrival(header, kept, calling_ae_title, ignored, quota))

    def _record_all(self, arrivals: Sequence[Arrival]) -> Sequence[Recorded]:
        """Everything in one transaction; the spool has the files, so rows can be made again.

        By series: two listeners that lock several rows lock them in the same order.
        """
        order = sorted(range(len(arrivals)), key=lambda i: arrivals[i].header.series_instance_uid)
        recorded: dict[int, Recorded] = {}
        with self._database.writing(made_again=True) as connection:
            for i in order:
                recorded[i] = self._record(connection, arrivals[i])
        return [recorded[i] for i in range(len(arrivals))]

    def _record(self, connection: sa.Connection, arrival: Arrival) -> Recorded:
        header, kept, now = arrival.header, arrival.kept, utc_now()
        if self._grows(connection, arrival, now):
            return Recorded.NEW
        row = self._series_of(connection, arrival, now)
        _require_open(row)
        if why := arrival.too_much_of(row):
            return self._turned_away(connection, row, arrival, why)
        if known := self._insert(connection, row.id, arrival, now):
            return Recorded.DUPLICATE if known == kept.sha256 else Recorded.CONFLICT
        if arrival.ignored:
            self._count_ignored(connection, row, kept.size, now)
        else:
            self._count_image(connection, row, header.images, kept.size, now)
            self._describe(connection, row, header)
        return Recorded.NEW

    def _grows(self, connection: sa.Connection, arrival: Arrival, now: datetime) -> bool:
        """Whether this was a new image of a series that receives: nearly every one is.

        Of anything else nothing is recorded yet.
        """
        uid = arrival.header.series_instance_uid
        if arrival.ignored or (found := self._seeking.first(connection, {"uid": uid})) is None:
            return False
        row = Growing(*found)
        if row.state != SeriesState.RECEIVING or row.expiring or arrival.too_much_of(row):
            return False
        if self._insert(connection, row.id, arrival, now):
            return False
        self._add(connection, row.id, arrival.header.images, arrival.kept.size, now)
        return True

    def record_conflict(self, header: Header, kept: Kept) -> None:
        """Record that other bytes came under a known UID, once for the same bytes."""
        now = utc_now()
        with self._database.writing() as connection:
            row = self._holder_of(connection, header)
            _require_open(row)
            added = connection.execute(
                self._database.insert(schema.conflicts)
                .values(
                    series_id=row.id,
                    sop_instance_uid=header.sop_instance_uid,
                    path=path_row(kept.path, self._data_dir),
                    sha256=kept.sha256,
                    size=kept.size,
                    received_at=now,
                )
                .on_conflict_do_nothing()
                .returning(schema.conflicts.c.id)
            ).one_or_none()
            if added is not None:
                self._change(
                    connection,
                    row,
                    conflicts=schema.series.c.conflicts + 1,
                    size_bytes=schema.series.c.size_bytes + kept.size,
                )
                self._tell(
                    connection,
                    row,
                    "conflict_kept_apart",
                    f"SOP instance {header.sop_instance_uid}",
                )

    def _series_of(self, connection: sa.Connection, arrival: Arrival, now: datetime) -> Row:
        """The series' row, locked; a new one where there is none."""
        uid = arrival.header.series_instance_uid
        if (row := self._seek(connection, uid, lock=True)) is not None:
            return row
        begun = connection.execute(
            self._database.insert(schema.series)
            .values(arrival.new_series(now))
            .on_conflict_do_nothing()  # another association began it in this very moment
            .returning(schema.series.c.id)
        ).one_or_none()
        row = self._find(connection, uid, lock=True)
        if begun is not None:
            self._tell(connection, row, "first_instance", f"from {arrival.calling_ae_title}")
        return row

    def _insert(
        self, connection: sa.Connection, series_id: int, arrival: Arrival, now: datetime
    ) -> str:
        """The digest already recorded for this instance, or empty: it is recorded now."""
        header, kept = arrival.header, arrival.kept
        values = {
            "series_id": series_id,
            "study_instance_uid": header.study_instance_uid,
            "sop_instance_uid": header.sop_instance_uid,
            "header": header_row(header),
            "path": path_row(kept.path, self._data_dir),
            "sha256": kept.sha256,
            "size": kept.size,
            "ignored": arrival.ignored,
            "received_at": now,
        }
        if self._inserting.first(connection, values) is not None:
            return ""
        return self._digest(connection, series_id, header)

    def _add(
        self, connection: sa.Connection, series_id: int, images: int, size: int, now: datetime
    ) -> None:
        counted = {"row": series_id, "images": images, "more": size, "now": now}
        self._counting.first(connection, counted)

    def _digest(self, connection: sa.Connection, series_id: int, header: Header) -> str:
        """The digest that is recorded for an instance; empty where there is none."""
        table = schema.instances
        query = sa.select(table.c.sha256).where(
            table.c.series_id == series_id,
            table.c.study_instance_uid == header.study_instance_uid,
            table.c.sop_instance_uid == header.sop_instance_uid,
        )
        return connection.execute(query).scalar_one_or_none() or ""

    def _turned_away(
        self, connection: sa.Connection, row: Row, arrival: Arrival, why: str
    ) -> Recorded:
        """What a series over its quota answers; its history says so once."""
        header, kept = arrival.header, arrival.kept
        if known := self._digest(connection, row.id, header):
            if known == kept.sha256:
                return Recorded.DUPLICATE
            told = self._is_apart(connection, header, kept)
            return Recorded.CONFLICT if told else Recorded.TURNED_AWAY
        if not row.asked_images:
            self._tell(connection, row, "images_turned_away", why)
        images, size = arrival.asked_of(row)
        self._change(connection, row, asked_images=images, asked_bytes=size)
        return Recorded.TURNED_AWAY

    def _is_apart(self, connection: sa.Connection, header: Header, kept: Kept) -> bool:
        """Whether these other bytes are recorded already: their file must stay."""
        table = schema.conflicts
        query = sa.select(table.c.id).where(
            table.c.sop_instance_uid == header.sop_instance_uid, table.c.sha256 == kept.sha256
        )
        return connection.execute(query).first() is not None

    def _count_ignored(self, connection: sa.Connection, row: Row, size: int, now: datetime) -> None:
        counted: dict[str, Any] = {
            "ignored": schema.series.c.ignored + 1,
            "size_bytes": schema.series.c.size_bytes + size,
            "sources_expired_at": None,
        }
        if row.state == SeriesState.EXPIRED:
            self._move(connection, row, SeriesState.IGNORED, "came_again", **counted)
            return
        if row.state == SeriesState.IGNORED:
            counted["ended_at"] = now
        self._change(connection, row, **counted)

    def _count_image(
        self, connection: sa.Connection, row: Row, images: int, size: int, now: datetime
    ) -> None:
        state = SeriesState(row.state)
        if state is SeriesState.JOINED:
            self._count_image(connection, self._leader_of(connection, row), images, 0, now)
        if state not in REOPENED_BY_A_LATE_IMAGE:
            self._add(connection, row.id, images, size, now)
            return
        counted: dict[str, Any] = {
            "instances": schema.series.c.instances + images,
            "size_bytes": schema.series.c.size_bytes + size,
            "received_last_at": now,
        }
        if state is SeriesState.IGNORED:
            self._move(
                connection,
                row,
                SeriesState.RECEIVING,
                "first_image",
                **counted,
                waiting_for="more images",
            )
        else:
            self._reopen(connection, row, counted)

    def _describe(self, connection: sa.Connection, row: Row, header: Header) -> None:
        """A series that began with something else is called what its first image says."""
        if row.state == SeriesState.IGNORED:
            self._change(
                connection,
                row,
                modality=storable(header.modality),
                description=storable(header.series_description),
            )

    def _leader_of(self, connection: sa.Connection, row: Row) -> Row:
        """The series that a time point was joined to, locked."""
        query = sa.select(schema.series.c.series_instance_uid)
        uid = connection.execute(query.where(schema.series.c.id == row.joined_to)).scalar_one()
        return self._find(connection, uid, lock=True)

    def _holder_of(self, connection: sa.Connection, header: Header) -> Row:
        """The series that holds the instance of that UID, else the one the header names."""
        table = schema.instances
        query = (
            sa.select(schema.series.c.series_instance_uid)
            .join(table, table.c.series_id == schema.series.c.id)
            .where(table.c.sop_instance_uid == header.sop_instance_uid)
            .order_by(table.c.id)
            .limit(1)
        )
        holder = connection.execute(query).scalar_one_or_none()
        return self._find(connection, holder or header.series_instance_uid, lock=True)


def _require_open(row: Row) -> None:
    if row.expiring:
        uid = row.series_instance_uid
        raise SeriesExpiringError(f"files of series {uid} are being deleted this moment")
