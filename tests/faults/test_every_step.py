"""SIGKILL at every step from the socket to the confirmation: nothing lost, nothing twice."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from node.failpoint import Step
from node.ports import CommitmentState, SeriesState
from node.scp import Recovered, Recovery
from node.settings import RetentionSettings, ScpSettings, Settings, SpoolSettings
from node.spool import FileInventory, FileSpool
from node.wiring import Node
from tests.support.committing_pacs import Reply
from tests.support.ctp import CtpSpec, build_series
from tests.support.running_node import free_port, wait_for
from tests.support.scp_process import scp_process, send
from tests.support.worker_bench import Bench, worker_bench

INTAKE = (Step.RECEIVED, Step.DRAFTED, Step.LINKED, Step.KEPT, Step.RECORDED)
# Of several objects the second: one is done, others are to come.
WORK = {
    Step.COMPLETED: 1,
    Step.WOKEN: 1,
    Step.LEASED: 1,
    Step.PREDICTED: 1,
    Step.RESULT_DRAFTED: 2,
    Step.RESULT_KEPT: 2,
    Step.ANALYSED: 1,
    Step.DELIVERY_LEASED: 1,
    Step.ANSWERED: 2,
    Step.DELIVERED: 2,
    Step.SEARCHED: 1,
    Step.SETTLED: 1,
    Step.COMMITMENT_LEASED: 1,
    Step.TRANSACTION_RECORDED: 1,
    Step.ASKED: 1,
    Step.REPORTED: 1,
    Step.REPORT_RECORDED: 1,
    Step.CONFIRMED: 1,
}
# Before anything is due; the worker must live through its start before the grace is over.
AHEAD, GRACE_S = (Step.EXAMINED_AHEAD,), 30.0
EXPIRY = (Step.EXPIRY_BEGUN, Step.FILES_DELETED, Step.EXPIRED)
SERIES = CtpSpec(slices=2, frames=4)
BEFORE = 2


def test_every_step_is_tried() -> None:
    """A step that is added is a step that is killed at."""
    assert {*INTAKE, *AHEAD, *WORK, *EXPIRY} == set(Step)


def received(folder: Path) -> dict[str, Dataset]:
    """What registry and spool have of the series, by instance."""
    with Node(Settings(data_dir=folder / "data")) as node:
        images = node.registry.instances(SERIES.series_instance_uid)
        assert len({i.header.sop_instance_uid for i in images}) == len(images)
        return {i.header.sop_instance_uid: dcmread(i.path) for i in images}


@pytest.mark.parametrize("step", INTAKE)
def test_a_listener_killed_at_any_step_keeps_what_it_acknowledged(
    tmp_path: Path, step: Step
) -> None:
    """Every acknowledged image is there after the crash; sent again, each is there once."""
    port, sent = free_port(), build_series(SERIES)
    with scp_process(tmp_path, port, f"{step} {BEFORE + 1}") as first:
        acknowledged = send(port, sent)
        assert first.wait(60) == -signal.SIGKILL
    assert acknowledged is not None
    assert len(acknowledged) == BEFORE
    assert received(tmp_path).keys() >= set(acknowledged)
    with scp_process(tmp_path, port):
        again = send(port, sent)
    assert again == [str(each.SOPInstanceUID) for each in sent]
    assert received(tmp_path) == {str(each.SOPInstanceUID): each for each in sent}
    with Node(Settings(data_dir=tmp_path / "data")) as node:
        series = node.registry.series(SERIES.series_instance_uid)
        assert (series.instances, series.conflicts) == (len(sent), 0)
        spool: FileSpool = node.spool
        spool.remove_litter()
        assert not list((spool.root / "tmp").iterdir())
        assert len(list((spool.root / "incoming").rglob("*.dcm"))) == len(sent)


@pytest.mark.parametrize("step", [Step.LINKED, Step.KEPT])
def test_an_image_whose_sender_never_comes_again_is_taken_in(tmp_path: Path, step: Step) -> None:
    """A file that no row knows after a crash has its row after the next start."""
    port, sent = free_port(), build_series(SERIES)[: BEFORE + 1]
    with scp_process(tmp_path, port, f"{step} {BEFORE + 1}") as first:
        send(port, sent)
        first.wait(60)
    assert len(received(tmp_path)) == BEFORE
    long_ago = time.time() - 3600.0
    for path in (tmp_path / "data").rglob("*.dcm"):
        os.utime(path, (long_ago, long_ago))
    with scp_process(tmp_path, port):
        wait_for(lambda: len(received(tmp_path)) > BEFORE, "the third image is taken in", 60)
    assert received(tmp_path) == {str(each.SOPInstanceUID): each for each in sent}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with worker_bench(tmp_path, commitment=True) as running:
        yield running


def confirmed_once(bench: Bench, *, sent_twice: int = 0) -> None:
    """CONFIRMED, with every object in the PACS, each under one UID."""
    bench.wait_until(SeriesState.CONFIRMED)
    series = bench.node.registry.series(bench.uid)
    made = Counter(result.sop_instance_uid for result in series.results)
    assert series.revision == 1
    assert max(made.values()) == 1
    assert sum(bench.archive.received.values()) - len(made) == sent_twice
    assert bench.archive.received.keys() == made.keys()
    on_disk = {path.stem for path in (bench.node.spool.root / "results").rglob("*.dcm")}
    assert on_disk == made.keys()
    kept = {d.commitment.state for d in series.deliveries if d.commitment}
    assert kept == {CommitmentState.CONFIRMED}
    assert [event.name for event in series.events].count("confirmed") == 1


@pytest.mark.parametrize("step", WORK)
def test_a_worker_killed_at_any_step_leaves_a_series_that_is_confirmed_once(
    bench: Bench, step: Step
) -> None:
    """The next worker takes it up: every object is in the PACS, none under two UIDs."""
    first = bench.start_worker(f"{step} {WORK[step]}")
    assert first.wait(90) == -signal.SIGKILL
    bench.start_worker()
    # An answer that was lost makes the one object come again, under the same UID.
    confirmed_once(bench, sent_twice=1 if step is Step.ANSWERED else 0)


def test_a_worker_killed_while_it_works_ahead_leaves_a_series_that_is_delivered_once(
    tmp_path: Path,
) -> None:
    """Nobody had it, nothing was recorded: it is complete when its grace is over, as any other."""
    scp = ScpSettings(grace_s=GRACE_S, quiet_s=60.0)
    with worker_bench(tmp_path, commitment=True, scp=scp) as bench:
        first = bench.start_worker(f"{Step.EXAMINED_AHEAD} 1")
        assert first.wait(90) == -signal.SIGKILL
        series = bench.node.registry.series(bench.uid)
        assert (series.state, series.completed_at) == (SeriesState.RECEIVING, None)
        bench.start_worker()
        confirmed_once(bench)
        assert bench.node.registry.series(bench.uid).attempts == 0


@pytest.mark.parametrize("step", [Step.REPORTED, Step.REPORT_RECORDED])
def test_a_listener_killed_at_a_reply_leaves_a_series_that_is_confirmed_once(
    bench: Bench, step: Step
) -> None:
    """A reply that was not recorded is asked for again; one that was needs no second one."""
    port = free_port()
    bench.archive.reply, bench.archive.node_port = Reply.NEW, port
    pacs = (
        '[[destinations]]\nname = "pacs0"\nae_title = "PACS"\ncommitment = true\n'
        f"port = {bench.archive.port}\n"
    )
    with scp_process(bench.folder, port, f"{step} 1", pacs) as first:
        bench.start_worker()
        assert first.wait(90) == -signal.SIGKILL
    asked = len(bench.archive.requests)
    with scp_process(bench.folder, port, settings=pacs):
        confirmed_once(bench)
    assert asked == 1
    assert (len(bench.archive.requests) == 1) == (step is Step.REPORT_RECORDED)


@pytest.mark.parametrize("step", EXPIRY)
def test_a_worker_killed_while_files_are_deleted_leaves_what_the_next_puts_right(
    tmp_path: Path, step: Step
) -> None:
    """A finished series ends EXPIRED without a file; meanwhile no file of it counts as lost."""
    low = SpoolSettings(min_free_gib=0.0, low_free_gib=1e6)
    at_once = RetentionSettings(early_hours=0.0)
    with worker_bench(tmp_path, retention=at_once, spool=low) as bench:
        first = bench.start_worker(f"{step} 1")
        assert first.wait(180) == -signal.SIGKILL
        inventory = FileInventory(bench.node.spool.root)
        compared = Recovery(inventory, bench.node.registry, settled_s=0.0)
        assert compared.look() == Recovered()
        bench.start_worker()
        bench.wait_until(SeriesState.EXPIRED)
        wait_for(lambda: not bench.node.registry.expiring(), "its files are gone", 60)
        assert not list(bench.node.spool.root.rglob("*.dcm"))
        assert bench.node.registry.instances(bench.uid) == []
        assert compared.look() == Recovered()
        series = bench.node.registry.series(bench.uid)
        assert bench.archive.received.keys() == {r.sop_instance_uid for r in series.results}
