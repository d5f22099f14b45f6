"""Which series still receive, what they have, and when they are complete."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from node.ports import Receiving, SeriesState
from node.registry import rows, schema
from node.registry.rows import Row
from node.registry.store import Store
from node.series import Instance, Volume


class CompletenessStore(Store):
    """The receiving end of :class:`node.ports.Ledger` over SQL."""

    def receiving(self) -> Sequence[Receiving]:
        """Every series that still receives."""
        table, other = schema.series, schema.series.alias()
        joined = sa.exists().where(other.c.joined_to == table.c.id)
        last = sa.select(sa.func.max(other.c.received_last_at)).where(
            other.c.study_instance_uid == table.c.study_instance_uid
        )
        query = sa.select(
            table, joined.label("has_parts"), last.scalar_subquery().label("study_last_at")
        ).where(table.c.state == SeriesState.RECEIVING)
        with self._database.reading() as connection:
            return [rows.receiving(row) for row in connection.execute(query)]

    def instances(self, series_instance_uid: str) -> Sequence[Instance]:
        """The images of a series and those joined to it, without those that were ignored."""
        table, series = schema.instances, schema.series
        with self._database.reading() as connection:
            row = self._find(connection, series_instance_uid)
            query = (
                sa.select(table.c.header, table.c.path)
                .join(series, table.c.series_id == series.c.id)
                .where(
                    sa.or_(series.c.id == row.id, series.c.joined_to == row.id),
                    sa.not_(table.c.ignored),
                )
                .order_by(table.c.id)
            )
            return [rows.instance(each, self._data_dir) for each in connection.execute(query)]

    def looked(
        self, seen: Receiving, *, content_complete: bool, missing: str, volume: Volume | None
    ) -> None:
        """Note the judgement of a series' content, unless another image has come since.

        What a series was before others were joined to it stays noted.
        """
        with self._database.writing() as connection:
            if (row := self._unchanged(connection, seen)) is not None:
                if not seen.has_parts:
                    self._change(connection, row, volume=rows.volume_row(volume))
                self._change(
                    connection,
                    row,
                    looked_instances=seen.instances,
                    content_complete=content_complete,
                    missing=rows.storable(missing),
                    waiting_for=f"more images: {rows.storable(missing)}"
                    if missing
                    else "more images",
                )

    def complete(self, seen: Receiving, *, now: datetime, note: str, priority: int = 0) -> bool:
        """Declare a series COMPLETE, unless another image has come; whether it was done.

        Its priority is this, or the higher one that somebody gave it.
        """
        with self._database.writing() as connection:
            row = self._unchanged(connection, seen)
            if row is not None:
                self._complete(connection, row, now, note)
                if priority > row.priority:
                    self._change(connection, row, priority=priority)
                    self._tell(connection, row, "prioritised", f"priority {priority}, by a rule")
        return row is not None

    def _unchanged(self, connection: sa.Connection, seen: Receiving) -> Row | None:
        row = self._seek(connection, seen.series_instance_uid, lock=True)
        if row is None or row.state != SeriesState.RECEIVING or row.instances != seen.instances:
            return None
        return row
