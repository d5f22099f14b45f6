"""Canaries in the registry: one at a time, and owed to nobody."""

from datetime import UTC, datetime, timedelta

from node.ports import CanaryRun, SeriesState
from node.registry import Registry
from tests.support import registered as r

NOW = datetime.now(UTC)


def run(series: str = r.SERIES, at: datetime = NOW) -> CanaryRun:
    return CanaryRun("1.2", series, at)


def test_one_canary_is_under_way_at_most(registry: Registry) -> None:
    """Whoever begins second learns so, also where another began not long ago."""
    assert registry.begin_canary(run())
    assert not registry.begin_canary(run("1.2.9"))
    assert registry.canary_under_way() == run()
    registry.end_canary(r.SERIES, good=False, found="it went wrong")
    assert registry.canary_under_way() is None
    assert not registry.begin_canary(run("1.2.9"), unless_since=NOW - timedelta(hours=1))
    assert registry.begin_canary(run("1.2.9", NOW + timedelta(1)), unless_since=NOW)
    last, first = registry.canaries(5)
    assert (last.good, first.good, first.found) == (None, False, "it went wrong")


def test_nothing_of_a_canary_is_owed_to_anybody(registry: Registry) -> None:
    """Neither by its analysis nor by the sweep, nor when a person asks for it to be sent."""
    assert registry.begin_canary(run())
    r.ready(registry)
    assert registry.series(r.SERIES).state is SeriesState.READY
    assert registry.unowed({"colour", "segmentation"}) == []
    assert registry.owe(r.SERIES, {"pacs": ["colour", "segmentation"]}, now=NOW) == 0
    assert registry.series(r.SERIES).deliveries == ()


def test_a_canary_that_ended_leaves_nothing_but_its_verdict(registry: Registry) -> None:
    """Its files are named until they are gone; other series are never among them."""
    r.receive(registry)
    assert registry.left_of_canaries() == []
    registry.forget_series_of_canary(r.SERIES)
    assert registry.begin_canary(run())
    assert registry.left_of_canaries() == []
    registry.end_canary(r.SERIES, good=True, found="all well")
    ((uid, paths),) = registry.left_of_canaries()
    assert (uid, len(paths)) == (r.SERIES, 1)
    registry.forget_series_of_canary(uid)
    assert registry.left_of_canaries() == []
    assert [each.found for each in registry.canaries(1)] == ["all well"]
