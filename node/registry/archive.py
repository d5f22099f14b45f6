"""What people read of the registry."""

from collections.abc import Sequence

import sqlalchemy as sa

from node.ports import CommitmentState, CommitmentTally, SeriesRecord, SeriesState
from node.registry import schema
from node.registry.find import FindStore
from node.registry.requests import RequestStore
from node.registry.rows import Row, series_record
from node.registry.store import OPEN

_COMMITMENT = ("state", "failure", "message", "tries", "next_try_at", "updated_at")


class ArchiveStore(FindStore, RequestStore):
    """:class:`node.ports.Archive` over SQL: what is read."""

    def series(self, series_instance_uid: str) -> SeriesRecord:
        """Everything about one series.

        Raises
        ------
        UnknownSeriesError
            If there is none of that UID.
        """
        results, deliveries, events = schema.results, schema.deliveries, schema.events
        commitments = schema.commitments
        with self._database.reading() as connection:
            row = self._find(connection, series_instance_uid)
            sent = (
                sa.select(
                    deliveries,
                    results.c.sop_instance_uid,
                    *(commitments.c[name].label(f"commitment_{name}") for name in _COMMITMENT),
                )
                .join(results, deliveries.c.result_id == results.c.id)
                .outerjoin(commitments, commitments.c.delivery_id == deliveries.c.id)
                .where(deliveries.c.series_id == row.id)
                .order_by(deliveries.c.destination, results.c.revision, results.c.id)
            )
            kept = sa.select(schema.curves.c.curves).where(schema.curves.c.series_id == row.id)
            return series_record(
                row,
                self._data_dir,
                curves=connection.execute(kept).scalar_one_or_none() or (),
                results=connection.execute(_of(results, row)),
                deliveries=connection.execute(sent),
                events=connection.execute(_of(events, row)),
            )

    def counts(self) -> dict[SeriesState, int]:
        """How many series are in each state; a state without any is left out."""
        table = schema.series
        query = sa.select(table.c.state, sa.func.count()).group_by(table.c.state)
        with self._database.reading() as connection:
            return {SeriesState(state): n for state, n in connection.execute(query)}

    def commitments(self) -> Sequence[CommitmentTally]:
        """How many objects each destination has stored and not confirmed, by where that stands."""
        table, deliveries, results = schema.commitments, schema.deliveries, schema.results
        unsettled = (*OPEN, CommitmentState.UNCONFIRMED)
        query = (
            sa.select(deliveries.c.destination, table.c.state, sa.func.count())
            .join(deliveries, table.c.delivery_id == deliveries.c.id)
            .join(results, deliveries.c.result_id == results.c.id)
            .join(schema.series, table.c.series_id == schema.series.c.id)
            .where(table.c.state.in_(unsettled), results.c.revision == schema.series.c.revision)
            .group_by(deliveries.c.destination, table.c.state)
            .order_by(deliveries.c.destination, table.c.state)
        )
        with self._database.reading() as connection:
            return [
                CommitmentTally(name, CommitmentState(state), n)
                for name, state, n in connection.execute(query)
            ]


def _of(table: sa.Table, row: Row) -> sa.Select[tuple[object, ...]]:
    return sa.select(table).where(table.c.series_id == row.id).order_by(table.c.id)
