"""Which files the registry names: for the look at spool and registry after a start."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from node.ports import RecordedFile
from node.registry import schema
from node.registry.rows import Row, path_row
from node.registry.store import Store

LOST = "file_lost"
_PAGE = 2000


class AccountStore(Store):
    """:class:`node.ports.Accounts` over SQL, besides what it has of ``Intake``."""

    def files_named(self, sop_instance_uids: Sequence[str]) -> set[Path]:
        """The files that are recorded for these instances, those apart among them."""
        found: set[Path] = set()
        with self._database.reading() as connection:
            for first in range(0, len(sop_instance_uids), _PAGE):
                uids = sop_instance_uids[first : first + _PAGE]
                for table in (schema.instances, schema.conflicts):
                    query = sa.select(table.c.path).where(table.c.sop_instance_uid.in_(uids))
                    found |= {self._data_dir / path for path in connection.execute(query).scalars()}
        return found

    def recorded_files(self) -> Iterator[Sequence[RecordedFile]]:
        """Every recorded file, some at a time: no transaction is held between."""
        for table in (schema.instances, schema.conflicts):
            last = 0
            while page := self._page(table, last):
                last = page[-1].id
                yield [
                    RecordedFile(self._data_dir / row.path, row.series_instance_uid) for row in page
                ]

    def note_lost(self, lost: RecordedFile) -> bool:
        """Whether a series' history did not say yet that a file of it is gone; now it does."""
        name = path_row(lost.path, self._data_dir)
        with self._database.writing() as connection:
            row = self._find(connection, lost.series_instance_uid, lock=True)
            told = sa.select(schema.events.c.id).where(
                schema.events.c.series_id == row.id,
                schema.events.c.name == LOST,
                schema.events.c.detail == name,
            )
            if connection.execute(told).first() is not None:
                return False
            self._tell(connection, row, LOST, name)
        return True

    def _page(self, table: sa.Table, last: int) -> Sequence[Row]:
        series = schema.series
        query = (
            sa.select(table.c.id, table.c.path, series.c.series_instance_uid)
            .join(series, table.c.series_id == series.c.id)
            .where(table.c.id > last, sa.not_(series.c.expiring))
            .order_by(table.c.id)
            .limit(_PAGE)
        )
        with self._database.reading() as connection:
            return connection.execute(query).all()
