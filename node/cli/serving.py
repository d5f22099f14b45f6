"""``up`` and its parts: listener, workers, status page."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from node import log
from node.cli.claim import claimed, in_use, require_free_ports
from node.cli.options import ConfigOption, serving_settings
from node.cli.reloading import Reloader
from node.cli.siblings import name_of, siblings_of
from node.cli.supervisor import Supervisor, end_with_parent, on_signals
from node.pulse import Pulse
from node.settings import Settings
from node.wiring import Node

_UntilStdinCloses = Annotated[bool, typer.Option("--until-stdin-closes", hidden=True)]
_Number = Annotated[int, typer.Option("--number", hidden=True)]
_ROUND_S = 1.0
_PARTS = {
    "scp": ["scp"],
    "analyse": ["worker", "--queues", "analyse"],
    "deliver": ["worker", "--queues", "deliver"],
    "status": ["status"],
}


def up(config: ConfigOption = None, until_stdin_closes: _UntilStdinCloses = False) -> None:
    """Run the whole node on this machine: listener, workers, status page; Ctrl-C ends all.

    Redis is embedded unless redis_url is set; the registry is SQLite below data_dir unless
    database_url is set. A part that dies is started again. Exit code 2 at once where data_dir
    or a port cannot be used, or another node runs on data_dir.
    """
    from node.inference import read_manifest

    settings = serving_settings(config)
    if until_stdin_closes:
        end_with_parent()
    with claimed(settings.data_dir):
        require_free_ports(settings)
        read_manifest(settings.model.file)  # a model that is missing or damaged is told now
        with Node(settings) as node:
            node.doorkeeper()  # migrates the database once, before the parts open it
        with _redis(settings) as redis_url:
            _supervise(settings, config, redis_url)
    log.get("cli").info("node_ended")


@contextmanager
def _redis(settings: Settings) -> Iterator[str]:
    """The URL of the settings' Redis, or of one that runs while the block lasts."""
    if settings.redis_url:
        yield settings.redis_url
        return
    from node.jobs import start_embedded_redis

    url, stop = start_embedded_redis(settings.data_dir)
    try:
        yield url
    finally:
        stop()


def _supervise(settings: Settings, config: Path | None, redis_url: str) -> None:
    environment = {"PERFUSION_NODE_REDIS_URL": redis_url}
    if config:
        environment["PERFUSION_NODE_CONFIG"] = str(config.resolve())
    supervisor = Supervisor(_PARTS, environment)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.stop())
    log.get("cli").info(
        "node_started",
        ae_title=settings.scp.ae_title,
        dicom=f"{settings.scp.host}:{settings.scp.port}",
        status=f"http://{settings.status.host}:{settings.status.port}/",
        data_dir=str(settings.data_dir.resolve()),
    )
    reloader = Reloader(config, settings, lambda _: supervisor.renew("scp"), leaves_picture=True)
    supervisor.run(reloader.look)


def scp(
    config: ConfigOption = None,
    until_stdin_closes: _UntilStdinCloses = False,
    number: _Number = 1,
) -> None:
    """Run the DICOM listener alone: C-ECHO and C-STORE into spool and registry.

    Where scp.processes is over 1, that many processes share the port.
    """
    from node.audit import running
    from node.scp import leave_vitals

    settings = serving_settings(config)
    if not until_stdin_closes:
        require_free_ports(settings, ["scp"])
    stop = threading.Event()
    on_signals(stop)
    if until_stdin_closes:
        end_with_parent()
    with in_use(settings.data_dir), Node(settings) as node:
        listener, siblings = node.listener(), siblings_of(settings, config, number)

        def readmit(new: Settings) -> None:
            listener.readmit(new.scp)
            siblings.reload()

        with running(node.trail, "listener"), _recovering(node, number):
            listener.start()
            pulse = Pulse(name_of(number))
            reloader = Reloader(config, settings, readmit)
            with siblings.running():
                while not stop.wait(_ROUND_S):
                    reloader.look()
                    leave_vitals(listener, settings.data_dir.resolve(), number)
                    if listener.goes_round and siblings.go_round():
                        pulse.beat()
                siblings.stop()
                listener.stop()


@contextmanager
def _recovering(node: Node, number: int) -> Iterator[None]:
    """Spool and registry are brought to agree meanwhile; one of a port's listeners is enough."""
    if number > 1:
        yield
        return
    recovery = node.recovery()
    recovery.start()
    try:
        yield
    finally:
        recovery.stop()


def worker(
    config: ConfigOption = None,
    queues: Annotated[
        str, typer.Option(metavar="QUEUES", help="analyse, deliver, or both with a comma.")
    ] = "analyse,deliver",
    until_stdin_closes: _UntilStdinCloses = False,
) -> None:
    """Run one worker alone: it analyses series and delivers results.

    Needs redis_url (a running Redis). A GPU takes one analyse worker; deliver workers wait
    for the network and need none.
    """
    wanted = [name.strip() for name in queues.split(",") if name.strip()]
    if not wanted or set(wanted) - {"analyse", "deliver"}:
        raise typer.BadParameter(f"{queues!r}: name analyse, deliver, or both")
    settings = serving_settings(config)
    if until_stdin_closes:
        end_with_parent()
    from node.jobs import run_worker

    with in_use(settings.data_dir):
        run_worker(settings, wanted)


def status(config: ConfigOption = None, until_stdin_closes: _UntilStdinCloses = False) -> None:
    """Run the status page and its API alone."""
    settings = serving_settings(config)
    if until_stdin_closes:
        end_with_parent()
    from node.audit import running
    from node.status import serve
    from node.tls import page_acceptor

    with in_use(settings.data_dir), Node(settings) as node, running(node.trail, "status page"):
        page = settings.status
        serve(node.status_app(), page.host, page.port, tls=page_acceptor(page.tls))
