"""A lease kept alive by a thread of its own, as long as its step gets on."""

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from node.errors import RegistryUnavailableError
from node.jobs.lease import HeldLease, LeaseTiming
from node.ports import Lease
from node.registry import Registry, open_registry
from tests.support import registered as r
from tests.support.running_node import wait_for

PATIENCE_S = 20.0
FAST = LeaseTiming(lease_s=60.0, heartbeat_s=0.01, ending_s=0.01)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    opened = open_registry(f"sqlite:///{tmp_path}/registry.sqlite", tmp_path)
    r.complete(opened)
    yield opened
    opened.close()


class Flaky:
    """A registry that is away for the first heartbeats, and then counts them."""

    def __init__(self) -> None:
        self.beats = 0
        self.back = threading.Event()

    def extend(self, lease: Lease, until: datetime) -> bool:
        self.beats += 1
        if self.beats < 3:
            raise RegistryUnavailableError("away")
        self.back.set()
        return True


def test_a_held_lease_grows(registry: Registry) -> None:
    """The heartbeat moves the end of the lease while the step runs."""
    lease = r.lease(registry)
    grown = threading.Event()
    with HeldLease(registry, lease, LeaseTiming(900.0, 0.01), lambda _: None):
        for _ in range(2000):
            if registry.leases()[0].until > lease.until:
                grown.set()
                break
            grown.wait(0.01)
    assert grown.is_set()


def test_a_lost_lease_is_noticed(registry: Registry) -> None:
    """A step whose series was opened again learns it while it runs."""
    lease = r.lease(registry)
    with capture_logs() as told, HeldLease(registry, lease, FAST, lambda _: None) as held:
        r.receive(registry, 2)
        held._thread.join(PATIENCE_S)
        assert held.lost
    assert [line["event"] for line in told] == ["lease_lost"]


def test_a_lease_that_was_given_back_is_not_told_as_lost(registry: Registry) -> None:
    """A heartbeat between the step's last commit and its end is no alarm."""
    timing = LeaseTiming(60.0, 0.01, ending_s=PATIENCE_S)
    lease = r.lease(registry)
    with capture_logs() as told, HeldLease(registry, lease, timing, lambda _: None) as held:
        registry.finish(lease, r.outcome(), destinations=r.WANTED, now=r.now())
        wait_for(lambda: held.lost, "the heartbeat finds no lease", PATIENCE_S)
    assert told == []


def test_a_step_without_progress_is_given_up(registry: Registry) -> None:
    """A step that hangs is told of once, although its process lives."""
    stalled = threading.Event()
    lease = r.lease(registry)
    timing = LeaseTiming(60.0, 0.01, stalled_s=0.05)
    with HeldLease(registry, lease, timing, lambda _: stalled.set()):
        assert stalled.wait(PATIENCE_S)


def test_a_registry_that_is_away_for_a_moment_costs_no_lease(registry: Registry) -> None:
    """Heartbeats go on until the database is back."""
    flaky = Flaky()
    with HeldLease(flaky, r.lease(registry), FAST, lambda _: None) as held:  # type: ignore[arg-type] # only extend() is asked
        assert flaky.back.wait(PATIENCE_S)
        assert not held.lost
