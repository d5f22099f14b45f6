"""The worker processes that report themselves, and what each has in hand."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

import sqlalchemy as sa

from node.ports import GpuVitals, Lease, WorkerRecord
from node.registry import schema
from node.registry.ledger import LedgerStore
from node.registry.rows import Row

_FORGOTTEN_AFTER = timedelta(days=1)


class WorkerStore(LedgerStore):
    """:class:`node.ports.Workers` over SQL."""

    def report(self, worker: WorkerRecord) -> None:
        """Note that a worker is alive; those that were silent for a day are forgotten."""
        table = schema.workers
        values = {
            "queues": " ".join(worker.queues),
            "device": worker.device,
            "version": worker.version,
            "started_at": worker.started_at,
            "seen_at": worker.seen_at,
            "gpus": [asdict(gpu) for gpu in worker.gpus],
        }
        with self._database.writing() as connection:
            connection.execute(
                self._database.insert(table)
                .values(name=worker.name, **values)
                .on_conflict_do_update(index_elements=["name"], set_=values)
            )
            gone = table.c.seen_at < worker.seen_at - _FORGOTTEN_AFTER
            connection.execute(sa.delete(table).where(gone))

    def leave(self, name: str) -> None:
        """Forget a worker that ends."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(schema.workers).where(schema.workers.c.name == name))

    def workers(self) -> Sequence[WorkerRecord]:
        """Every worker that has reported itself, with what it has in hand."""
        held = {lease.owner.rpartition("|")[0]: lease for lease in self.leases()}
        table = schema.workers
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(table).order_by(table.c.name)).all()
        return [_worker(row, held.get(row.name)) for row in rows]


def _worker(row: Row, lease: Lease | None) -> WorkerRecord:
    return WorkerRecord(
        name=row.name,
        queues=tuple(row.queues.split()),
        device=row.device,
        version=row.version,
        started_at=row.started_at,
        seen_at=row.seen_at,
        lease=lease,
        gpus=tuple(GpuVitals(**gpu) for gpu in row.gpus or ()),
    )
