"""The queue at a glance."""

from datetime import timedelta

from node.ports import Reason, SeriesState
from node.status.figures import of_durations
from node.status.queue import look
from tests.support.fake_archive import NOW, FakeArchive, a_series

State = SeriesState


def delivered(number: int, after_s: float) -> object:
    """A series whose last image came ``number`` minutes ago, delivered after so many seconds."""
    last = NOW - timedelta(minutes=number)
    at = last + timedelta(seconds=after_s)
    return a_series(number, State.DELIVERED, delivered_at=at, stages_s={"predict": after_s / 2})


def test_an_empty_registry_is_an_empty_queue() -> None:
    """Nothing received: every count is there and zero, and no clock is invented."""
    queue = look(FakeArchive(), NOW)
    assert set(queue.counts) == set(State)
    assert sum(queue.counts.values()) == 0
    assert queue.oldest_waiting_s is None
    assert queue.turnround.median_s is None
    assert queue.turnround.last_s is None


def test_the_clock_runs_from_the_last_image_to_the_delivery() -> None:
    """Median and latest figure, over the last 24 hours only."""
    archive = FakeArchive(
        delivered(10, 9.0), delivered(20, 7.0), delivered(30, 80.0), delivered(24 * 60 + 5, 1.0)
    )
    queue = look(archive, NOW)
    assert queue.turnround.recent_s == (80.0, 7.0, 9.0)
    assert queue.turnround.median_s == 9.0
    assert queue.turnround.last_s == 9.0
    assert queue.delivered_day == 3
    assert queue.stage_medians_s == {"predict": 4.5}


def test_a_series_that_a_late_image_reopened_has_no_clock_yet() -> None:
    """A delivery that lies before the last image belongs to the maps before."""
    early = NOW - timedelta(minutes=10)
    archive = FakeArchive(a_series(5, State.DELIVERED, delivered_at=early))
    assert look(archive, NOW).turnround.recent_s == ()


def test_the_longest_wait_counts_from_the_last_image() -> None:
    """Whatever waits for maps counts; what has ended does not."""
    archive = FakeArchive(
        a_series(3, State.RECEIVING), a_series(7, State.READY), a_series(50, State.FAILED)
    )
    assert look(archive, NOW).oldest_waiting_s == 7 * 60


def test_topograms_are_not_counted_as_refused() -> None:
    """A stroke study brings other series along; only perfusion that was refused is news."""
    archive = FakeArchive(
        a_series(1, State.REFUSED, reason=Reason("localizer", "a topogram", "")),
        a_series(2, State.REFUSED, reason=Reason("too_short", "22 s", "")),
        a_series(3, State.REFUSED, reason=None),
        a_series(60 * 25, State.REFUSED, reason=Reason("too_short", "22 s", "")),
    )
    assert look(archive, NOW).refused_day == 2


def test_durations_are_a_histogram_of_the_day() -> None:
    """Buckets count upwards; whoever is told of no series is told of none."""
    archive = FakeArchive(delivered(10, 9.0), delivered(20, 7.0), delivered(30, 80.0))
    samples = {
        (s.name.removeprefix("perfusion_node_duration_seconds"), *s.labels.values()): s.value
        for s in of_durations(look(archive, NOW)).samples
    }
    assert [samples["_bucket", "total", le] for le in ("5", "10", "60", "120", "+Inf")] == (
        [0, 2, 2, 3, 3]
    )
    assert samples["_gsum", "predict"] == 48.0
    assert samples["_gcount", "predict"] == 3
    empty = of_durations(look(FakeArchive(), NOW)).samples
    assert {s.value for s in empty} == {0}
