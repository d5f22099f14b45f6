"""What the listener writes: every instance once, under its own UID."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from node.ports import Kept, Recorded, SeriesState
from node.registry import schema
from node.registry.rows import Row, header_row, storable
from node.registry.states import REOPENED_BY_A_LATE_IMAGE
from node.registry.store import Store, utc_now
from node.series import Header


class IntakeStore(Store):
    """:class:`node.ports.Intake` over SQL."""

    def record(
        self, header: Header, kept: Kept, *, calling_ae_title: str, ignored: bool
    ) -> Recorded:
        """Record a received instance; committed when this returns.

        An image of a new series begins it, a late one opens it again with a new revision. What
        is ignored makes a new series IGNORED and opens nothing. Of CONFLICT nothing is
        recorded: the caller keeps those bytes apart and calls :meth:`record_conflict`.
        """
        now = utc_now()
        with self._database.writing() as connection:
            row = self._series_of(connection, header, calling_ae_title, ignored, now)
            if known := self._insert(connection, row, header, kept, ignored, now):
                return Recorded.DUPLICATE if known == kept.sha256 else Recorded.CONFLICT
            if ignored:
                self._change(connection, row, ignored=schema.series.c.ignored + 1)
            else:
                self._count_image(connection, row, header, now)
        return Recorded.NEW

    def record_conflict(self, header: Header, kept: Kept) -> None:
        """Record that other bytes came under a known UID, once for the same bytes."""
        now = utc_now()
        with self._database.writing() as connection:
            row = self._holder_of(connection, header)
            added = connection.execute(
                self._database.insert(schema.conflicts)
                .values(
                    series_id=row.id,
                    sop_instance_uid=header.sop_instance_uid,
                    path=str(kept.path),
                    sha256=kept.sha256,
                    size=kept.size,
                    received_at=now,
                )
                .on_conflict_do_nothing()
                .returning(schema.conflicts.c.id)
            ).one_or_none()
            if added is not None:
                self._change(connection, row, conflicts=schema.series.c.conflicts + 1)
                self._tell(
                    connection,
                    row,
                    "conflict_kept_apart",
                    f"SOP instance {header.sop_instance_uid}",
                )

    def _series_of(
        self,
        connection: sa.Connection,
        header: Header,
        calling_ae_title: str,
        ignored: bool,
        now: datetime,
    ) -> Row:
        """The series' row, locked; a new one where there is none."""
        uid = header.series_instance_uid
        if (row := self._seek(connection, uid, lock=True)) is not None:
            return row
        state = SeriesState.IGNORED if ignored else SeriesState.RECEIVING
        begun = connection.execute(
            self._database.insert(schema.series)
            .values(_new_series(header, calling_ae_title, state, now))
            .on_conflict_do_nothing()  # another association began it in this very moment
            .returning(schema.series.c.id)
        ).one_or_none()
        row = self._find(connection, uid, lock=True)
        if begun is not None:
            self._tell(connection, row, "first_instance", f"from {calling_ae_title}")
        return row

    def _insert(
        self,
        connection: sa.Connection,
        row: Row,
        header: Header,
        kept: Kept,
        ignored: bool,
        now: datetime,
    ) -> str:
        """The digest already recorded for this instance, or empty: it is recorded now."""
        table = schema.instances
        added = connection.execute(
            self._database.insert(table)
            .values(
                series_id=row.id,
                study_instance_uid=header.study_instance_uid,
                sop_instance_uid=header.sop_instance_uid,
                header=header_row(header),
                path=str(kept.path),
                sha256=kept.sha256,
                size=kept.size,
                ignored=ignored,
                received_at=now,
            )
            .on_conflict_do_nothing()
            .returning(table.c.id)
        ).one_or_none()
        if added is not None:
            return ""
        query = sa.select(table.c.sha256).where(
            table.c.series_id == row.id,
            table.c.study_instance_uid == header.study_instance_uid,
            table.c.sop_instance_uid == header.sop_instance_uid,
        )
        digest: str = connection.execute(query).scalar_one()
        return digest

    def _count_image(
        self, connection: sa.Connection, row: Row, header: Header, now: datetime
    ) -> None:
        counted: dict[str, Any] = {
            "instances": schema.series.c.instances + header.images,
            "received_last_at": now,
        }
        state = SeriesState(row.state)
        if state is SeriesState.JOINED:
            self._count_image(connection, self._leader_of(connection, row), header, now)
        if state not in REOPENED_BY_A_LATE_IMAGE:
            self._change(connection, row, **counted)
        elif state is SeriesState.IGNORED:
            first: dict[str, Any] = {
                "modality": storable(header.modality),
                "description": storable(header.series_description),
                "waiting_for": "more images",
            }
            self._move(connection, row, SeriesState.RECEIVING, "first_image", **counted, **first)
        else:
            self._reopen(connection, row, counted)

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


def _new_series(
    header: Header, calling_ae_title: str, state: SeriesState, now: datetime
) -> dict[str, Any]:
    return {
        "series_instance_uid": header.series_instance_uid,
        "study_instance_uid": header.study_instance_uid,
        "modality": storable(header.modality),
        "description": storable(header.series_description),
        "calling_ae_title": storable(calling_ae_title),
        "state": state,
        "revision": 1,
        "instances": 0,
        "ignored": 0,
        "conflicts": 0,
        "received_first_at": now,
        "received_last_at": now,
        "looked_instances": 0,
        "content_complete": False,
        "missing": "",
        "attempts": 0,
        "waiting_for": "more images" if state is SeriesState.RECEIVING else "",
        "summary": {},
        "flags": [],
        "stages_s": {},
    }
