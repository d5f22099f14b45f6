"""What was looked for at each destination after it was stored, and whether it was there."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from node.ports import (
    DeliveryState,
    DueVerification,
    Lease,
    SentObject,
    VerificationOutcome,
)
from node.registry import schema
from node.registry.ledger import LedgerStore
from node.registry.rows import storable

_ARRIVED = (DeliveryState.STORED, DeliveryState.WARNING)


class VerificationStore(LedgerStore):
    """:class:`node.ports.Verifications` over SQL.

    A row is a look at a delivery. One from before the delivery's last answer says nothing of it,
    and one from before it was last owed anew is not counted: nobody need reset it.
    """

    def verifications_due(
        self, lease: Lease, destinations: Collection[str]
    ) -> Sequence[DueVerification]:
        """What these destinations stored of the leased series and were not asked for since."""
        owed, looks, results = schema.deliveries, schema.verifications, schema.results
        others = owed.alias("others")
        sending = sa.exists().where(
            others.c.series_id == owed.c.series_id,
            others.c.destination == owed.c.destination,
            others.c.state == DeliveryState.PENDING,
        )
        query = (
            sa.select(owed, results, looks.c.misses, looks.c.at, schema.series.c.study_instance_uid)
            .join(results, owed.c.result_id == results.c.id)
            .join(schema.series, owed.c.series_id == schema.series.c.id)
            .outerjoin(looks, looks.c.delivery_id == owed.c.id)
            .where(
                schema.series.c.series_instance_uid == lease.series_instance_uid,
                results.c.revision == lease.revision,
                owed.c.destination.in_(sorted(destinations)),
                owed.c.state.in_([str(s) for s in _ARRIVED]),
                sa.not_(sending),
                sa.or_(looks.c.at.is_(None), looks.c.at < owed.c.updated_at),
            )
            .order_by(owed.c.destination, results.c.id)
        )
        with self._database.reading() as connection:
            return [
                DueVerification(
                    row.destination,
                    SentObject(
                        row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid
                    ),
                    row.misses if row.at is not None and row.at >= row.since else 0,
                )
                for row in connection.execute(query)
            ]

    def verified(
        self, lease: Lease, outcomes: Sequence[VerificationOutcome], note: str, *, now: datetime
    ) -> None:
        """Record what one destination has; ``note`` is the line of the series' history.

        Raises
        ------
        WrongStateError
            If the lease was lost.
        """
        with self._database.writing() as connection:
            row = self._held(connection, lease)
            for outcome in outcomes:
                self._look(connection, outcome, now)
            missing = any(not outcome.found for outcome in outcomes)
            self._tell(connection, row, "not_found" if missing else "verified", note)

    def not_verified(self, lease: Lease, note: str) -> None:
        """Note in the series' history that a destination could not be asked, and why."""
        with self._database.writing() as connection:
            row = self._find(connection, lease.series_instance_uid)
            self._tell(connection, row, "not_verified", note)

    def _look(self, connection: sa.Connection, outcome: VerificationOutcome, now: datetime) -> None:
        owed, looks, results = schema.deliveries, schema.verifications, schema.results
        due = outcome.due
        delivery = connection.execute(
            sa.select(owed.c.id)
            .join(results, owed.c.result_id == results.c.id)
            .where(
                results.c.sop_instance_uid == due.sent.sop_instance_uid,
                owed.c.destination == due.destination,
            )
        ).scalar_one()
        seen = {"misses": due.misses + (not outcome.found), "at": now}
        looked = self._database.insert(looks).values(delivery_id=delivery, **seen)
        connection.execute(looked.on_conflict_do_update(index_elements=["delivery_id"], set_=seen))
        if outcome.found:
            return
        values: dict[str, Any] = {"state": DeliveryState.WARNING}
        if outcome.next_try_at is not None:
            values = {"state": DeliveryState.PENDING, "next_try_at": outcome.next_try_at}
        connection.execute(
            sa.update(owed)
            .where(owed.c.id == delivery, owed.c.state.in_([str(s) for s in _ARRIVED]))
            .values(message=storable(outcome.message), updated_at=now, **values)
        )
