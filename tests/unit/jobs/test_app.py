"""What the tasks make of what a step raises."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from node import log
from node.jobs.app import add_tasks, make_app
from node.jobs.queue import WakeQueue
from node.jobs.steps import Steps
from node.jobs.vigil import Vigil
from node.ports import SeriesState, Wake
from tests.support.bench_node import BenchNode, bench_settings, complete_series
from tests.support.ctp import CtpSpec
from tests.support.fake_model import FakeModel


@pytest.fixture(autouse=True)
def defaults_again() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_a_crashed_step_is_logged_without_what_it_quotes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug ends its task, not the worker; where it arose is told, its words are not."""
    settings = bench_settings(tmp_path, 1, redis_url="redis://127.0.0.1:1/0")
    bug = ZeroDivisionError("Doe^Jane")
    with BenchNode(settings, FakeModel(bug)) as node:
        app = make_app(settings)
        queue = WakeQueue(app, node.redis_client())
        add_tasks(app, Steps(node), queue, Vigil(queue, ["analyse"], 60.0, lambda: None))
        uid = complete_series(node)
        log.configure(json=True)
        app.tasks["analyse"](uid)
        said = capsys.readouterr().err
        assert "step_crashed" in said
        assert "ZeroDivisionError" in said
        assert "Doe" not in said
        assert node.registry.series(uid).reason is not None


class NoQueue:
    """Takes every wake-up and keeps it."""

    def __init__(self) -> None:
        self.published: list[Wake] = []

    def publish(self, wake: Wake) -> None:
        self.published.append(wake)

    def waiting(self, queue: str) -> int:
        return 0


def test_whichever_series_a_message_names_the_most_urgent_is_analysed(tmp_path: Path) -> None:
    """The registry is the truth: a message only says that there is something to do."""
    settings = bench_settings(tmp_path, 1, redis_url="redis://127.0.0.1:1/0")
    with BenchNode(settings, FakeModel()) as node:
        app, queue = make_app(settings), NoQueue()
        add_tasks(app, Steps(node), queue, Vigil(queue, ["analyse"], 60.0, lambda: None))
        first = complete_series(node, CtpSpec(slices=2, frames=10, seed=1))
        urgent = complete_series(node, CtpSpec(slices=2, frames=10, seed=2))
        node.registry.prioritise(urgent)
        app.tasks["analyse"](first)
        assert node.registry.series(first).state is SeriesState.COMPLETE
        assert queue.published == [Wake("deliver", urgent)]
        app.tasks["analyse"](urgent)
        assert queue.published[1:] == [Wake("deliver", first)]
        app.tasks["analyse"](first)
        assert len(queue.published) == 2
