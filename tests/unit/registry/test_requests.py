"""Which series comes first, and what has ended being analysed again."""

import pytest

from node.errors import WrongStateError
from node.ports import Reason, SeriesState, Wake
from node.registry import Registry
from tests.support import registered as r
from tests.support.registered import SERIES


def test_a_prioritised_series_is_analysed_before_those_that_wait_longer(
    registry: Registry,
) -> None:
    """The registry orders by priority and then by age; whoever is put first last, is first."""
    for series in ("1.1", "1.2", "1.3", "1.4"):
        r.complete(registry, series)
    assert registry.most_urgent(r.now()) == ["1.1", "1.2", "1.3", "1.4"]
    registry.prioritise("1.3")
    assert registry.prioritise("1.4") is SeriesState.COMPLETE
    assert registry.most_urgent(r.now()) == ["1.4", "1.3", "1.1", "1.2"]
    assert registry.due(r.now())[0] == Wake("analyse", "1.4")
    assert registry.most_urgent(r.now(), limit=1) == ["1.4"]
    assert registry.series("1.4").events[-1].name == "prioritised"


def test_a_series_that_still_receives_can_be_put_first(registry: Registry) -> None:
    """Its priority is there when it is complete."""
    r.complete(registry, "1.1")
    r.receive(registry, series="1.2")
    assert registry.prioritise("1.2") is SeriesState.RECEIVING
    registry.declare_complete("1.2")
    assert registry.most_urgent(r.now()) == ["1.2", "1.1"]


def test_what_does_not_wait_for_its_analysis_cannot_be_put_first(registry: Registry) -> None:
    """The refusal says where the series is."""
    r.ready(registry)
    with pytest.raises(WrongStateError, match="READY does not wait"):
        registry.prioritise(SERIES)


def test_a_delivered_series_is_analysed_again_as_a_new_revision(registry: Registry) -> None:
    """Nothing of the last outcome looks like the new one's; its objects stay on record."""
    r.ready(registry)
    r.answer_all(registry)
    assert registry.analyse_again(SERIES) is SeriesState.COMPLETE
    record = registry.series(SERIES)
    assert record.revision == 2
    assert (record.delivered_at, record.ready_at, record.summary, record.flags) == (
        *(None, None),
        *({}, ()),
    )
    assert {result.revision for result in record.results} == {1}
    assert r.finish(registry) is SeriesState.READY
    assert r.answer_all(registry) is SeriesState.DELIVERED
    assert {result.revision for result in registry.series(SERIES).results} == {1, 2}


@pytest.mark.parametrize("reason", [None, r.REFUSED])
def test_what_is_under_way_is_not_analysed_twice_at_once(
    registry: Registry, reason: Reason | None
) -> None:
    """Only what has ended begins again: while it waits or runs, the request says so."""
    r.receive(registry)
    with pytest.raises(WrongStateError):
        registry.analyse_again(SERIES)
    registry.declare_complete(SERIES)
    with pytest.raises(WrongStateError, match="COMPLETE has not ended yet"):
        registry.analyse_again(SERIES)
    taken = r.lease(registry)
    with pytest.raises(WrongStateError):
        registry.analyse_again(SERIES)
    registry.finish(taken, r.outcome(reason=reason), destinations=r.WANTED, now=r.now())
    if reason is None:
        with pytest.raises(WrongStateError):
            registry.analyse_again(SERIES)
    else:
        assert registry.analyse_again(SERIES) is SeriesState.COMPLETE
