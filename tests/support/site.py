"""Two hosts with a listener and a worker each, and what they share: as docs/scaling.md has it.

The switch's own host holds what is shared: PostgreSQL, Redis, HAProxy and a PACS.
"""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset

from node.ports import Lease, SeriesState
from node.settings import Destination, JobsSettings, Settings
from node.wiring import Node
from tests.support.bench_node import bench_settings
from tests.support.committing_pacs import CommittingPacs
from tests.support.hosts import HERE, Host, hosts
from tests.support.namespace import in_a_network_of_its_own
from tests.support.peers import require
from tests.support.postgres import postgres_server
from tests.support.redis_server import RedisServer
from tests.support.running_node import ROOT, wait_for
from tests.support.scp_process import send

PORT = 11112
# A lease long enough for a machine under load; tries are no concern here.
_JOBS = JobsSettings(
    sweep_s=0.2,
    lease_s=10.0,
    heartbeat_s=1.0,
    max_attempts=9,
    retry_first_s=0.2,
    retry_longest_s=1.0,
)


@dataclass
class Site:
    """What the tests of several hosts talk to.

    Parameters
    ----------
    node
        Its registry is the one of all hosts.
    """

    folder: Path
    settings: Settings
    node: Node
    archive: CommittingPacs
    hosts: Sequence[Host]
    listeners: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def log(self, name: str) -> str:
        """What the processes of a host have said."""
        return "".join(path.read_text() for path in sorted(self.folder.glob(f"{name}-*.log")))

    def marker(self, host: Host) -> Path:
        """See :mod:`tests.support.worker_process`."""
        return self.folder / f"{host.name}-prediction"

    def hold(self, host: Host) -> None:
        """Predictions of its worker wait from now on."""
        self.marker(host).with_suffix(".hold").touch()

    def go_on(self, host: Host) -> None:
        """They do so no longer."""
        self.marker(host).with_suffix(".hold").unlink()

    def start_worker(self, host: Host, queues: str = "analyse,deliver") -> None:
        """A worker of that host, which takes up work a little later."""
        arguments = [self.folder / "settings.json", queues, self.marker(host)]
        log = self.folder / f"{host.name}-worker.log"
        host.python("-m", "tests.support.worker_process", *map(str, arguments), log=log)

    def start_listener(self, host: Host) -> None:
        """A listener of that host, which listens a little later."""
        arguments = ["-m", "node.cli", "scp", "-c", str(self.folder / "node.toml")]
        log = self.folder / f"{host.name}-listener.log"
        self.listeners[host.name] = host.python(*arguments, log=log)
        wait_for(lambda: send(PORT, [], host.address) == [], f"{host.name} listens")

    def wait_until_predicting(self, host: Host) -> None:
        """Until its worker is in the middle of a prediction that it holds the lease for.

        What it predicts ahead, in the grace, is nobody's work yet.
        """
        begun = self.marker(host).with_suffix(".begun")
        wait_for(lambda: begun.exists() and self.leases_of(host), f"{host.name} predicts")

    def leases_of(self, host: Host) -> Sequence[Lease]:
        """What the workers of a host have taken up."""
        leases = self.node.registry.leases()
        return [lease for lease in leases if lease.owner.startswith(f"{host.name}|")]

    def send_all(self, datasets: Sequence[Dataset]) -> int:
        """How many associations it took until the node had acknowledged every image."""
        waiting = {str(each.SOPInstanceUID): each for each in datasets}
        associations = 0

        def all_are_taken() -> bool:
            nonlocal associations
            associations += 1
            for uid in send(PORT, list(waiting.values()), HERE) or ():
                del waiting[uid]
            return not waiting

        wait_for(all_are_taken, "every image is acknowledged")
        return associations

    def wait_for_state(self, uid: str, state: SeriesState) -> None:
        """Until the series is there."""
        wait_for(lambda: self.node.registry.series(uid).state is state, f"the series is {state}")

    def delivered(self, uid: str) -> set[str]:
        """The UIDs of the series' results, once every archive has them."""
        self.wait_for_state(uid, SeriesState.DELIVERED)
        return {each.sop_instance_uid for each in self.node.registry.series(uid).results}

    def begun_by(self, uid: str) -> int:
        """How often an analysis of the series was begun."""
        events = self.node.registry.series(uid).events
        return sum(event.name == "analysis_started" for event in events)


@contextmanager
def site(folder: Path, *names: str) -> Iterator[Site]:
    """Hosts of these names and what they share; nothing of the node runs on them yet."""
    haproxy = require("haproxy", package="haproxy")
    with ExitStack() as running:
        machines = running.enter_context(hosts(*names))
        new_database = running.enter_context(postgres_server(HERE))
        redis = RedisServer(folder, address=HERE)
        redis.start()
        running.callback(redis.kill)
        archive = CommittingPacs(address=HERE)
        running.callback(archive.close)
        settings = _settings(folder, redis.url, new_database(), archive.port)
        _write(settings, folder)
        running.enter_context(_balancer(haproxy, machines, folder))
        node = running.enter_context(Node(settings))
        yield Site(folder, settings, node, archive, machines)


def _settings(folder: Path, redis_url: str, database_url: str, port: int) -> Settings:
    return bench_settings(
        folder / "data",
        redis_url=redis_url,
        database_url=database_url,
        jobs=_JOBS,
        destinations=(Destination(name="pacs", ae_title="PACS", host=HERE, port=port),),
    )


def _write(settings: Settings, folder: Path) -> None:
    """The settings for the workers, and what of them the listeners need."""
    (folder / "settings.json").write_text(settings.model_dump_json())
    (folder / "node.toml").write_text(
        f'data_dir = "{settings.data_dir}"\ndatabase_url = "{settings.database_url}"\n'
        f'[spool]\nmin_free_gib = 0.0\n[scp]\nhost = "0.0.0.0"\nport = {PORT}\n'
    )


@contextmanager
def _balancer(haproxy: str, machines: Sequence[Host], folder: Path) -> Iterator[None]:
    """HAProxy with the shipped settings, before these hosts."""
    text = (ROOT / "deploy" / "haproxy.cfg").read_text()
    text = text.replace("bind :", f"bind {HERE}:")
    for number, host in enumerate(machines, 1):
        text = text.replace(f" listener-{number}:", f" {host.address}:")
    config = folder / "haproxy.cfg"
    config.write_text(text)
    with (folder / "haproxy.log").open("ab") as log:
        process = subprocess.Popen([haproxy, "-db", "-f", str(config)], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def on_a_site(folder: Path, names: Sequence[str], work: Callable[[Site], None]) -> None:
    """``work`` is done with a site in a network of its own."""

    def inside() -> None:
        with site(folder, *names) as made:
            work(made)

    in_a_network_of_its_own(inside)
