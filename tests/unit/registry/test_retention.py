"""Which files may go, when, and what the registry says of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from node.errors import SeriesExpiringError, WrongStateError
from node.ports import DeliveryState, Ended, Part, Reason, Recorded, SeriesState
from node.registry import Registry
from tests.support import registered as r
from tests.support.registered import SERIES

State = SeriesState
BOTH = (Part.SOURCES, Part.RESULTS)
TOPOGRAM = Reason("localizer", "it is a localizer", "-")


def expirable(registry: Registry, part: Part, ended: Ended = Ended.FINISHED) -> list[str]:
    return list(registry.expirable(part, ended, r.now(), 10))


def deliver(registry: Registry) -> None:
    r.ready(registry)
    assert r.answer_all(registry) is State.DELIVERED


def expire(registry: Registry, *parts: Part) -> None:
    """As the sweep does it, without files."""
    assert registry.begin_expiry(SERIES, parts or BOTH, "test")
    registry.end_expiry(SERIES)


def test_a_delivered_series_may_lose_its_files(registry: Registry) -> None:
    """Everything is where it belongs: images and results are this node's copies."""
    deliver(registry)
    assert expirable(registry, Part.SOURCES) == expirable(registry, Part.RESULTS) == [SERIES]
    assert registry.expirable(Part.SOURCES, Ended.FINISHED, r.now(-60), 10) == []


def receiving(registry: Registry) -> None:
    r.receive(registry)


def analysing(registry: Registry) -> None:
    r.complete(registry)
    r.lease(registry)


def delivering(registry: Registry) -> None:
    r.ready(registry)
    r.lease(registry, "deliver")


def owing_a_page(registry: Registry) -> None:
    r.complete(registry)
    r.finish(registry, reason=r.REFUSED)


def sending_again(registry: Registry) -> None:
    deliver(registry)
    registry.resend(SERIES)


@pytest.mark.parametrize(
    "bring",
    [receiving, r.complete, analysing, r.ready, delivering, owing_a_page, sending_again],
    ids=lambda bring: bring.__name__,
)
def test_what_is_received_analysed_or_owed_never_expires(
    registry: Registry, bring: Callable[[Registry], None]
) -> None:
    """However old it is and however full the disk; asked by name it does not begin either."""
    bring(registry)
    later = r.now(86_400.0 * 1000)
    for part in Part:
        for ended in Ended:
            assert registry.expirable(part, ended, later, 10) == []
    assert not registry.begin_expiry(SERIES, BOTH, "test")
    assert registry.expiring() == []


def test_a_destination_that_waits_for_one_object_keeps_all(registry: Registry) -> None:
    """Delivered means delivered to every destination."""
    r.ready(registry, wanted={"pacs": ("colour",), "archive": ("colour",)})
    lease = r.lease(registry, "deliver")
    for due in registry.deliveries_due(lease, r.now()):
        if due.destination == "pacs":
            registry.delivered(lease, r.stored(due), now=r.now())
    assert registry.settle(lease, now=r.now()) is State.READY
    assert expirable(registry, Part.SOURCES) == []


def test_a_study_keeps_its_files_while_one_of_its_series_is_under_way(registry: Registry) -> None:
    """A second series of the study may be a slab or a time point of the first."""
    deliver(registry)
    r.receive(registry, series="1.2.3.5")  # the same study
    assert expirable(registry, Part.SOURCES) == []
    assert not registry.begin_expiry(SERIES, BOTH, "test")


@pytest.mark.parametrize(
    ("reason", "ended"), [(r.REFUSED, Ended.UNFINISHED), (TOPOGRAM, Ended.FINISHED)]
)
def test_a_refused_perfusion_series_has_an_age_of_its_own(
    registry: Registry, reason: Reason, ended: Ended
) -> None:
    """Somebody may want to look at it; a topogram that came along nobody waits for."""
    r.complete(registry)
    r.finish(registry, wanted={}, reason=reason)
    assert expirable(registry, Part.SOURCES, ended) == [SERIES]
    (other,) = set(Ended) - {ended}
    assert expirable(registry, Part.SOURCES, other) == []


@pytest.mark.parametrize("how", ["failed", "cancelled"])
def test_what_failed_or_was_cancelled_has_an_age_of_its_own(registry: Registry, how: str) -> None:
    """It is not finished: room on the disk is not made of it."""
    if how == "failed":
        r.ready(registry)
        assert r.answer_all(registry, DeliveryState.FAILED, 0xA900) is State.FAILED
    else:
        r.receive(registry)
        registry.cancel(SERIES)
    assert expirable(registry, Part.SOURCES) == []
    assert expirable(registry, Part.SOURCES, Ended.UNFINISHED) == [SERIES]


def test_files_go_in_three_steps(registry: Registry) -> None:
    """The row says that they go, and names them until they are gone."""
    deliver(registry)
    assert registry.begin_expiry(SERIES, BOTH, "ended more than 30 days ago")
    (going,) = registry.expiring()
    made = [result.path for result in registry.series(SERIES).results]
    assert going.paths == (r.kept().path, *made)
    assert [list(page) for page in registry.recorded_files()] == []  # none of them is lost
    registry.end_expiry(SERIES)
    registry.end_expiry(SERIES)
    series = registry.series(SERIES)
    assert (series.state, series.instances) == (State.EXPIRED, 0)
    assert series.events[-1].name == "expired"
    assert "1 received images (0 MiB) and 2 results deleted" in series.events[-1].detail
    assert len(series.results) == 2
    assert registry.instances(SERIES) == registry.expiring() == []


def test_images_may_go_before_the_results(registry: Registry) -> None:
    """The series stays delivered, and can be sent again until its results go too."""
    deliver(registry)
    expire(registry, Part.SOURCES)
    assert registry.series(SERIES).state is State.DELIVERED
    assert expirable(registry, Part.SOURCES) == []
    registry.resend(SERIES)
    r.answer_all(registry)
    expire(registry, Part.RESULTS)
    assert registry.series(SERIES).state is State.EXPIRED
    with pytest.raises(WrongStateError, match="its results were deleted") as fault:
        registry.resend(SERIES)
    assert "Send the study again" in fault.value.remedy


def test_nothing_is_taken_in_while_files_are_being_deleted(registry: Registry) -> None:
    """A sender must not be told that an image is here which is just going."""
    deliver(registry)
    registry.begin_expiry(SERIES, BOTH, "test")
    for number in (1, 2):
        with pytest.raises(SeriesExpiringError):
            r.receive(registry, number)
    registry.end_expiry(SERIES)
    assert r.receive(registry) is Recorded.NEW


@pytest.mark.parametrize("parts", [BOTH, (Part.SOURCES,)])
def test_a_study_that_comes_again_after_its_expiry_is_analysed_anew(
    registry: Registry, parts: tuple[Part, ...]
) -> None:
    """The next revision supersedes; nothing is believed of the images that are gone."""
    deliver(registry)
    expire(registry, *parts)
    assert r.receive(registry) is Recorded.NEW
    series = registry.series(SERIES)
    assert (series.state, series.revision, series.instances) == (State.RECEIVING, 2, 1)
    assert (series.sources_expired_at, series.results_expired_at) == (None, None)
    assert "all must come again" in series.events[-1].detail
    (seen,) = registry.receiving()
    assert not seen.looked
    registry.complete(seen, now=r.now(), note="whole")
    assert r.finish(registry) is State.READY


def test_parts_of_a_scan_go_with_the_series_that_leads_it(registry: Registry) -> None:
    """Their images are the scan's."""
    r.receive(registry, series="1.2.3.5")
    r.complete(registry)
    registry.join(SERIES, ["1.2.3.5"], now=r.now())
    (seen,) = registry.receiving()
    registry.complete(seen, now=r.now(), note="whole")
    r.finish(registry)
    r.answer_all(registry)
    assert expirable(registry, Part.SOURCES) == [SERIES]
    registry.begin_expiry(SERIES, BOTH, "test")
    assert {each.series_instance_uid for each in registry.expiring()} == {SERIES, "1.2.3.5"}
    for each in registry.expiring():
        registry.end_expiry(each.series_instance_uid)
    assert registry.counts() == {State.EXPIRED: 2}
    r.receive(registry, series="1.2.3.5")
    assert registry.series("1.2.3.5").state is State.RECEIVING


def test_what_is_ignored_comes_again_as_ignored(registry: Registry) -> None:
    """It expires a second time."""
    r.receive(registry, ignored=True)
    expire(registry, Part.SOURCES)
    assert registry.series(SERIES).state is State.EXPIRED
    r.receive(registry, ignored=True)
    assert registry.series(SERIES).state is State.IGNORED
    assert expirable(registry, Part.SOURCES) == [SERIES]


def test_only_records_without_files_are_forgotten(registry: Registry) -> None:
    """The record is the last to go."""
    deliver(registry)
    assert registry.forget(r.now(60), 10) == 0
    registry.begin_expiry(SERIES, BOTH, "test")
    assert registry.forget(r.now(60), 10) == 0
    registry.end_expiry(SERIES)
    assert registry.forget(r.now(-timedelta(days=1).total_seconds()), 10) == 0
    assert registry.forget(r.now(60), 10) == 1
    assert registry.counts() == {}
