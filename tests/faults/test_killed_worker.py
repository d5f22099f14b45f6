"""Workers and Redis killed in the middle of things: every series still ends, once."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.ports import SeriesState
from tests.support.running_node import wait_for
from tests.support.worker_bench import Bench, worker_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with worker_bench(tmp_path) as running:
        yield running


def assert_delivered_once(bench: Bench) -> None:
    """The PACS has every result object, each exactly once."""
    series = bench.node.registry.series(bench.uid)
    made = {result.sop_instance_uid for result in series.results}
    assert made
    assert bench.archive.received == Counter(dict.fromkeys(made, 1))


def test_a_worker_killed_in_mid_analysis_delivers_once_after_a_restart(bench: Bench) -> None:
    """Kill -9 in the middle, a new worker: the maps are in the PACS, once."""
    bench.hold.touch()
    first = bench.start_worker()
    bench.wait_until_predicting()
    first.kill()
    first.wait()
    assert bench.state() is SeriesState.ANALYSING
    bench.hold.unlink()
    bench.start_worker()
    bench.wait_until(SeriesState.DELIVERED)
    assert_delivered_once(bench)
    assert "lease_expired" in (bench.folder / "worker.log").read_text()


def test_a_series_that_kills_every_worker_fails(bench: Bench) -> None:
    """After the last attempt the series is FAILED, and the next worker lives."""
    bench.hold.touch()
    for _ in range(bench.settings.jobs.max_attempts):
        worker = bench.start_worker()
        bench.wait_until_predicting()
        worker.kill()
        worker.wait()
    bench.start_worker()
    bench.wait_until(SeriesState.FAILED)
    reason = bench.node.registry.series(bench.uid).reason
    assert reason is not None
    assert reason.code == "worker_lost"
    assert not bench.archive.received


def test_redis_restarted_empty_loses_nothing(bench: Bench) -> None:
    """Redis dies with every message in it; the work completes from the registry."""
    bench.hold.touch()
    bench.start_worker()
    bench.wait_until_predicting()
    bench.redis.kill()
    bench.hold.unlink()
    wait_for(lambda: bench.state() is SeriesState.READY, "analysed without Redis", 60)
    bench.redis.start()
    bench.wait_until(SeriesState.DELIVERED)
    assert_delivered_once(bench)


def test_a_worker_that_is_told_to_stop_ends_its_step_first(bench: Bench) -> None:
    """SIGTERM in mid-analysis: the result is recorded, and the process ends with status 0."""
    bench.hold.touch()
    worker = bench.start_worker()
    bench.wait_until_predicting()
    worker.send_signal(signal.SIGTERM)
    bench.hold.unlink()
    assert worker.wait(60) == 0
    assert bench.state() is SeriesState.READY
