"""What is asked of a destination after the delivery, and what it replied."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from node.ports import (
    CommitmentOutcome,
    CommitmentReply,
    CommitmentRequest,
    CommitmentState,
    DeliveryState,
    DueCommitment,
    Lease,
    Replied,
    SeriesState,
    SopReference,
)
from node.registry import schema
from node.registry.deliveries import DeliveryStore
from node.registry.due import commitments_due
from node.registry.rows import Row, storable
from node.registry.store import NO_LEASE, OPEN

_UNANSWERED = (CommitmentState.OWED, CommitmentState.ASKED)


class CommitmentStore(DeliveryStore):
    """:class:`node.ports.Commitments` over SQL."""

    def commitments_due(self, lease: Lease, now: datetime) -> Sequence[DueCommitment]:
        """What of the leased series something is due about, by destination."""
        joined, which = commitments_due(now)
        table, deliveries, results = schema.commitments, schema.deliveries, schema.results
        query = (
            sa.select(
                table, deliveries.c.destination, results.c.sop_class_uid, results.c.sop_instance_uid
            )
            .select_from(joined)
            .where(schema.series.c.series_instance_uid == lease.series_instance_uid, *which)
            .order_by(deliveries.c.destination, results.c.id)
        )
        with self._database.reading() as connection:
            return [
                DueCommitment(
                    destination=row.destination,
                    reference=SopReference(row.sop_class_uid, row.sop_instance_uid),
                    state=CommitmentState(row.state),
                    failure=row.failure,
                    tries=row.tries,
                    failures=row.failures,
                    since=row.since,
                )
                for row in connection.execute(query)
            ]

    def request_commitment(
        self, lease: Lease, request: CommitmentRequest, *, now: datetime
    ) -> None:
        """Record a transaction before it is asked for: its reply may be quick."""
        uids = [each.sop_instance_uid for each in request.objects]
        with self._database.writing() as connection:
            row = self._held(connection, lease)
            transaction_id = connection.execute(
                sa.insert(schema.transactions)
                .values(
                    series_id=row.id,
                    transaction_uid=request.transaction_uid,
                    destination=request.destination,
                    sop_instance_uids=uids,
                    asked_at=now,
                )
                .returning(schema.transactions.c.id)
            ).scalar_one()
            asked = self._of(connection, row, request.destination, uids)
            _update(
                connection,
                [c.id for c in asked if c.state in OPEN],
                state=CommitmentState.OWED,
                transaction_id=transaction_id,
                updated_at=now,
            )

    def commitment_asked(
        self, lease: Lease, transaction_uid: str, *, now: datetime, until: datetime
    ) -> None:
        """Record that the destination accepted the request; replied to or not by now."""
        table, transactions = schema.commitments, schema.transactions
        with self._database.writing() as connection:
            row = self._held(connection, lease)
            begun = connection.execute(
                sa.select(transactions).where(transactions.c.transaction_uid == transaction_uid)
            ).one()
            connection.execute(
                sa.update(table)
                .where(table.c.transaction_id == begun.id, table.c.state == CommitmentState.OWED)
                .values(
                    state=CommitmentState.ASKED,
                    message="",
                    tries=table.c.tries + 1,
                    next_try_at=until,
                    updated_at=now,
                )
            )
            asked = f"{begun.destination} for {len(begun.sop_instance_uids)} objects"
            self._tell(connection, row, "commitment_asked", asked)

    def awaits_reply(self, transaction_uid: str) -> bool:
        """Whether a transaction was not replied to yet."""
        table = schema.transactions
        query = sa.select(
            sa.exists().where(
                table.c.transaction_uid == transaction_uid, table.c.replied_at.is_(None)
            )
        )
        with self._database.reading() as connection:
            return bool(connection.execute(query).scalar_one())

    def replied(self, reply: CommitmentReply, *, now: datetime) -> Replied:
        """Record a reply; committed when this returns.

        What it confirms is confirmed, however late it comes. What it fails counts only where
        nothing was asked since: the later reply will tell.
        """
        table = schema.transactions
        query = (
            sa.select(table, schema.series.c.series_instance_uid)
            .join(schema.series, table.c.series_id == schema.series.c.id)
            .where(table.c.transaction_uid == reply.transaction_uid)
        )
        with self._database.writing() as connection:
            if (begun := connection.execute(query).one_or_none()) is None:
                return Replied.UNKNOWN
            row = self._find(connection, begun.series_instance_uid, lock=True)
            first = connection.execute(
                sa.update(table)
                .where(table.c.id == begun.id, table.c.replied_at.is_(None))
                .values(replied_at=now)
            )
            if first.rowcount == 0:
                return Replied.REPEATED
            self._note_reply(connection, row, begun, reply, now)
            if row.lease_owner is None and row.state == SeriesState.DELIVERED:
                self._conclude(connection, row, now)
        return Replied.RECORDED

    def commitments_decided(
        self, lease: Lease, outcomes: Sequence[CommitmentOutcome], *, now: datetime
    ) -> None:
        """Record what comes of these; one that a reply has confirmed meanwhile stays so."""
        with self._database.writing() as connection:
            row = self._held(connection, lease)
            at = {
                (c.destination, c.sop_instance_uid): c for c in self._commitments(connection, row)
            }
            for outcome in outcomes:
                due = outcome.due
                known = at.get((due.destination, due.reference.sop_instance_uid))
                if known is not None and known.state in OPEN:
                    _decide(connection, known, outcome, now)

    def waive_commitments(self, lease: Lease, destination: str) -> None:
        """Forget what was to be asked of a destination that is not to be asked any more."""
        table = schema.commitments
        with self._database.writing() as connection:
            row = self._held(connection, lease)
            unsettled = (*OPEN, CommitmentState.UNCONFIRMED)
            ids = [
                c.id
                for c in self._commitments(connection, row)
                if c.destination == destination and c.state in unsettled
            ]
            connection.execute(sa.delete(table).where(table.c.id.in_(ids)))
            self._tell(connection, row, "commitment_waived", f"{destination} is not to be asked")

    def settle_commitments(self, lease: Lease, *, now: datetime) -> SeriesState:
        """Give the lease back; the series is CONFIRMED, due for delivery again, or as it was."""
        with self._database.writing() as connection:
            row = self._held(connection, lease)
            self._change(connection, row, attempts=0, **NO_LEASE)
            if row.state == SeriesState.DELIVERED:
                return self._conclude(connection, row, now)
            return SeriesState(row.state)

    def _note_reply(
        self,
        connection: sa.Connection,
        row: Row,
        begun: Row,
        reply: CommitmentReply,
        now: datetime,
    ) -> None:
        asked = self._of(connection, row, begun.destination, begun.sop_instance_uids)
        confirmed = [c for c in asked if c.sop_instance_uid in reply.confirmed]
        _update(
            connection,
            [c.id for c in confirmed],
            state=CommitmentState.CONFIRMED,
            failure=None,
            message="",
            updated_at=now,
        )
        lost = [
            c
            for c in asked
            if c.sop_instance_uid not in reply.confirmed
            and c.transaction_id == begun.id
            and c.state in _UNANSWERED
        ]
        for each in lost:
            failure = reply.failed.get(each.sop_instance_uid)
            _update(
                connection,
                [each.id],
                state=CommitmentState.FAILED,
                failure=failure,
                failures=each.failures + (failure is not None),
                next_try_at=now,
                updated_at=now,
            )
        told = f"{begun.destination} confirms {len(confirmed)} of {len(begun.sop_instance_uids)}"
        self._tell(connection, row, "commitment_replied", f"{told} objects")

    def _of(
        self, connection: sa.Connection, row: Row, destination: str, uids: Sequence[str]
    ) -> Sequence[Row]:
        """The commitments for these objects at one destination, of whatever revision."""
        table, deliveries, results = schema.commitments, schema.deliveries, schema.results
        query = (
            sa.select(table, results.c.sop_instance_uid)
            .join(deliveries, table.c.delivery_id == deliveries.c.id)
            .join(results, deliveries.c.result_id == results.c.id)
            .where(table.c.series_id == row.id, deliveries.c.destination == destination)
        )
        wanted = set(uids)
        return [c for c in connection.execute(query) if c.sop_instance_uid in wanted]


def _decide(
    connection: sa.Connection, known: Row, outcome: CommitmentOutcome, now: datetime
) -> None:
    message = storable(outcome.message)
    values: dict[str, Any] = {"state": outcome.state, "message": message, "updated_at": now}
    if outcome.next_try_at is not None:
        values |= {"next_try_at": outcome.next_try_at, "tries": known.tries + 1}
    _update(connection, [known.id], **values)
    delivery: dict[str, Any] = {"message": message, "updated_at": now}
    if outcome.send_again:
        delivery |= {
            "state": DeliveryState.PENDING,
            "attempts": 0,
            "since": now,
            "next_try_at": outcome.next_try_at or now,
        }
    elif outcome.lost:
        delivery["state"] = DeliveryState.FAILED
    else:
        return
    table = schema.deliveries
    connection.execute(sa.update(table).where(table.c.id == known.delivery_id).values(**delivery))


def _update(connection: sa.Connection, ids: Sequence[int], **values: Any) -> None:
    table = schema.commitments
    connection.execute(sa.update(table).where(table.c.id.in_(ids)).values(**values))
