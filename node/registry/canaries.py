"""Canaries: what was sent through the node to see whether it still finds the truth."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from node.ports import CanaryRun
from node.registry import rows, schema
from node.registry.rows import Row
from node.registry.store import Store, utc_now


class CanaryStore(Store):
    """:class:`node.ports.Canaries` over SQL."""

    def begin_canary(self, run: CanaryRun, *, unless_since: datetime | None = None) -> bool:
        """Note a run before its scan is sent; False where one is under way.

        Also where one began after ``unless_since``.
        """
        table = schema.canaries
        with self._database.writing() as connection:
            if unless_since is not None:
                late = sa.select(table.c.id).where(table.c.begun_at > unless_since).limit(1)
                if connection.execute(late).first() is not None:
                    return False
            query = (
                self._database.insert(table)
                .values(
                    study_instance_uid=run.study_instance_uid,
                    series_instance_uid=run.series_instance_uid,
                    begun_at=run.begun_at,
                    under_way=1,
                    found="",
                )
                .on_conflict_do_nothing(index_elements=["under_way"])
                .returning(table.c.id)
            )
            return connection.execute(query).first() is not None

    def end_canary(self, series_instance_uid: str, *, good: bool, found: str) -> None:
        """Note what came of a run."""
        table = schema.canaries
        values = {"good": good, "found": rows.storable(found), "ended_at": utc_now()}
        with self._database.writing() as connection:
            connection.execute(
                sa.update(table)
                .where(table.c.series_instance_uid == series_instance_uid)
                .where(table.c.ended_at.is_(None))
                .values(under_way=None, **values)
            )

    def canary_under_way(self) -> CanaryRun | None:
        """The run that has not ended."""
        return next(iter(self._canaries(schema.canaries.c.under_way == 1, 1)), None)

    def canaries(self, limit: int) -> Sequence[CanaryRun]:
        """The last runs, the newest first."""
        return self._canaries(sa.true(), limit)

    def left_of_canaries(self) -> Sequence[tuple[str, tuple[Path, ...]]]:
        """Series of runs that ended, with their files; none that a worker has in hand."""
        table, canaries = schema.series, schema.canaries
        query = (
            sa.select(table)
            .join(canaries, canaries.c.series_instance_uid == table.c.series_instance_uid)
            .where(canaries.c.ended_at.is_not(None), table.c.lease_owner.is_(None))
        )
        with self._database.reading() as connection:
            return [
                (row.series_instance_uid, self._files(connection, row))
                for row in connection.execute(query).all()
            ]

    def forget_series_of_canary(self, series_instance_uid: str) -> None:
        """Remove a canary's series from the record: its files are gone."""
        table, canaries = schema.series, schema.canaries
        known = sa.select(canaries.c.series_instance_uid).where(canaries.c.ended_at.is_not(None))
        with self._database.writing() as connection:
            connection.execute(
                sa.delete(table).where(
                    table.c.series_instance_uid == series_instance_uid,
                    table.c.series_instance_uid.in_(known),
                    table.c.lease_owner.is_(None),
                )
            )

    def _canaries(self, which: sa.ColumnElement[bool], limit: int) -> Sequence[CanaryRun]:
        table = schema.canaries
        query = sa.select(table).where(which).order_by(table.c.begun_at.desc()).limit(limit)
        with self._database.reading() as connection:
            return [_run(row) for row in connection.execute(query)]

    def _files(self, connection: sa.Connection, row: Row) -> tuple[Path, ...]:
        """Everything of a series on the disk."""
        tables = (schema.instances, schema.conflicts, schema.results)
        found: list[Path] = []
        for table in tables:
            query = sa.select(table.c.path).where(table.c.series_id == row.id)
            found += [self._data_dir / path for path in connection.scalars(query)]
        return tuple(found)


def _run(row: Any) -> CanaryRun:
    return CanaryRun(
        study_instance_uid=row.study_instance_uid,
        series_instance_uid=row.series_instance_uid,
        begun_at=row.begun_at,
        ended_at=row.ended_at,
        good=row.good,
        found=row.found,
    )
