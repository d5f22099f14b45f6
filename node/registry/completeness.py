"""Which series still receive, what they have, and when they are complete."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from node.ports import Receiving, SeriesState
from node.registry import rows, schema
from node.registry.rows import Row
from node.registry.store import Store
from node.series import Instance


class CompletenessStore(Store):
    """The receiving end of :class:`node.ports.Ledger` over SQL."""

    def receiving(self) -> Sequence[Receiving]:
        """Every series that still receives."""
        query = sa.select(schema.series).where(schema.series.c.state == SeriesState.RECEIVING)
        with self._database.reading() as connection:
            return [rows.receiving(row) for row in connection.execute(query)]

    def instances(self, series_instance_uid: str) -> Sequence[Instance]:
        """The images of a series, without those that were ignored."""
        table = schema.instances
        with self._database.reading() as connection:
            row = self._find(connection, series_instance_uid)
            query = (
                sa.select(table.c.header, table.c.path)
                .where(table.c.series_id == row.id, sa.not_(table.c.ignored))
                .order_by(table.c.id)
            )
            return [rows.instance(each) for each in connection.execute(query)]

    def looked(self, seen: Receiving, *, content_complete: bool, missing: str) -> None:
        """Note the judgement of a series' content, unless another image has come since."""
        with self._database.writing() as connection:
            if (row := self._unchanged(connection, seen)) is not None:
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

    def complete(self, seen: Receiving, *, now: datetime, note: str) -> bool:
        """Declare a series COMPLETE, unless another image has come; whether it was done."""
        with self._database.writing() as connection:
            row = self._unchanged(connection, seen)
            if row is not None:
                self._complete(connection, row, now, note)
        return row is not None

    def _unchanged(self, connection: sa.Connection, seen: Receiving) -> Row | None:
        row = self._seek(connection, seen.series_instance_uid, lock=True)
        if row is None or row.state != SeriesState.RECEIVING or row.instances != seen.instances:
            return None
        return row
