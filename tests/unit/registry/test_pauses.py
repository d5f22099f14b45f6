"""What a person has paused stays paused, and every process obeys."""

from pathlib import Path

from node.ports import Activity, SeriesState, Wake
from node.registry import Registry, open_registry
from tests.support import registered as r
from tests.support.registered import SERIES


def test_a_pause_says_who_and_since_when(registry: Registry) -> None:
    """The first who pauses an activity is named; asking twice changes nothing."""
    before = r.now()
    registry.pause(Activity.DELIVERING, "anna")
    registry.pause(Activity.RECEIVING, "bert")
    again = registry.pause(Activity.DELIVERING, "carl")
    assert (again.by, again.activity) == ("anna", Activity.DELIVERING)
    assert before <= again.since <= r.now()
    assert [each.activity for each in registry.pauses()] == [
        Activity.RECEIVING,
        Activity.DELIVERING,
    ]
    assert registry.resume(Activity.DELIVERING)
    assert registry.resume(Activity.RECEIVING)
    assert not registry.resume(Activity.RECEIVING)
    assert registry.pauses() == []


def test_a_pause_outlives_every_process(tmp_path: Path) -> None:
    """It is in the registry: a node that starts again is still paused."""
    url = f"sqlite:///{tmp_path}/registry.sqlite"
    first = open_registry(url, r.DATA_DIR)
    first.pause(Activity.ANALYSING, "anna")
    first.close()
    second = open_registry(url, r.DATA_DIR)
    assert [each.by for each in second.pauses()] == ["anna"]
    second.close()


def test_nothing_is_analysed_while_that_is_paused(registry: Registry) -> None:
    """Neither is it due, nor does a wake-up that was sent before get a lease."""
    r.complete(registry)
    registry.pause(Activity.ANALYSING, "anna")
    wake = Wake("analyse", SERIES)
    assert registry.due(r.now()) == []
    assert registry.most_urgent(r.now()) == []
    assert registry.lease(wake, "a", now=r.now(), until=r.now(60)) is None
    registry.resume(Activity.ANALYSING)
    assert registry.due(r.now()) == [wake]
    assert registry.most_urgent(r.now()) == [SERIES]
    assert r.finish(registry) is SeriesState.READY


def test_an_analysis_in_hand_is_finished_though_analysing_is_paused(registry: Registry) -> None:
    """A pause stops what has not begun; work that is nearly done is not thrown away."""
    r.complete(registry)
    taken = r.lease(registry)
    registry.pause(Activity.ANALYSING, "anna")
    assert registry.extend(taken, r.now(90))
    made = r.outcome()
    ended = registry.finish(taken, made, destinations=r.WANTED, now=r.now())
    registry.resume(Activity.ANALYSING)
    assert ended is SeriesState.READY


def test_nothing_is_sent_or_asked_to_be_confirmed_while_delivering_is_paused(
    registry: Registry,
) -> None:
    """Deliveries and storage commitment wait together; the analysis goes on."""
    r.ready(registry)
    registry.pause(Activity.DELIVERING, "anna")
    assert registry.due(r.now()) == []
    assert registry.lease(Wake("deliver", SERIES), "a", now=r.now(), until=r.now(60)) is None
    registry.resume(Activity.DELIVERING)
    assert r.answer_all(registry, committing={"pacs"}) is SeriesState.DELIVERED
    assert registry.due(r.now()) == [Wake("commit", SERIES)]
    registry.pause(Activity.DELIVERING, "anna")
    assert registry.due(r.now()) == []
    registry.resume(Activity.DELIVERING)
