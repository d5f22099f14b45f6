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
from tests.support.bench_node import BenchNode, bench_settings, complete_series
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
