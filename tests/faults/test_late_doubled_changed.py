"""What comes after a study was delivered: late, again, or with other bytes; in real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset

from node.ports import SeriesState
from node.wiring import Node
from tests.support.ctp import CtpSpec, build_series
from tests.support.listening import push
from tests.support.running_node import free_port, wait_for
from tests.support.scp_process import scp_process
from tests.support.worker_bench import Bench, worker_bench

SERIES = CtpSpec()
LATE = build_series(CtpSpec(frames=13))[-1]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A delivered series."""
    with worker_bench(tmp_path) as running:
        running.start_worker()
        running.wait_until(SeriesState.DELIVERED)
        yield running


def send(bench: Bench, datasets: list[Dataset]) -> None:
    """To a real listener on the same folder; each is acknowledged."""
    port = free_port()
    with scp_process(bench.folder, port):
        assert set(push(port, datasets)) == {0x0000}


def facts(node: Node, uid: str) -> tuple[object, ...]:
    """What must not change."""
    series = node.registry.series(uid)
    results = [result.sop_instance_uid for result in series.results]
    return series.state, series.revision, series.instances, results, series.delivered_at


def test_the_same_study_sent_twice_is_one_result(bench: Bench) -> None:
    """Every image is acknowledged, and nothing is analysed or sent again."""
    before, sent = facts(bench.node, bench.uid), dict(bench.archive.received)
    send(bench, build_series(SERIES))
    assert facts(bench.node, bench.uid) == before
    assert bench.archive.received == sent


def test_other_bytes_after_the_delivery_are_kept_apart_and_shown(bench: Bench) -> None:
    """The first wins: no second result; the series says that something else came."""
    before, sent = facts(bench.node, bench.uid), dict(bench.archive.received)
    other = build_series(SERIES)[0]
    other.PixelData = bytes(len(other.PixelData))
    send(bench, [other])
    assert facts(bench.node, bench.uid) == before
    assert bench.archive.received == sent
    series = bench.node.registry.series(bench.uid)
    assert series.conflicts == 1
    assert series.events[-1].detail == f"SOP instance {other.SOPInstanceUID}"
    assert len(list((bench.node.spool.root / "apart").rglob("*.dcm"))) == 1


def test_a_late_image_makes_a_second_result_that_supersedes(bench: Bench) -> None:
    """The next revision is analysed with all images and delivered under UIDs of its own."""
    first = set(bench.archive.received)
    send(bench, [LATE])
    wait_for(lambda: revision_delivered(bench) == 2, "the second revision is delivered", 120)
    series = bench.node.registry.series(bench.uid)
    assert series.instances == len(build_series(SERIES)) + 1
    second = {r.sop_instance_uid for r in series.results if r.revision == 2}
    assert second.isdisjoint(first)
    assert set(bench.archive.received) == first | second
    assert max(bench.archive.received.values()) == 1
    assert "revision 2 will supersede" in " ".join(event.detail for event in series.events)


def revision_delivered(bench: Bench) -> int:
    """Which revision is delivered; 0 while one is under way."""
    series = bench.node.registry.series(bench.uid)
    return series.revision if series.state is SeriesState.DELIVERED else 0
