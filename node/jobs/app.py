"""The Celery application: three queues of wake-ups, nothing that could be lost with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery
from kombu.entity import Exchange, Queue

from node import log
from node.errors import (
    QueueUnavailableError,
    RegistryUnavailableError,
    SettingsError,
)
from node.jobs.queue import WakeQueue
from node.jobs.steps import Steps
from node.jobs.vigil import Vigil
from node.ports import SeriesState, Wake
from node.settings import Settings

VISIBILITY_S = 15 * 60
"""Unacknowledged messages come back after this [s]: above any step, see LeaseTiming."""

_LOG = log.get("jobs")
_LEFT_TO_THE_SWEEP = (RegistryUnavailableError, QueueUnavailableError)
_SOCKET = {
    "visibility_timeout": VISIBILITY_S,
    "socket_timeout": 5.0,
    "socket_connect_timeout": 2.0,
    "socket_keepalive": True,
    "health_check_interval": 30,
    "retry_on_timeout": False,
}


def make_app(settings: Settings) -> Celery:
    """A Celery application on the settings' Redis; it can publish, see :func:`add_tasks`.

    Raises
    ------
    SettingsError
        If there is no ``redis_url``.
    """
    if not settings.redis_url:
        raise SettingsError("redis_url is not set: workers find their work through Redis")
    app = Celery("node", broker=settings.redis_url, set_as_current=False)
    app.conf.update(_configuration())
    return app


def add_tasks(app: Celery, steps: Steps, queue: WakeQueue, vigil: Vigil) -> None:
    """Give the application its tasks; each only wakes a step, which asks the registry."""

    def analysed() -> bool:
        """Whether a series was taken: whichever comes first, as the registry says."""
        for uid in steps.most_urgent():
            state = steps.analyse(uid)
            if state in (SeriesState.READY, SeriesState.REFUSED):
                queue.publish(Wake("deliver", uid))
            if state is not None:
                return True
        return False

    def analyse(series_instance_uid: str) -> None:
        # a message about a series that is not due means that it soon will be
        with vigil.working(), _logged("analyse", series_instance_uid):
            if not analysed() and steps.examine_ahead(series_instance_uid, vigil.is_wanted):
                analysed()

    def deliver(series_instance_uid: str) -> None:
        with vigil.working(), _logged("deliver", series_instance_uid):
            steps.deliver(series_instance_uid)

    def commit(series_instance_uid: str) -> None:
        with vigil.working(), _logged("commit", series_instance_uid):
            steps.commit(series_instance_uid)

    for step in (analyse, deliver, commit):
        app.task(step, name=step.__name__, shared=False)


@contextmanager
def _logged(queue: str, series_instance_uid: str) -> Iterator[None]:
    """What a step raises goes to the node's log; Celery's would quote an exception's message."""
    facts = {"queue": queue, "series_instance_uid": series_instance_uid}
    try:
        yield
    except _LEFT_TO_THE_SWEEP as fault:
        _LOG.warning("left_to_the_sweep", **facts, found=str(fault), remedy=fault.remedy)
    except Exception:  # noqa: BLE001 - the process border: the bug is on record in the registry
        _LOG.exception("step_crashed", **facts)


def _queue(name: str) -> Queue:
    """A queue whose messages are taken for good: they are only wake-ups.

    An acknowledgement that finds Redis gone would stay open, and with a prefetch of one the
    worker would never ask for work again. A wake-up that is lost is published again.
    """
    exchange = Exchange(name)  # type: ignore[no-untyped-call]  # kombu has no annotations
    return Queue(name, exchange, routing_key=name, no_ack=True)  # type: ignore[no-untyped-call]


def _configuration() -> dict[str, Any]:
    return {
        "task_queues": [_queue(name) for name in ("analyse", "deliver", "commit")],
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_create_missing_queues": True,
        "worker_prefetch_multiplier": 1,
        "worker_pool": "solo",  # CUDA does not survive a fork
        "worker_concurrency": 1,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_connection_timeout": 2.0,
        "broker_heartbeat": 0,
        "broker_transport_options": _SOCKET,
        "result_backend_transport_options": _SOCKET,
        "visibility_timeout": VISIBILITY_S,
        "task_publish_retry": True,
        "task_publish_retry_policy": {
            "max_retries": 1,
            "interval_start": 0.1,
            "interval_step": 0.1,
            "interval_max": 0.2,
        },
    }
