"""Who works on what, and what came of an analysis."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from node.errors import WrongStateError
from node.ports import (
    Curve,
    DeliveryState,
    Lease,
    Outcome,
    Reason,
    ResultRecord,
    Ruling,
    SeriesState,
    Wake,
)
from node.registry import rows, schema
from node.registry.due import DueStore
from node.registry.rows import Row
from node.registry.standing import StandingStore
from node.registry.store import NO_LEASE

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class LedgerStore(DueStore, StandingStore):
    """The leases of :class:`node.ports.Ledger` over SQL, and what they come to."""

    def lease(self, wake: Wake, owner: str, *, now: datetime, until: datetime) -> Lease | None:
        """Take a series for one step; None where it is not due or another has it."""
        taken = {"lease_queue": wake.queue, "lease_owner": owner, "lease_until": until}
        with self._database.writing() as connection:
            row = self._seek(connection, wake.series_instance_uid, lock=True)
            if row is None or not self._is_due(connection, row, wake.queue, now):
                return None
            if wake.queue == "analyse":
                self._move(
                    connection,
                    row,
                    SeriesState.ANALYSING,
                    "analysis_started",
                    f"try {row.attempts + 1}",
                    analysing_at=now,
                    waiting_for="",
                    next_try_at=None,
                    **taken,
                )
            elif wake.queue == "deliver" and row.state == SeriesState.READY:
                self._move(connection, row, SeriesState.DELIVERING, "delivery_started", "", **taken)
            else:
                self._change(connection, row, **taken)
            return rows.lease(self._find(connection, wake.series_instance_uid))

    def extend(self, lease: Lease, until: datetime) -> bool:
        """Keep a series longer; False where the lease was lost."""
        query = sa.update(schema.series).where(*_held(lease)).values(lease_until=until)
        with self._database.writing() as connection:
            return connection.execute(query).rowcount == 1

    def holds(self, lease: Lease) -> bool:
        """Whether the lease is still its owner's; cheap enough to ask for every object."""
        query = sa.select(sa.exists().where(*_held(lease)))
        with self._database.reading() as connection:
            return bool(connection.execute(query).scalar_one())

    def leases(self) -> Sequence[Lease]:
        """Every lease in force, overdue ones too."""
        # a range, for SQLite does not look up IS NOT NULL in an index
        query = sa.select(schema.series).where(schema.series.c.lease_until > _LONG_AGO)
        with self._database.reading() as connection:
            return [rows.lease(row) for row in connection.execute(query)]

    def expire(self, lease: Lease, *, now: datetime, max_attempts: int) -> SeriesState | None:
        """Take a lease from an owner that is gone: due again, or FAILED after too many.

        None where the lease was extended or given back in the meantime.
        """
        with self._database.writing() as connection:
            row = self._seek(connection, lease.series_instance_uid, lock=True)
            if row is None or (row.lease_owner, row.lease_until) != (lease.owner, lease.until):
                return None
            tries = row.attempts + 1
            reason = Reason(
                "worker_lost",
                f"the worker was lost while it had the series to {lease.queue}, try {tries}",
                "Look at the worker's log and at the machine's memory; then retry the series.",
            )
            again = now if tries < max_attempts else None
            return self._failed_step(connection, row, reason, again, now)

    def finish(
        self,
        lease: Lease,
        outcome: Outcome,
        *,
        destinations: Mapping[str, Sequence[str]],
        now: datetime,
        ruling: Ruling | None = None,
    ) -> SeriesState:
        """Record an analysis and what it owes to each destination (name: kinds it wants).

        ``ruling`` is what a rule of the site says of the series, now and later.

        Raises
        ------
        WrongStateError
            If the lease was lost, for example to a late image.
        """
        reason = outcome.reason
        after = SeriesState.REFUSED if reason else SeriesState.READY
        with self._database.writing() as connection:
            row, only = self._held(connection, lease), ruling.only if ruling else None
            if ruling is not None:
                self._tell(connection, row, "rule_applied", ruling.rule)
            self._forget_commitments(connection, row)
            owed = [
                (result_id, name)
                for result_id, kind in self._keep_results(connection, row, outcome.results)
                for name, kinds in rows.shared(destinations, only).items()
                if kind in kinds
            ]
            self._owe(connection, row, owed, now)
            self._keep_curves(connection, row, outcome.curves)
            waiting = "a delivery worker" if owed else "a destination that wants its results"
            self._move(
                connection,
                row,
                after,
                "refused" if reason else "analysed",
                reason.found if reason else f"{len(outcome.results)} objects",
                ready_at=now,
                attempts=0,
                reason=asdict(reason) if reason else None,
                waiting_for="" if reason else waiting,
                summary=outcome.summary,
                flags=[asdict(flag) for flag in outcome.flags],
                checks=[asdict(check) for check in outcome.checks],
                stages_s=outcome.stages_s,
                shared_with=None if only is None else {n: list(k) for n, k in only.items()},
                **NO_LEASE,
            )
        return after

    def fault(
        self, lease: Lease, reason: Reason, *, now: datetime, next_try_at: datetime | None
    ) -> SeriesState:
        """Record that a step failed: due again at ``next_try_at``, or FAILED where None.

        Raises
        ------
        WrongStateError
            If the lease was lost.
        """
        with self._database.writing() as connection:
            row = self._held(connection, lease)
            return self._failed_step(connection, row, reason, next_try_at, now)

    def _failed_step(
        self,
        connection: sa.Connection,
        row: Row,
        reason: Reason,
        next_try_at: datetime | None,
        now: datetime,
    ) -> SeriesState:
        """Back to where the step began, or FAILED; a refusal stays one, page or no page."""
        if row.lease_queue == "commit":
            return self._commitment_step_failed(connection, row, reason, next_try_at, now)
        values: dict[str, Any] = {"attempts": row.attempts + 1, "next_try_at": next_try_at}
        delivering = row.lease_queue == "deliver"
        if delivering:
            self._postpone(connection, row, reason, next_try_at, now)
        if row.state == SeriesState.REFUSED:
            self._change(connection, row, **values, **NO_LEASE)
            self._tell(connection, row, "step_failed", reason.found)
            return SeriesState.REFUSED
        again = SeriesState.READY if delivering else SeriesState.COMPLETE
        after = again if next_try_at else SeriesState.FAILED
        values |= {"reason": asdict(reason), "waiting_for": "the next try" if next_try_at else ""}
        event = "step_failed" if next_try_at else "failed"
        self._move(connection, row, after, event, reason.found, **values, **NO_LEASE)
        return after

    def _postpone(
        self,
        connection: sa.Connection,
        row: Row,
        reason: Reason,
        next_try_at: datetime | None,
        now: datetime,
    ) -> None:
        values: dict[str, Any] = {"message": rows.storable(reason.found), "updated_at": now}
        if next_try_at is None:
            values["state"] = DeliveryState.FAILED
        else:
            values["next_try_at"] = next_try_at
        table = schema.deliveries
        connection.execute(
            sa.update(table)
            .where(table.c.series_id == row.id, table.c.state == DeliveryState.PENDING)
            .values(**values)
        )

    def _held(self, connection: sa.Connection, lease: Lease) -> Row:
        row = self._find(connection, lease.series_instance_uid, lock=True)
        if (row.lease_owner, row.revision) != (lease.owner, lease.revision):
            raise WrongStateError(f"the lease to {lease.queue} was lost: the series is {row.state}")
        return row

    def _keep_results(
        self, connection: sa.Connection, row: Row, results: Sequence[ResultRecord]
    ) -> list[tuple[int, str]]:
        """Database id and kind of every result; a rerun finds its own objects again."""
        kept = []
        for result in results:
            values = {**asdict(result), "path": rows.path_row(result.path, self._data_dir)}
            changed = {k: values[k] for k in ("revision", "path", "description")}
            query = (
                self._database.insert(schema.results)
                .values(series_id=row.id, **values)
                .on_conflict_do_update(index_elements=["sop_instance_uid"], set_=changed)
                .returning(schema.results.c.id)
            )
            kept.append((connection.execute(query).scalar_one(), result.kind))
        return kept

    def _keep_curves(self, connection: sa.Connection, row: Row, curves: Sequence[Curve]) -> None:
        values = {"curves": [vars(curve) for curve in curves]}
        connection.execute(
            self._database.insert(schema.curves)
            .values(series_id=row.id, **values)
            .on_conflict_do_update(index_elements=["series_id"], set_=values)
        )

    def _owe(
        self, connection: sa.Connection, row: Row, owed: Sequence[tuple[int, str]], now: datetime
    ) -> None:
        """Owe results to destinations; those of a canary are nobody's, whoever asks."""
        if self._is_canary(connection, row):
            return
        due = {"state": DeliveryState.PENDING, "since": now, "next_try_at": now, "updated_at": now}
        for result_id, destination in owed:
            connection.execute(
                self._database.insert(schema.deliveries)
                .values(
                    series_id=row.id,
                    result_id=result_id,
                    destination=destination,
                    message="",
                    attempts=0,
                    **due,
                )
                .on_conflict_do_update(index_elements=["result_id", "destination"], set_=due)
            )


def _held(lease: Lease) -> tuple[sa.ColumnElement[bool], ...]:
    """What is true of a series' row as long as a lease is its owner's."""
    table = schema.series
    return (
        table.c.series_instance_uid == lease.series_instance_uid,
        table.c.lease_owner == lease.owner,
        table.c.revision == lease.revision,
    )
