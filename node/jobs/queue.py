"""The wake-ups in Redis: put there, and counted."""

import redis
from celery import Celery
from kombu.exceptions import OperationalError

from node.errors import QueueUnavailableError
from node.ports import Wake

LATELY_S = 60
"""How long it is remembered what was published once [s]."""


class WakeQueue:
    """The queues ``analyse``, ``deliver`` and ``commit``, as the rest of the jobs see them.

    Parameters
    ----------
    app
        Publishes.
    client
        Counts.
    """

    def __init__(self, app: Celery, client: redis.Redis) -> None:
        self._app = app
        self._client = client

    def publish(self, wake: Wake) -> None:
        """Put a wake-up into its queue.

        Raises
        ------
        QueueUnavailableError
            If Redis does not answer within a few seconds; the sweep will publish it again.
        """
        try:
            self._app.send_task(wake.queue, args=(wake.series_instance_uid,), queue=wake.queue)
        except (OperationalError, OSError, redis.RedisError) as fault:
            raise _unavailable(fault) from fault

    def publish_once(self, wake: Wake, about: str) -> None:
        """Put a wake-up into its queue, unless any worker has done so about this lately.

        Raises
        ------
        QueueUnavailableError
            If Redis does not answer.
        """
        try:
            first = self._client.set(f"once {wake.queue} {about}", 1, nx=True, ex=LATELY_S)
        except (OSError, redis.RedisError) as fault:
            raise _unavailable(fault) from fault
        if first:
            self.publish(wake)

    def waiting(self, queue: str) -> int:
        """How many wake-ups wait in a queue.

        Raises
        ------
        QueueUnavailableError
            If Redis does not answer.
        """
        try:
            return int(self._client.llen(queue))
        except (OSError, redis.RedisError) as fault:
            raise _unavailable(fault) from fault


def _unavailable(fault: Exception) -> QueueUnavailableError:
    return QueueUnavailableError(f"Redis does not answer: {type(fault).__name__}")
