"""Redis, a PACS that counts, a registry with one received series, and worker processes to kill."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from node import failpoint
from node.ports import SeriesState
from node.settings import CommitmentSettings, Destination, JobsSettings, Settings
from node.wiring import Node
from tests.support.bench_node import bench_settings, receive_series
from tests.support.committing_pacs import CommittingPacs
from tests.support.redis_server import RedisServer
from tests.support.running_node import ROOT, wait_for


@dataclass
class Bench:
    """Redis, a PACS, a registry with one received series, and worker processes."""

    folder: Path
    redis: RedisServer
    archive: CommittingPacs
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

    def state(self, uid: str = "") -> SeriesState:
        return self.node.registry.series(uid or self.uid).state

    def start_worker(self, die_at: str = "") -> subprocess.Popen[bytes]:
        """A worker; ``die_at`` is a step and how often it is passed until the worker dies."""
        config = self.folder / "settings.json"
        config.write_text(self.settings.model_dump_json())
        command = [sys.executable, "-m", "tests.support.worker_process"]
        with (self.folder / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                [*command, str(config), "analyse,deliver", str(self.marker)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1", failpoint.VARIABLE: die_at},
            )
        self.workers.append(worker)
        return worker

    def wait_until_predicting(self) -> None:
        """Of a series that the worker has the lease of: not ahead, in the grace."""
        begun, leases = self.marker.with_suffix(".begun"), self.node.registry.leases
        wait_for(lambda: begun.exists() and leases(), "the prediction begins", 60)
        begun.unlink()

    def wait_until(self, state: SeriesState) -> None:
        wait_for(lambda: self.state() is state, f"the series is {state}")


@contextmanager
def worker_bench(folder: Path, *, commitment: bool = False, **values: object) -> Iterator[Bench]:
    """All of it, for the length of a ``with`` block; ``values`` are further settings.

    ``commitment``: the PACS is asked for what it stored, and to commit to it.
    """
    redis, archive = RedisServer(folder), CommittingPacs()
    redis.start()
    # a lease far longer than the test: only a worker that is seen to be dead loses it
    jobs = JobsSettings(sweep_s=0.1, lease_s=3600.0, retry_first_s=0.2, retry_longest_s=1.0)
    pacs = Destination(
        name="pacs0",
        ae_title="PACS",
        port=archive.port,
        verify="find" if commitment else "none",
        commitment=commitment,
    )
    known: dict[str, object] = {
        "redis_url": redis.url,
        "jobs": jobs,
        "destinations": (pacs,),
        "commitment": CommitmentSettings(reply_s=2.0, reply_longest_s=4.0),
    }
    settings = bench_settings(folder / "data", **{**known, **values})
    with Node(settings) as node:
        bench = Bench(folder, redis, archive, settings, node, receive_series(node))
        yield bench
        for worker in bench.workers:
            worker.kill()
            worker.wait()
    archive.close()
    redis.kill()
