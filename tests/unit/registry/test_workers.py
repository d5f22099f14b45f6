"""Who works, what the destinations took, and the curves: what the page shows besides series."""

from dataclasses import replace

from node.ports import Curve, DeliveryState, GpuVitals, WorkerRecord
from node.registry import Registry
from tests.support import registered as r

NAME = "gpu1|boot|214|99"


def worker(name: str = NAME, seen_s: float = 0.0) -> WorkerRecord:
    gpus = (GpuVitals("H200", 0.5, 1 << 30, 80 << 30), GpuVitals("MIG", None, 0, 1 << 30))
    began, seen = r.now(-3600), r.now(seen_s)
    return WorkerRecord(name, ("analyse",), "CUDA", "0.1.0", began, seen, gpus=gpus)


def test_a_worker_is_shown_with_what_it_has_in_hand(registry: Registry) -> None:
    """The lease is its own where the owner's name begins with its name."""
    registry.report(worker())
    registry.report(worker("gpu2|boot|7|1"))
    r.complete(registry)
    r.lease(registry, owner=f"{NAME}|12")
    first, second = registry.workers()
    assert (first.host, first.pid, second.host) == ("gpu1", "214", "gpu2")
    assert first.lease is not None
    assert first.lease.series_instance_uid == r.SERIES
    assert second.lease is None
    assert first.gpus == worker().gpus


def test_a_worker_that_reports_again_is_the_same(registry: Registry) -> None:
    """One line a process; it goes when the worker ends, or was silent for a day."""
    registry.report(worker(seen_s=-30))
    later = worker()
    registry.report(later)
    assert [each.seen_at for each in registry.workers()] == [later.seen_at]
    registry.report(replace(worker("gone|boot|1|1"), seen_at=r.now(-90_000)))
    registry.report(worker())
    assert [each.name for each in registry.workers()] == [NAME]
    registry.leave(NAME)
    assert registry.workers() == []


def test_a_destination_stands_by_what_it_stored_last(registry: Registry) -> None:
    """Objects that wait are counted; a name that was never sent anything has nothing."""
    r.ready(registry)
    pacs, other = registry.standing(["pacs", "other"])
    assert (pacs.stored_last_at, pacs.pending) == (None, 2)
    assert (other.stored_last_at, other.pending) == (None, 0)
    before = r.now()
    r.answer_all(registry, DeliveryState.WARNING, 0xB000)
    (pacs,) = registry.standing(["pacs"])
    assert pacs.pending == 0
    assert pacs.stored_last_at is not None
    assert pacs.stored_last_at >= before


def test_the_curves_of_an_analysis_are_kept_with_it(registry: Registry) -> None:
    """They read back as they were; those of the next analysis take their place."""
    artery = Curve("artery", "HU", (0.0, 1.5), (0.0, 212.25))
    r.complete(registry)
    made = replace(r.outcome(), curves=(artery, Curve("left_out", "", (4.0,))))
    registry.finish(r.lease(registry), made, destinations=r.WANTED, now=r.now())
    assert registry.series(r.SERIES).curves == made.curves
    r.answer_all(registry)
    registry.analyse_again(r.SERIES)
    r.finish(registry)
    assert registry.series(r.SERIES).curves == ()
