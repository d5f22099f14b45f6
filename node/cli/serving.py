"""``up`` and its parts: listener, workers, status page."""

import signal
import threading
from typing import Annotated

import typer

from node import log
from node.cli.options import ConfigOption, settings_from
from node.cli.supervisor import Supervisor, end_with_parent, on_signals
from node.jobs import run_worker, start_embedded_redis
from node.status import serve
from node.wiring import Node

_UntilStdinCloses = Annotated[bool, typer.Option("--until-stdin-closes", hidden=True)]


def up(config: ConfigOption = None) -> None:
    """Run the whole node on this machine: listener, workers, status page; Ctrl-C ends all.

    Redis is embedded unless redis_url is set; the registry is SQLite below data_dir unless
    database_url is set. A part that dies is started again.
    """
    settings = settings_from(config)
    node = Node(settings)
    node.registry  # noqa: B018 - migrates the database once, before several parts open it
    node.close()
    redis_url, stop_redis = settings.redis_url, None
    if not redis_url:
        redis_url, stop_redis = start_embedded_redis(settings.data_dir)
    environment = {"PERFUSION_NODE_REDIS_URL": redis_url}
    if config:
        environment["PERFUSION_NODE_CONFIG"] = str(config.resolve())
    supervisor = Supervisor(
        {
            "scp": ["scp"],
            "analyse": ["worker", "--queues", "analyse"],
            "deliver": ["worker", "--queues", "deliver"],
            "status": ["status"],
        },
        environment,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.stop())
    log.get("cli").info(
        "node_started",
        ae_title=settings.scp.ae_title,
        dicom=f"{settings.scp.host}:{settings.scp.port}",
        status=f"http://{settings.status.host}:{settings.status.port}/",
        data_dir=str(settings.data_dir.resolve()),
    )
    try:
        supervisor.run()
    finally:
        if stop_redis:
            stop_redis()
    log.get("cli").info("node_ended")


def scp(config: ConfigOption = None, until_stdin_closes: _UntilStdinCloses = False) -> None:
    """Run the DICOM listener alone: C-ECHO and C-STORE into spool and registry."""
    settings = settings_from(config)
    stop = threading.Event()
    on_signals(stop)
    if until_stdin_closes:
        end_with_parent()
    node = Node(settings)
    listener = node.listener()
    listener.start()
    stop.wait()
    listener.stop()
    node.close()


def worker(
    config: ConfigOption = None,
    queues: Annotated[
        str, typer.Option(help="What it does: analyse, deliver, or both with a comma.")
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
    settings = settings_from(config)
    if until_stdin_closes:
        end_with_parent()
    run_worker(settings, wanted)


def status(config: ConfigOption = None, until_stdin_closes: _UntilStdinCloses = False) -> None:
    """Run the status page and its API alone."""
    settings = settings_from(config)
    if until_stdin_closes:
        end_with_parent()
    node = Node(settings)
    serve(node.status_app(), settings.status.host, settings.status.port)
    node.close()
