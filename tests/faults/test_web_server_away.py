"""A DICOMweb server that goes away in the middle of things: everything is there once afterwards."""

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.ports import DeliveryRecord, DeliveryState, SeriesState
from tests.support.dicomweb import Asked, FakeDicomWeb, Reply, all_stored, dicomweb, report
from tests.support.running_node import wait_for
from tests.support.worker_bench import Bench, worker_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with worker_bench(tmp_path) as running:
        yield running


def deliver_to(bench: Bench, server: FakeDicomWeb) -> None:
    """A worker that knows this destination and no other."""
    bench.settings = bench.settings.model_copy(update={"destinations": (server.destination(),)})
    bench.start_worker()


def deliveries(bench: Bench) -> list[DeliveryRecord]:
    return list(bench.node.registry.series(bench.uid).deliveries)


def test_a_web_server_that_takes_half_and_goes_away_gets_the_other_half_when_it_is_back(
    bench: Bench,
) -> None:
    """What was reported as stored is not sent again; the rest waits and arrives, each once."""
    gone = threading.Event()

    def half(asked: Asked) -> Reply:
        middle = len(asked.uids) // 2
        stored, failed = asked.uids[:middle], asked.uids[middle:]
        server.received.update(stored)
        server.answer = dies
        return report(dict.fromkeys(stored), dict.fromkeys(failed, 0xA700), 202)

    def dies(_asked: Asked) -> Reply:
        threading.Thread(target=lambda: (server.close(), gone.set())).start()
        return Reply(0)

    with dicomweb(half) as server:
        deliver_to(bench, server)
        assert gone.wait(120)
        wait_for(lambda: any("connected to" in d.message for d in deliveries(bench)), "it waits")
        assert bench.state() in (SeriesState.READY, SeriesState.DELIVERING)
        server.answer = all_stored
        server.open()
        bench.wait_until(SeriesState.DELIVERED)
    made = {result.sop_instance_uid for result in bench.node.registry.series(bench.uid).results}
    assert server.received == Counter(dict.fromkeys(made, 1))
    assert {d.state for d in deliveries(bench)} == {DeliveryState.STORED}


def test_a_worker_that_is_killed_while_it_sends_over_the_web_delivers_after_a_restart(
    bench: Bench,
) -> None:
    """The server has taken what the registry does not know: it is sent again, and there once."""
    taken, killed = threading.Event(), threading.Event()

    def held(asked: Asked) -> Reply:
        server.answer = all_stored
        taken.set()
        killed.wait(60)
        return report(dict.fromkeys(asked.uids), {})

    with dicomweb(held) as server:
        deliver_to(bench, server)
        assert taken.wait(120)
        for worker in bench.workers:
            worker.kill()
            worker.wait()
        killed.set()
        bench.start_worker()
        bench.wait_until(SeriesState.DELIVERED)
    made = {result.sop_instance_uid for result in bench.node.registry.series(bench.uid).results}
    assert set(server.received) == made
    assert {d.state for d in deliveries(bench)} == {DeliveryState.STORED}
