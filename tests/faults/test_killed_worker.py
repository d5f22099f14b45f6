"""Workers and Redis killed in the middle of things: every series still ends, once."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pynetdicom import AE, evt
from pynetdicom.presentation import AllStoragePresentationContexts

from node.ports import SeriesState
from node.settings import JobsSettings, Settings
from node.wiring import Node
from tests.support.bench_node import bench_settings, receive_series
from tests.support.redis_server import RedisServer
from tests.support.running_node import ROOT, wait_for


class Archive:
    """A PACS that counts how often each object came."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        ae = AE("PACS")
        for context in AllStoragePresentationContexts:
            ae.add_supported_context(context.abstract_syntax)
        handlers = [(evt.EVT_C_STORE, self._store)]
        self._server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        self.port = int(self._server.server_address[1])

    def _store(self, event: evt.Event) -> int:
        self.received[str(event.request.AffectedSOPInstanceUID)] += 1
        return 0x0000

    def close(self) -> None:
        self._server.shutdown()


@dataclass
class Bench:
    """Redis, a PACS, a registry with one received series, and worker processes."""

    folder: Path
    redis: RedisServer
    archive: Archive
    settings: Settings
    node: Node
    uid: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def marker(self) -> Path:
        return self.folder / "prediction"

    @property
    def hold(self) -> Path:
        return self.marker.with_suffix(".hold")

    def state(self) -> SeriesState:
        return self.node.registry.series(self.uid).state

    def start_worker(self) -> subprocess.Popen[bytes]:
        config = self.folder / "settings.json"
        config.write_text(self.settings.model_dump_json())
        command = [sys.executable, "-m", "tests.support.worker_process"]
        with (self.folder / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                [*command, str(config), "analyse,deliver", str(self.marker)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self.workers.append(worker)
        return worker

    def wait_until_predicting(self) -> None:
        begun = self.marker.with_suffix(".begun")
        wait_for(begun.exists, "the prediction begins", 60)
        begun.unlink()

    def wait_until(self, state: SeriesState) -> None:
        wait_for(lambda: self.state() is state, f"the series is {state}", 90)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    redis, archive = RedisServer(tmp_path), Archive()
    redis.start()
    # a lease far longer than the test: only a worker that is seen to be dead loses it
    jobs = JobsSettings(sweep_s=0.1, lease_s=3600.0, retry_first_s=0.2, retry_longest_s=1.0)
    settings = bench_settings(tmp_path / "data", archive.port, redis_url=redis.url, jobs=jobs)
    with Node(settings) as node:
        bench = Bench(tmp_path, redis, archive, settings, node, receive_series(node))
        yield bench
        for worker in bench.workers:
            worker.kill()
            worker.wait()
    archive.close()
    redis.kill()


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
