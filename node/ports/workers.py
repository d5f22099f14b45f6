"""The worker processes, as they report themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from node.ports.work import Lease


@dataclass(frozen=True)
class GpuVitals:
    """How busy and how full a GPU is.

    Parameters
    ----------
    name
        As its maker calls it.
    load
        The part of the last moment in which it computed, 0 to 1; None where it does not say.
    memory_used_bytes, memory_bytes
        Its memory.
    """

    name: str
    load: float | None
    memory_used_bytes: int
    memory_bytes: int


@dataclass(frozen=True)
class WorkerRecord:
    """One worker process.

    Parameters
    ----------
    name
        Its machine and process, as the owners of leases begin: ``host|realm|pid|start``.
    queues
        What it works at.
    device
        What the network runs on, such as ``CUDAExecutionProvider``; empty for one that does
        not analyse.
    version
        Of the node's software.
    started_at, seen_at
        When it began, and when it last reported itself.
    lease
        What it has in hand; None where it waits.
    gpus
        The GPUs of its machine, where it analyses on one.
    """

    name: str
    queues: tuple[str, ...]
    device: str
    version: str
    started_at: datetime
    seen_at: datetime
    lease: Lease | None = None
    gpus: tuple[GpuVitals, ...] = ()

    @property
    def host(self) -> str:
        """The machine it runs on."""
        return self.name.split("|")[0]

    @property
    def pid(self) -> str:
        """Its process."""
        return [*self.name.split("|"), "", "", ""][2]


class Workers(Protocol):
    """Where workers report themselves."""

    def report(self, worker: WorkerRecord) -> None:
        """Note that a worker is alive; those that were silent for a day are forgotten."""

    def leave(self, name: str) -> None:
        """Forget a worker that ends."""

    def workers(self) -> Sequence[WorkerRecord]:
        """Every worker that has reported itself, with what it has in hand."""
