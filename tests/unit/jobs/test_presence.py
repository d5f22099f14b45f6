"""A worker reports itself as long as it lives."""

from collections.abc import Sequence

from node.errors import RegistryUnavailableError
from node.jobs.owner import new_owner, this_process
from node.jobs.presence import Presence
from node.ports import WorkerRecord
from tests.support.running_node import wait_for


class FakeWorkers:
    """Implements :class:`node.ports.Workers` in memory; ``away`` is a database that is."""

    def __init__(self, away: bool = False) -> None:
        self.away = away
        self.tried = 0
        self.known: dict[str, WorkerRecord] = {}

    def report(self, worker: WorkerRecord) -> None:
        self.tried += 1
        if self.away:
            raise RegistryUnavailableError("away")
        self.known[worker.name] = worker

    def leave(self, name: str) -> None:
        if self.away:
            raise RegistryUnavailableError("away")
        self.known.pop(name, None)

    def workers(self) -> Sequence[WorkerRecord]:
        return list(self.known.values())


def test_a_worker_is_there_until_it_ends() -> None:
    """It says what it works at and on what; its leases' owners begin with its name."""
    registry = FakeWorkers()
    with Presence(registry, ["analyse"], "CPUExecutionProvider"):
        wait_for(registry.workers, "the worker has reported itself")
        (worker,) = registry.workers()
        assert worker.queues == ("analyse",)
        assert worker.device == "CPUExecutionProvider"
        assert new_owner().startswith(f"{worker.name}|")
        assert worker.name == this_process()
    assert registry.workers() == []


def test_a_registry_that_is_away_hinders_no_work() -> None:
    """Nothing is said, and the worker ends as usual."""
    registry = FakeWorkers(away=True)
    with Presence(registry, ["deliver"], ""):
        wait_for(lambda: registry.tried, "it was tried")
    assert registry.workers() == []
