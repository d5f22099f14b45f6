"""Where a series stands by what its destinations stored and confirmed."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from node.ports import CommitmentState, DeliveryState, Reason, SeriesState
from node.registry import schema
from node.registry.rows import Row, storable
from node.registry.store import NO_LEASE, OPEN, Store

ARRIVED = (DeliveryState.STORED, DeliveryState.WARNING)


class StandingStore(Store):
    """How the end of a round of deliveries, or a reply, moves a series."""

    def _owed(self, connection: sa.Connection, row: Row) -> Sequence[Row]:
        """Every delivery of the present revision."""
        table, results = schema.deliveries, schema.results
        query = (
            sa.select(table)
            .join(results, table.c.result_id == results.c.id)
            .where(table.c.series_id == row.id, results.c.revision == row.revision)
        )
        return connection.execute(query).all()

    def _commitments(self, connection: sa.Connection, row: Row) -> Sequence[Row]:
        """Every commitment of the present revision, with destination and object."""
        table, deliveries, results = schema.commitments, schema.deliveries, schema.results
        query = (
            sa.select(table, deliveries.c.destination, results.c.sop_instance_uid)
            .join(deliveries, table.c.delivery_id == deliveries.c.id)
            .join(results, deliveries.c.result_id == results.c.id)
            .where(table.c.series_id == row.id, results.c.revision == row.revision)
            .order_by(deliveries.c.destination, results.c.id)
        )
        return connection.execute(query).all()

    def _conclude(
        self, connection: sa.Connection, row: Row, now: datetime, **values: Any
    ) -> SeriesState:
        """What a series that is being delivered, or was, has come to; ``values`` go along."""
        owed = self._owed(connection, row)
        waiting = [d for d in owed if d.state == DeliveryState.PENDING]
        if waiting:
            names = ", ".join(sorted({d.destination for d in waiting}))
            values |= {
                "waiting_for": f"{names} to take {len(waiting)} of {len(owed)} objects",
                "next_try_at": min(d.next_try_at for d in waiting),
                "delivered_at": None,
            }
            return self._end(connection, row, SeriesState.READY, "delivery_waits", values)
        if reason := not_delivered(owed):
            values |= {"reason": asdict(reason), "waiting_for": "", "next_try_at": None}
            return self._end(connection, row, SeriesState.FAILED, "failed", values)
        if row.state == SeriesState.DELIVERING:
            values |= {"delivered_at": now, "reason": None, "waiting_for": "", "next_try_at": None}
            self._end(connection, row, SeriesState.DELIVERED, "delivered", values)
            row = self._find(connection, row.series_instance_uid)
        return self._stand(connection, row, now)

    def _stand(self, connection: sa.Connection, row: Row, now: datetime) -> SeriesState:
        """CONFIRMED, or DELIVERED with what it waits for and what cannot be confirmed."""
        asked = self._commitments(connection, row)
        waiting = [c for c in asked if c.state in OPEN]
        reason = not_confirmed(asked)
        names = ", ".join(sorted({c.destination for c in waiting}))
        values: dict[str, Any] = {
            "reason": asdict(reason) if reason else None,
            "waiting_for": f"{names} to confirm {_counted(waiting, asked)}" if waiting else "",
            "next_try_at": min((c.next_try_at for c in waiting), default=None),
        }
        if asked and not waiting and not reason:
            values["confirmed_at"] = now
            return self._end(connection, row, SeriesState.CONFIRMED, "confirmed", values)
        self._change(connection, row, **values)
        if reason and values["reason"] != row.reason:
            self._tell(connection, row, "not_confirmed", reason.found)
        return SeriesState.DELIVERED

    def _end(
        self,
        connection: sa.Connection,
        row: Row,
        after: SeriesState,
        event: str,
        values: dict[str, Any],
    ) -> SeriesState:
        reason = values.get("reason") or {}
        detail = reason.get("found") or values.get("waiting_for", "")
        self._move(connection, row, after, event, detail, **values)
        return after

    def _owe_commitments(
        self, connection: sa.Connection, row: Row, names: Collection[str], now: datetime
    ) -> None:
        """Everything that these destinations have stored is to be confirmed; once for each."""
        for delivery in self._owed(connection, row):
            if delivery.destination in names and delivery.state in ARRIVED:
                connection.execute(
                    self._database.insert(schema.commitments)
                    .values(series_id=row.id, delivery_id=delivery.id, **_owed_anew(now))
                    .on_conflict_do_nothing(index_elements=["delivery_id"])
                )

    def _commitment_step_failed(
        self,
        connection: sa.Connection,
        row: Row,
        reason: Reason,
        next_try_at: datetime | None,
        now: datetime,
    ) -> SeriesState:
        """What was due is due later, or where None not to be had; the delivery stays one."""
        values: dict[str, Any] = {"message": storable(reason.found), "updated_at": now}
        if next_try_at is None:
            values["state"] = CommitmentState.UNCONFIRMED
        else:
            values["next_try_at"] = next_try_at
        table = schema.commitments
        connection.execute(
            sa.update(table)
            .where(table.c.series_id == row.id, table.c.state.in_(OPEN), table.c.next_try_at <= now)
            .values(**values)
        )
        tries = row.attempts + 1 if next_try_at else 0
        self._change(connection, row, attempts=tries, **NO_LEASE)
        self._tell(connection, row, "step_failed", reason.found)
        if row.state == SeriesState.DELIVERED:
            return self._conclude(connection, row, now)
        return SeriesState(row.state)

    def _ask_again(self, connection: sa.Connection, row: Row, now: datetime) -> bool:
        """Whether anything of this revision was unconfirmed: it is asked for now, as at first."""
        table, unsettled = schema.commitments, (*OPEN, CommitmentState.UNCONFIRMED)
        ids = [c.id for c in self._commitments(connection, row) if c.state in unsettled]
        connection.execute(sa.update(table).where(table.c.id.in_(ids)).values(**_owed_anew(now)))
        return bool(ids)


def _owed_anew(now: datetime) -> dict[str, Any]:
    """The columns of a commitment that is to be asked for now, for the first time or again."""
    times = {"since": now, "next_try_at": now, "updated_at": now}
    return {"state": CommitmentState.OWED, "message": "", "tries": 0, "failures": 0, **times}


def not_delivered(owed: Iterable[Row]) -> Reason | None:
    """Why a series whose deliveries have all ended is not delivered; None where it is.

    A context that a destination rejects fails nothing else, but a destination that took
    nothing at all has failed.
    """
    found = []
    for name, deliveries in _by_destination(owed):
        failed = [d for d in deliveries if d.state == DeliveryState.FAILED]
        nothing = not any(d.state in ARRIVED for d in deliveries)
        if failed or nothing:
            lost = failed or deliveries
            found.append(f"{len(lost)} of {len(deliveries)} objects at {name}: {lost[0].message}")
    if not found:
        return None
    return Reason(
        "not_delivered",
        "not stored: " + "; ".join(found),
        "Correct the destination's configuration, then: perfusion-node retry ID",
    )


def not_confirmed(asked: Iterable[Row]) -> Reason | None:
    """Why what was delivered cannot be confirmed; None where it can, or where that is open."""
    found = []
    for name, commitments in _by_destination(asked):
        lost = [c for c in commitments if c.state == CommitmentState.UNCONFIRMED]
        if lost:
            found.append(f"{_counted(lost, commitments)} at {name}: {lost[0].message}")
    if not found:
        return None
    return Reason(
        "not_confirmed",
        "stored, but storage commitment is not to be had for " + "; ".join(found),
        "Let the PACS answer this node's storage commitment requests, or set commitment = false "
        "for it; then: perfusion-node retry ID",
    )


def _by_destination(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    by_name: dict[str, list[Row]] = {}
    for each in rows:
        by_name.setdefault(each.destination, []).append(each)
    return sorted(by_name.items())


def _counted(some: Sequence[Row], of_all: Sequence[Row]) -> str:
    return f"{len(some)} of {len(of_all)} objects"
