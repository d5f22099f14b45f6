"""After a delivery: what a destination lacks is sent again, and told where that does not help."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.jobs.steps import Steps
from node.jobs.verification import MAX_RESENDS
from node.ports import DeliveryRecord, DeliveryState, SeriesState
from node.settings import Destination
from tests.support.bench_node import BenchNode, bench_settings, complete_series
from tests.support.fake_pacs import FakePacs
from tests.support.running_node import wait_for

State = SeriesState
ASKED = Destination(name="asked", ae_title="PACS", port=1, verify="find")
OTHER = Destination(name="other", ae_title="PACS", port=2)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[BenchNode]:
    with BenchNode(bench_settings(tmp_path, destinations=(ASKED, OTHER))) as bench:
        yield bench


def analysed(node: BenchNode) -> tuple[str, Steps, FakePacs, list[str]]:
    """A series whose results are due: its UID, steps, the destination that is asked, the UIDs."""
    uid, steps = complete_series(node), Steps(node)
    steps.analyse(uid)
    made = [result.sop_instance_uid for result in node.registry.series(uid).results]
    return uid, steps, node.fake_pacs["asked"], made


def delivery(node: BenchNode, uid: str, sop_instance_uid: str) -> DeliveryRecord:
    (found,) = (
        d
        for d in node.registry.series(uid).deliveries
        if (d.destination, d.sop_instance_uid) == ("asked", sop_instance_uid)
    )
    return found


def history(node: BenchNode, uid: str, *names: str) -> list[str]:
    return [e.detail for e in node.registry.series(uid).events if e.name in names]


def deliver_again(steps: Steps, uid: str) -> SeriesState:
    """The state after the next round, which comes when its pause is over."""
    return SeriesState(wait_for(lambda: steps.deliver(uid), "the next try"))


def test_what_is_there_is_told_and_nothing_is_sent_again(node: BenchNode) -> None:
    """A destination is asked once for all that it took, and only where it is to be asked."""
    uid, steps, pacs, made = analysed(node)
    assert steps.deliver(uid) is State.DELIVERED
    assert pacs.received == made
    assert history(node, uid, "verified") == [f"asked has {len(made)} of {len(made)} objects"]
    assert history(node, uid, "not_found", "not_verified") == []


def test_what_is_missing_is_sent_again_alone(node: BenchNode) -> None:
    """It waits for another try; once it is found, the series is delivered."""
    uid, steps, pacs, made = analysed(node)
    pacs.lost = [made[1]]
    assert steps.deliver(uid) is State.READY
    missed = delivery(node, uid, made[1])
    assert missed.state is DeliveryState.PENDING
    assert missed.next_try_at is not None
    assert "not found" in missed.message
    assert deliver_again(steps, uid) is State.DELIVERED
    assert sorted(pacs.received) == sorted([*made, made[1]])
    assert delivery(node, uid, made[1]).state is DeliveryState.STORED
    assert history(node, uid, "verified") == ["asked has 1 of 1 objects"]


def test_what_stays_missing_is_a_warning_and_not_sent_for_ever(node: BenchNode) -> None:
    """After the last resend the series is delivered, with what a person can do about it."""
    uid, steps, pacs, made = analysed(node)
    pacs.lost = [made[0]] * 10
    state = steps.deliver(uid)
    for _ in range(MAX_RESENDS):
        assert state is State.READY
        state = deliver_again(steps, uid)
    assert state is State.DELIVERED
    assert pacs.received.count(made[0]) == 1 + MAX_RESENDS
    lost = delivery(node, uid, made[0])
    assert lost.state is DeliveryState.WARNING
    assert f"sent {1 + MAX_RESENDS} times" in lost.message
    assert "perfusion-node resend" in lost.message


def test_a_resend_is_looked_for_anew(node: BenchNode) -> None:
    """Who has mended the archive gets the full number of tries again."""
    uid, steps, pacs, made = analysed(node)
    pacs.lost = [made[0]] * (1 + MAX_RESENDS)
    steps.deliver(uid)
    for _ in range(MAX_RESENDS):
        deliver_again(steps, uid)
    pacs.lost = [made[0]]
    node.registry.resend(uid)
    assert steps.deliver(uid) is State.READY
    assert deliver_again(steps, uid) is State.DELIVERED
    assert delivery(node, uid, made[0]).state is DeliveryState.STORED


def test_a_destination_that_cannot_be_asked_is_told_and_fails_nothing(node: BenchNode) -> None:
    """Without Query/Retrieve the series is delivered, and its history says what is not known."""
    uid, steps, pacs, _ = analysed(node)
    pacs.searchable = False
    assert steps.deliver(uid) is State.DELIVERED
    assert history(node, uid, "not_verified") == ["asked offers no search for what it has"]


def test_that_a_destination_offers_no_search_is_logged_once(
    node: BenchNode, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not with every series."""
    uid, steps, pacs, _ = analysed(node)
    pacs.searchable = False
    for _ in range(3):
        steps.deliver(uid)
        node.registry.resend(uid)
    told = capsys.readouterr()
    assert (told.out + told.err).count("search_not_offered") == 1


def test_a_search_that_fails_fails_nothing(node: BenchNode, monkeypatch: Any) -> None:
    """Every object was answered as stored: that stands."""
    uid, steps, pacs, _ = analysed(node)
    holds = pacs.holds

    def away(*arguments: Any) -> Any:
        pacs.away = True
        return holds(*arguments)

    monkeypatch.setattr(pacs, "holds", away)
    assert steps.deliver(uid) is State.DELIVERED
    (told,) = history(node, uid, "not_verified")
    assert "could not be asked" in told


def test_nothing_is_asked_while_something_is_still_to_be_sent(node: BenchNode) -> None:
    """The count is of the whole delivery."""
    uid, steps, pacs, made = analysed(node)
    pacs.ends_after = 3
    assert steps.deliver(uid) is State.READY
    assert history(node, uid, "verified", "not_found", "not_verified") == []
    pacs.ends_after = None
    assert deliver_again(steps, uid) is State.DELIVERED
    assert history(node, uid, "verified") == [f"asked has {len(made)} of {len(made)} objects"]
