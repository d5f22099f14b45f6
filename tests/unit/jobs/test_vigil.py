"""A worker is deaf where it is idle and wake-ups lie in its queues; nowhere else."""

import time

from node.errors import QueueUnavailableError
from node.jobs.vigil import Vigil


class Waiting:
    """A queue with so many wake-ups; None where Redis is away."""

    def __init__(self, number: int | None) -> None:
        self.number = number

    def waiting(self, _: str) -> int:
        if self.number is None:
            raise QueueUnavailableError("Redis does not answer")
        return self.number


def told(vigil: Vigil, deaf: list[bool]) -> bool:
    """Whether a second look, some time after the first, tells that the worker is deaf."""
    vigil.look()
    time.sleep(0.02)
    vigil.look()
    return bool(deaf)


def kept(number: int | None) -> tuple[Vigil, list[bool]]:
    deaf: list[bool] = []
    return Vigil(Waiting(number), ["analyse"], 0.01, lambda: deaf.append(True)), deaf


def test_an_idle_worker_that_leaves_wake_ups_lying_is_deaf() -> None:
    """Longer than it may be: that is told."""
    assert told(*kept(1))


def test_without_work_nobody_is_deaf() -> None:
    """An empty queue, or a Redis that is away, is not the worker's fault."""
    assert not told(*kept(0))
    assert not told(*kept(None))


def test_a_worker_that_works_is_not_deaf() -> None:
    """However long the step takes, and though others wait behind it."""
    vigil, deaf = kept(5)
    with vigil.working():
        assert not told(vigil, deaf)


def test_a_worker_that_took_something_meanwhile_is_not_deaf() -> None:
    """Between two looks it did a short step: the time begins anew."""
    vigil, deaf = kept(5)
    vigil.look()
    time.sleep(0.02)
    with vigil.working():
        pass
    vigil.look()
    assert not deaf
