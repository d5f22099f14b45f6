"""What each step of the queue costs with so many series in the registry: time, query by query.

A part of ``make bench-many``. Series go their whole way, from the first image to being forgotten,
through the calls that listener, sweep and workers make; each call is timed.
"""

import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from node.ports import (
    CommitmentReply,
    CommitmentRequest,
    Ended,
    Part,
    SeriesQuery,
    SeriesState,
    Wake,
)
from node.registry import Registry, open_registry
from tests.support import full_registry
from tests.support import registered as r

IMAGES, OBJECTS = 20, 9
LOOKS = (Part.SOURCES, Part.RESULTS)
_UNDER_WAY = (SeriesState.RECEIVING, SeriesState.COMPLETE, SeriesState.READY)

Costs = dict[str, dict[str, float]]
"""Median and least time, and median of the processor time [ms] of each call, by its name."""


class _Timed:
    """A registry whose every call is timed."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.took_ms: dict[str, list[float]] = defaultdict(list)
        self.worked_ms: dict[str, list[float]] = defaultdict(list)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._registry, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            return self.note(name, lambda: call(*args, **kwargs))

        return timed

    def note(self, name: str, call: Callable[[], Any]) -> Any:
        """What a call answers; its time and this thread's processor time are noted."""
        began, worked = time.perf_counter(), time.thread_time()
        answer = call()
        self.took_ms[name].append(1000 * (time.perf_counter() - began))
        self.worked_ms[name].append(1000 * (time.thread_time() - worked))
        return answer


def costs(url: str, folder: Path, count: int, lives: int) -> Costs:
    """What each call costs with so many ended series, and opening the registry anew.

    Parameters
    ----------
    url, folder
        An empty database, and its ``data_dir``.
    count
        Series that have ended.
    lives
        Series that go the whole way meanwhile.
    """
    registry = open_registry(url, folder)
    full_registry.fill(registry, count, datetime.now(UTC))
    registry.close()
    timed = _Timed(registry)
    for _ in range(3):
        timed.note("open_registry", lambda: open_registry(url, folder)).close()
    registry = open_registry(url, folder)
    timed._registry = registry
    _life(_Timed(registry), "1.1.0")  # warms caches, and is not counted
    for number in range(1, lives + 1):
        _life(timed, f"1.1.{number}")
    registry.close()
    return {
        name: {
            "median_ms": round(statistics.median(took_ms), 3),
            "least_ms": round(min(took_ms), 3),
            "processor_ms": round(statistics.median(timed.worked_ms[name]), 3),
        }
        for name, took_ms in timed.took_ms.items()
    }


def _life(registry: Any, uid: str) -> None:
    """One series from its first image until it is forgotten."""
    for number in range(IMAGES):
        header = r.header(number, uid, study=f"{uid}.0")
        kept = r.kept(f"{uid}.{number}")
        registry.record(header, kept, calling_ae_title="CT1", ignored=False)
    _sweep(registry)
    seen = next(s for s in registry.receiving() if s.series_instance_uid == uid)
    registry.looked(seen, content_complete=True, missing="", volume=None)
    seen = next(s for s in registry.receiving() if s.series_instance_uid == uid)
    assert registry.complete(seen, now=r.now(), note="whole")
    _sweep(registry)
    _analysed(registry, uid)
    _sweep(registry)
    _delivered(registry, uid)
    _sweep(registry)
    _committed(registry, uid)
    _forgotten(registry, uid)


def _sweep(registry: Any) -> None:
    """What every worker asks at each sweep, and the look at what may be deleted and told."""
    registry.receiving()
    registry.scan_parts()
    registry.leases()
    registry.unowed({"colour"})
    registry.due(r.now())
    registry.expiring()
    long_ago = r.now() - timedelta(days=full_registry.DAYS + 1)
    for part in LOOKS:
        for ended in Ended:
            registry.expirable(part, ended, long_ago, 10)
    registry.find(SeriesQuery(states=_UNDER_WAY, limit=200))


def _analysed(registry: Any, uid: str) -> None:
    assert registry.most_urgent(r.now()) == [uid]
    lease = registry.lease(Wake("analyse", uid), "a", now=r.now(), until=r.now(60))
    registry.instances(uid)
    registry.holds(lease)
    assert registry.extend(lease, r.now(90))
    made = r.outcome(objects=OBJECTS)
    salt = random.Random(uid).getrandbits(64)
    results = tuple(
        _renamed(result, f"2.25.{salt}.{number}") for number, result in enumerate(made.results)
    )
    made = type(made)(**{**vars(made), "results": results})
    registry.finish(lease, made, destinations={"pacs": ("colour",)}, now=r.now())


def _renamed(result: Any, uid: str) -> Any:
    return type(result)(**{**vars(result), "sop_instance_uid": uid})


def _delivered(registry: Any, uid: str) -> None:
    lease = registry.lease(Wake("deliver", uid), "b", now=r.now(), until=r.now(60))
    registry.owe(uid, {"pacs": ("colour",)}, now=r.now())
    for due in registry.deliveries_due(lease, r.now()):
        registry.delivered(lease, r.stored(due), now=r.now())
        registry.holds(lease)
    registry.settle(lease, committing=("pacs",), now=r.now())


def _committed(registry: Any, uid: str) -> None:
    lease = registry.lease(Wake("commit", uid), "c", now=r.now(), until=r.now(60))
    due = registry.commitments_due(lease, r.now())
    name = f"{uid}.7"
    objects = tuple(each.reference for each in due)
    registry.request_commitment(lease, CommitmentRequest(name, "pacs", objects), now=r.now())
    registry.commitment_asked(lease, name, now=r.now(), until=r.now(60))
    confirmed = frozenset(each.reference.sop_instance_uid for each in due)
    registry.replied(CommitmentReply(name, confirmed, {}), now=r.now())
    registry.settle_commitments(lease, now=r.now())
    assert registry.series(uid).state is SeriesState.CONFIRMED


def _forgotten(registry: Any, uid: str) -> None:
    assert registry.begin_expiry(uid, LOOKS, "a benchmark")
    registry.expiring()
    registry.end_expiry(uid)
    assert registry.forget(r.now(), 10) == 1
