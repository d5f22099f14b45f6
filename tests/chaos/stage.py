"""Everything one run of chaos needs: the node's processes and all that is around them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from node.settings import CommitmentSettings, Destination, JobsSettings, ScpSettings, Settings
from node.wiring import Node
from tests.chaos.archive import ChaosArchive
from tests.chaos.disk import SmallDisk
from tests.chaos.parts import Part
from tests.support.bench_node import bench_settings
from tests.support.redis_server import RedisServer
from tests.support.running_node import free_port

LEASE_S = 10.0
QUIET_S = 10.0
MORE_THAN_THERE_IS_GIB = 1e6


@dataclass
class Stage:
    """``perfusion-node scp``, workers, Redis, a PACS, a disk; ``node`` looks into the registry."""

    folder: Path
    settings: Settings
    node: Node
    listener: Part
    workers: list[Part]
    redis: RedisServer
    archive: ChaosArchive
    disk: SmallDisk

    @property
    def port(self) -> int:
        """The listener's."""
        return self.settings.scp.port

    @property
    def parts(self) -> list[Part]:
        """The node's processes."""
        return [self.listener, *self.workers]

    def fill_disk(self) -> None:
        """No room: on a disk of its own for everybody, else by the listener's settings."""
        self._listen_with(0.0 if self.disk.mounted else MORE_THAN_THERE_IS_GIB)
        self.disk.fill()

    def empty_disk(self) -> None:
        """Room again."""
        self.disk.empty()
        self._listen_with(0.0)

    def write_settings(self, min_free_gib: float = 0.0) -> None:
        """The files that the processes read when they start."""
        (self.folder / "settings.json").write_text(self.settings.model_dump_json())
        (self.folder / "node.toml").write_text(
            f'data_dir = "{self.settings.data_dir}"\n[spool]\nmin_free_gib = {min_free_gib}\n'
            f"[scp]\nport = {self.port}\n"
            f'[[destinations]]\nname = "pacs"\nae_title = "PACS"\nport = {self.archive.port}\n'
            "commitment = true\n"
        )

    def _listen_with(self, min_free_gib: float) -> None:
        if not self.disk.mounted and self.listener.up:
            self.write_settings(min_free_gib)
            self.listener.kill()
            self.listener.start()


@contextmanager
def staged(folder: Path, seed: int, workers: int) -> Iterator[Stage]:
    """All of it, started; whatever still runs at the end of the block is killed."""
    folder = folder.resolve()
    disk = SmallDisk(folder / "data" / "spool")
    port = free_port()
    redis, archive = RedisServer(folder), ChaosArchive(seed, port)
    settings = bench_settings(
        folder / "data",
        redis_url=redis.url,
        destinations=(
            Destination(
                name="pacs", ae_title="PACS", port=archive.port, verify="find", commitment=True
            ),
        ),
        commitment=CommitmentSettings(hold_s=0.5, reply_s=2.0, reply_longest_s=4.0),
        scp=ScpSettings(port=port, grace_s=0.5, quiet_s=QUIET_S),
        jobs=JobsSettings(
            sweep_s=0.5, lease_s=LEASE_S, heartbeat_s=1.0, retry_first_s=0.5, retry_longest_s=4.0
        ),
    )
    with Node(settings) as node:
        stage = Stage(
            folder,
            settings,
            node,
            Part("listener", ["-m", "node.cli", "scp", "-c", f"{folder}/node.toml"], folder),
            [Part(f"worker {n + 1}", _worker(folder), folder) for n in range(workers)],
            redis,
            archive,
            disk,
        )
        stage.write_settings()
        try:
            node.registry.counts()  # migrates the database once, before the parts open it
            redis.start()
            archive.come()
            for part in stage.parts:
                part.start()
            yield stage
        finally:
            for part in stage.parts:
                part.kill()
            redis.kill()
            archive.go()
            disk.close()


def _worker(folder: Path) -> list[str]:
    command = ["-m", "tests.support.worker_process", f"{folder}/settings.json"]
    return [*command, "analyse,deliver", f"{folder}/prediction"]
