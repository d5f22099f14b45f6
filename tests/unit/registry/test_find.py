"""The table of series, narrowed and a page at a time."""

import pytest

from node.ports import Reason, SeriesQuery, SeriesState
from node.refusals import RefusalCode
from node.registry import Registry
from node.status.queue import concerns_perfusion
from tests.support import registered as r


def uids(registry: Registry, **wanted: object) -> list[str]:
    found = registry.find(SeriesQuery(**wanted))  # type: ignore[arg-type]  # real fields
    return [record.series_instance_uid for record in found.records]


def test_a_page_is_a_part_of_what_matches(registry: Registry) -> None:
    """Newest first, so many after so many; the total counts all of them."""
    for n in range(7):
        r.receive(registry, series=f"1.2.{n}")
    page = registry.find(SeriesQuery(limit=3, offset=3))
    assert [record.series_instance_uid for record in page.records] == ["1.2.3", "1.2.2", "1.2.1"]
    assert page.total == 7
    assert registry.find(SeriesQuery(limit=3, offset=9)).records == []


def test_series_are_narrowed_by_sender_age_state_and_words(registry: Registry) -> None:
    """Every condition holds at once; a wildcard is a character."""
    r.receive(registry, series="1.2.1")
    r.complete(registry, series="1.2.2")
    assert uids(registry, sender="CT1") == ["1.2.2", "1.2.1"]
    assert uids(registry, sender="CT") == []
    assert uids(registry, since=r.now(-60)) == ["1.2.2", "1.2.1"]
    assert uids(registry, since=r.now(60)) == []
    assert uids(registry, states=(SeriesState.COMPLETE,), search="ctp 5") == ["1.2.2"]
    assert uids(registry, search="_") == []
    assert uids(registry, study_instance_uid="1.2") == ["1.2.2", "1.2.1"]
    assert registry.senders() == ["CT1"]


def test_what_was_delivered_lately_is_found(registry: Registry) -> None:
    """By the time of the delivery, not of the images."""
    r.ready(registry)
    r.answer_all(registry)
    assert uids(registry, delivered_since=r.now(-60)) == [r.SERIES]
    assert uids(registry, delivered_since=r.now(60)) == []


@pytest.mark.parametrize("code", list(RefusalCode))
def test_database_and_page_agree_on_what_is_perfusion(
    registry: Registry, code: RefusalCode
) -> None:
    """Counted by the database or judged from the record: the same series, set aside or not."""
    r.complete(registry, r.SERIES)
    r.finish(registry, reason=Reason(str(code), "x", "y"))
    r.receive(registry, series="1.2.8", ignored=True)
    r.receive(registry, series="1.2.9")
    every = registry.find(SeriesQuery())
    page = registry.find(SeriesQuery(perfusion_only=True))
    kept = [record for record in every.records if concerns_perfusion(record)]
    assert list(page.records) == kept
    assert (page.total, page.set_aside) == (len(kept), every.total - len(kept))


def test_the_pulse_differs_after_every_change(registry: Registry) -> None:
    """An image, a step, a delivery under way, a pause; and it is the same while nothing is."""
    seen = [registry.pulse()]
    assert registry.pulse() == seen[0]
    r.receive(registry)
    seen.append(registry.pulse())
    r.receive(registry, number=2, content="second")
    seen.append(registry.pulse())
    registry.declare_complete(r.SERIES)
    seen.append(registry.pulse())
    r.finish(registry)
    taken = r.lease(registry, "deliver")
    seen.append(registry.pulse())
    due = registry.deliveries_due(taken, r.now())
    for each in due:
        registry.delivered(taken, r.stored(each), now=r.now())
        seen.append(registry.pulse())
    registry.settle(taken, now=r.now())
    seen.append(registry.pulse())
    assert len(set(seen)) == len(seen)
