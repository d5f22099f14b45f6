"""Wake-ups through a real Redis, and without one."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.errors import QueueUnavailableError, SettingsError
from node.jobs import make_app
from node.jobs.queue import WakeQueue
from node.ports import Wake
from node.wiring import Node
from tests.support.bench_node import bench_settings
from tests.support.redis_server import RedisServer

FEW_SECONDS = 20.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    redis = RedisServer(tmp_path)
    redis.start()
    yield redis
    redis.kill()


def test_a_wake_up_waits_in_its_queue(server: RedisServer, tmp_path: Path) -> None:
    """What is published can be counted."""
    settings = bench_settings(tmp_path, redis_url=server.url)
    queue = WakeQueue(make_app(settings), Node(settings).redis_client())
    queue.publish(Wake("analyse", "1.2.3"))
    assert (queue.waiting("analyse"), queue.waiting("deliver")) == (1, 0)


def test_what_is_published_once_is_published_by_one_worker(
    server: RedisServer, tmp_path: Path
) -> None:
    """Several sweeps see the same; what is about something else is another matter."""
    settings = bench_settings(tmp_path, redis_url=server.url)
    for _ in range(3):
        queue = WakeQueue(make_app(settings), Node(settings).redis_client())
        queue.publish_once(Wake("analyse", "1.2.3"), "1.2.3 480")
    assert queue.waiting("analyse") == 1
    queue.publish_once(Wake("analyse", "1.2.3"), "1.2.3 481")
    assert queue.waiting("analyse") == 2


def test_without_redis_a_wake_up_fails_soon(server: RedisServer, tmp_path: Path) -> None:
    """Publishing to a Redis that died does not hang for minutes, before or after a success."""
    settings = bench_settings(tmp_path, redis_url=server.url)
    queue = WakeQueue(make_app(settings), Node(settings).redis_client())
    queue.publish(Wake("analyse", "1.2.3"))
    server.kill()
    fresh = WakeQueue(make_app(settings), Node(settings).redis_client())
    for each in (queue, fresh):
        began = time.monotonic()
        with pytest.raises(QueueUnavailableError):
            each.publish(Wake("analyse", "1.2.3"))
        with pytest.raises(QueueUnavailableError):
            each.waiting("analyse")
        assert time.monotonic() - began < FEW_SECONDS
    server.start()
    queue.publish(Wake("analyse", "1.2.3"))
    assert queue.waiting("analyse") == 1


def test_a_worker_needs_a_redis_url(tmp_path: Path) -> None:
    """Without one there is nothing to wait at, and the key is named."""
    with pytest.raises(SettingsError, match="redis_url"):
        make_app(bench_settings(tmp_path))
