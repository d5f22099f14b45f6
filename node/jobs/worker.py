"""A worker process: it sweeps, waits for wake-ups, and does one step at a time."""

import os
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial

from node import log
from node.audit import running
from node.jobs.alerting import Watch
from node.jobs.app import add_tasks, make_app
from node.jobs.canary import Patrol
from node.jobs.presence import Presence
from node.jobs.queue import WakeQueue
from node.jobs.retention import Retention
from node.jobs.steps import Steps
from node.jobs.sweep import Sweeper
from node.jobs.vigil import Vigil
from node.ports import Lease
from node.settings import Settings
from node.wiring import Node

STALLED_EXIT = 75
"""Exit status of a worker that was stuck or broken (EX_TEMPFAIL of sysexits.h)."""

_LOG = log.get("jobs")


def run_worker(settings: Settings, queues: Sequence[str], *, node: Node | None = None) -> None:
    """Work until SIGTERM or SIGINT, which let the step in hand end first.

    Parameters
    ----------
    settings
        Of which ``redis_url`` must be set.
    queues
        ``analyse``, ``deliver`` or both; who delivers also asks for storage commitment.
    node
        What the steps are done with; made from the settings where omitted.

    Raises
    ------
    SettingsError
        If there is no ``redis_url``.
    ModelError
        If it is to analyse and the model is damaged or missing.
    RegistryUnavailableError
        If the database does not answer.
    """
    served = [*queues, *(["commit"] if "deliver" in queues else [])]
    with node or Node(settings) as works:
        app = make_app(settings)
        queue = WakeQueue(app, works.redis_client())
        vigil = Vigil(queue, served, settings.jobs.unheard_s, partial(os._exit, STALLED_EXIT))
        steps = Steps(works, on_stalled=_end_stalled, on_broken=_end_this_process)
        add_tasks(app, steps, queue, vigil)
        device = ""
        if "analyse" in queues:
            device = works.model.provider  # loaded now, not when the first patient waits
        retention = None
        if "deliver" in queues:  # what is delivered may go; the others have no time for it
            retention = Retention(works.registry, works.spool, settings.retention)
        sweeper = Sweeper(works.registry, queue, works.spool, settings, retention, vigil)
        trail = running(works.trail, f"worker of {', '.join(queues)}")
        patrol = Patrol(works) if "deliver" in queues else nullcontext()
        watch = Watch(works) if "deliver" in queues else nullcontext()
        with trail, sweeper, patrol, watch, Presence(works.registry, served, device):
            _LOG.info("worker_started", queues=served, pid=os.getpid())
            app.Worker(
                queues=served,
                pool="solo",
                concurrency=1,
                loglevel="WARNING",
                quiet=True,
                without_gossip=True,
                without_mingle=True,
                without_heartbeat=True,
            ).start()
        steps.close()
        _LOG.info("worker_ended", queues=served, pid=os.getpid())


def _end_stalled(lease: Lease) -> None:
    _end_this_process(lease.series_instance_uid)


def _end_this_process(series_instance_uid: str) -> None:
    """The supervisor starts afresh.

    A step that hangs in a driver cannot be interrupted, and a device that was lost stays lost for
    the process that had it.
    """
    try:
        _LOG.error("worker_gave_up", series_instance_uid=series_instance_uid)
    finally:  # there may be no memory even for the words
        os._exit(STALLED_EXIT)
