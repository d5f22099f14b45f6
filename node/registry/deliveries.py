"""What is owed to each destination, and what became of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from node.errors import UnknownSeriesError
from node.ports import (
    DeliveryOutcome,
    DeliveryState,
    DueDelivery,
    Lease,
    SeriesState,
)
from node.registry import schema
from node.registry.due import AT_DELIVERY, is_a_canary
from node.registry.ledger import LedgerStore
from node.registry.rows import shared, storable
from node.registry.standing import ARRIVED
from node.registry.store import NO_LEASE

_OWING = (*AT_DELIVERY, SeriesState.DELIVERING)


class DeliveryStore(LedgerStore):
    """The deliveries of :class:`node.ports.Ledger` over SQL."""

    def unowed(self, kinds: Iterable[str]) -> Sequence[str]:
        """The READY series that have results of these kinds and owe them to no destination."""
        table, results, deliveries = schema.series, schema.results, schema.deliveries
        of_revision = (results.c.series_id == table.c.id, results.c.revision == table.c.revision)
        owed = sa.exists().where(*of_revision, deliveries.c.result_id == results.c.id)
        wanted = sa.exists().where(*of_revision, results.c.kind.in_(list(kinds)))
        query = sa.select(table.c.series_instance_uid).where(
            table.c.state == SeriesState.READY, sa.not_(owed), wanted, sa.not_(is_a_canary())
        )
        with self._database.reading() as connection:
            return connection.scalars(query.order_by(table.c.id)).all()

    def owe(
        self, series_instance_uid: str, destinations: Mapping[str, Sequence[str]], *, now: datetime
    ) -> int:
        """Owe a series' results to destinations that were added since; how many objects.

        What a destination was owed before, delivered or not, stays as it is.
        """
        results = schema.results
        query = sa.select(results.c.id, results.c.kind).order_by(results.c.id)
        with self._database.writing() as connection:
            row = self._find(connection, series_instance_uid, lock=True)
            if row.state not in _OWING or self._is_canary(connection, row):
                return 0
            made = connection.execute(
                query.where(results.c.series_id == row.id, results.c.revision == row.revision)
            ).all()
            known = {(owed.result_id, owed.destination) for owed in self._owed(connection, row)}
            added = [
                (result.id, name)
                for result in made
                for name, kinds in shared(destinations, row.shared_with).items()
                if result.kind in kinds and (result.id, name) not in known
            ]
            if added:
                self._owe(connection, row, added, now)
                names = ", ".join(sorted({name for _, name in added}))
                self._tell(connection, row, "owed", f"{len(added)} objects to {names}")
                if row.state == SeriesState.READY:
                    self._change(connection, row, waiting_for="a delivery worker")
        return len(added)

    def deliveries_due(self, lease: Lease, now: datetime) -> Sequence[DueDelivery]:
        """What the leased series should send now, in the order the results were made."""
        table, results = schema.deliveries, schema.results
        query = (
            sa.select(table, results.c.sop_instance_uid, results.c.path)
            .join(results, table.c.result_id == results.c.id)
            .join(schema.series, table.c.series_id == schema.series.c.id)
            .where(
                schema.series.c.series_instance_uid == lease.series_instance_uid,
                table.c.state == DeliveryState.PENDING,
                table.c.next_try_at <= now,
            )
            .order_by(table.c.destination, results.c.id)
        )
        with self._database.reading() as connection:
            return [
                DueDelivery(
                    sop_instance_uid=row.sop_instance_uid,
                    destination=row.destination,
                    path=self._data_dir / row.path,
                    attempts=row.attempts,
                    since=row.since,
                )
                for row in connection.execute(query)
            ]

    def delivered(self, lease: Lease, outcome: DeliveryOutcome, *, now: datetime) -> None:
        """Record what became of one object at one destination.

        What arrived is recorded whatever happened to the lease meanwhile; what did not stays
        as it is where it is no longer pending, for example superseded.

        Raises
        ------
        UnknownSeriesError
            If no such delivery is owed.
        """
        table, results = schema.deliveries, schema.results
        result_id = (
            sa.select(results.c.id)
            .where(results.c.sop_instance_uid == outcome.sop_instance_uid)
            .scalar_subquery()
        )
        values: dict[str, Any] = {
            "state": outcome.state,
            "status": outcome.status,
            "message": storable(outcome.message),
            "attempts": table.c.attempts + 1,
            "updated_at": now,
        }
        if outcome.next_try_at is not None:
            values["next_try_at"] = outcome.next_try_at
        which = [table.c.result_id == result_id, table.c.destination == outcome.destination]
        if outcome.state not in ARRIVED:
            which.append(table.c.state == DeliveryState.PENDING)
        with self._database.writing() as connection:
            changed = connection.execute(sa.update(table).where(*which).values(**values))
            if changed.rowcount == 0 and outcome.state in ARRIVED:
                raise UnknownSeriesError(
                    f"nothing of {lease.series_instance_uid} is owed to {outcome.destination}"
                )

    def settle(
        self, lease: Lease, *, committing: Collection[str] = (), now: datetime
    ) -> SeriesState:
        """End a round of deliveries: DELIVERED, due again, or FAILED with what was not stored.

        What the destinations that are ``committing`` have stored is to be confirmed by them.

        Raises
        ------
        WrongStateError
            If the lease was lost.
        """
        with self._database.writing() as connection:
            row = self._held(connection, lease)
            self._owe_commitments(connection, row, committing, now)
            if row.state == SeriesState.REFUSED:
                self._change(connection, row, attempts=0, **NO_LEASE)
                return SeriesState.REFUSED
            return self._conclude(connection, row, now, attempts=0, **NO_LEASE)
