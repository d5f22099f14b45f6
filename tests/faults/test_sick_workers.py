"""Workers that fall ill: what they had and what others sent still comes to its end."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import TimeoutExpired

import pytest

from node.jobs.worker import STALLED_EXIT
from node.ports import Event, SeriesState
from node.settings import JobsSettings
from tests.support.bench_node import receive_series
from tests.support.ctp import CtpSpec
from tests.support.running_node import wait_for
from tests.support.worker_bench import Bench, worker_bench

POISONED_SLICES = 6
PATIENCE_S = 240.0
QUICK = JobsSettings(
    sweep_s=0.1, lease_s=3600.0, retry_first_s=0.2, retry_longest_s=1.0, unheard_s=3.0
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with worker_bench(tmp_path, jobs=QUICK) as running:
        yield running


def work_until(bench: Bench, uid: str, *states: SeriesState) -> int:
    """Workers one after another, as a supervisor starts them; how many ended by themselves."""
    worker, ended = bench.start_worker(), 0

    def over() -> bool:
        nonlocal worker, ended
        with suppress(TimeoutExpired):
            worker.wait(0.2)
            ended += 1
            worker = bench.start_worker()
        return bench.state(uid) in states

    wait_for(over, f"the series is {states}", PATIENCE_S)
    return ended


def _begun(event: Event) -> bool:
    return event.name == "analysis_started"


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("killed", "worker_lost"),
        ("ended", "worker_lost"),
        ("memory", "inference"),
        ("device", "inference"),
    ],
    ids=["killed for its memory", "ended by a library", "out of memory", "GPU lost"],
)
def test_a_series_that_breaks_its_worker_takes_no_other_along(
    bench: Bench, how: str, code: str
) -> None:
    """It fails after its tries, with its reason; one that came after it is delivered."""
    poisoned = receive_series(bench.node, CtpSpec(slices=POISONED_SLICES, seed=1))
    late = receive_series(bench.node, CtpSpec(seed=2))
    bench.marker.with_suffix(".poison").write_text(f"{POISONED_SLICES} {how}")
    ended = work_until(bench, poisoned, SeriesState.FAILED)
    work_until(bench, late, SeriesState.DELIVERED)
    bench.wait_until(SeriesState.DELIVERED)
    assert ended >= bench.settings.jobs.max_attempts - 1
    reason = bench.node.registry.series(poisoned).reason
    assert reason is not None
    assert reason.code == code
    for uid in (bench.uid, late):
        tries = {event.detail for event in bench.node.registry.series(uid).events if _begun(event)}
        assert tries == {"try 1"}


def test_a_worker_that_takes_up_no_work_ends_and_the_next_one_does(bench: Bench) -> None:
    """Alive, idle, and deaf for its wake-ups: it is told by that, and replaced."""
    deaf = bench.marker.with_suffix(".deaf")
    deaf.touch()
    worker = bench.start_worker()
    assert worker.wait(120) == STALLED_EXIT
    assert "worker_takes_no_work" in (bench.folder / "worker.log").read_text()
    assert bench.state() is SeriesState.READY
    deaf.unlink()
    bench.start_worker()
    bench.wait_until(SeriesState.DELIVERED)
    assert set(bench.archive.received.values()) == {1}
