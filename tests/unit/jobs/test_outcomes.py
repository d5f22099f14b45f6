"""What a destination's answer means for a delivery."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from node.errors import PeerUnreachableError, UnknownDestinationError
from node.jobs.outcomes import DeliveryPolicy
from node.jobs.retry import RetryPolicy
from node.ports import DeliveryState, DueDelivery, StoreOutcome

NOW = datetime(2026, 3, 14, tzinfo=UTC)
POLICY = DeliveryPolicy(RetryPolicy(5.0, 300.0, jitter=0.0), timedelta(hours=48))
DUE = DueDelivery("2.25.1", "pacs", Path("a.dcm"), attempts=2, since=NOW)
State = DeliveryState


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (0x0000, State.STORED),
        (0xB000, State.WARNING),
        (0xB006, State.WARNING),
        (0xB007, State.WARNING),
        (None, State.SKIPPED),
        (0x0122, State.FAILED),
        (0xA900, State.FAILED),
        (0xC000, State.FAILED),
        (0xA700, State.PENDING),
    ],
)
def test_every_status_has_its_consequence(status: int | None, state: DeliveryState) -> None:
    """PS3.4 Table B.2-1: stored, stored with a warning, skipped, refused for good, or later."""
    outcome = POLICY.of_answer(DUE, StoreOutcome("2.25.1", status), NOW)
    assert (outcome.state, outcome.status) == (state, status)
    assert (outcome.next_try_at is not None) == (state is State.PENDING)
    assert outcome.message or state in (State.STORED, State.WARNING)


@pytest.mark.parametrize("state", State)
def test_what_the_destination_judged_itself_stands(state: DeliveryState) -> None:
    """A DICOMweb server's reasons are not a DIMSE status, even where the number is one."""
    answer = StoreOutcome("2.25.1", 0xB00F, "as told", state=state)
    outcome = POLICY.of_answer(DUE, answer, NOW)
    assert (outcome.state, outcome.status, outcome.message) == (state, 0xB00F, "as told")
    assert (outcome.next_try_at is not None) == (state is State.PENDING)


@pytest.mark.parametrize(("asked_s", "pause_s"), [(0, 20), (7, 20), (90, 90), (86_400, 300)])
def test_a_busy_peer_is_left_alone_for_as_long_as_it_asks(asked_s: float, pause_s: float) -> None:
    """No shorter than the node's own pause, and no longer than its longest."""
    outcome = POLICY.of_fault(DUE, PeerUnreachableError("busy", retry_after_s=asked_s), NOW)
    assert outcome.next_try_at == NOW + timedelta(seconds=pause_s)


def test_why_a_delivery_waits_comes_with_what_to_do() -> None:
    """Whoever reads it on the page need not look the fault up."""
    outcome = POLICY.of_fault(DUE, PeerUnreachableError("HTTP 401", "Check token."), NOW)
    assert outcome.message == "HTTP 401. Check token."


def test_a_file_that_cannot_be_sent_has_failed() -> None:
    """A context may be skipped; a result that the disk lost must not pass for one."""
    answer = StoreOutcome("a.dcm", None, "not sent: no readable DICOM file", readable=False)
    outcome = POLICY.of_answer(DUE, answer, NOW)
    assert (outcome.state, outcome.sop_instance_uid) == (State.FAILED, "2.25.1")
    assert "no readable DICOM file" in outcome.message


def test_the_pause_grows_with_the_attempts() -> None:
    """The third failure waits for the third pause."""
    outcome = POLICY.of_fault(DUE, PeerUnreachableError("away"), NOW)
    assert outcome.next_try_at == NOW + timedelta(seconds=20)


def test_patience_ends() -> None:
    """After the configured hours a delivery has failed, and says for how long it was tried."""
    outcome = POLICY.of_fault(DUE, PeerUnreachableError("away"), NOW + timedelta(hours=48))
    assert outcome.state is State.FAILED
    assert "48 h" in outcome.message


def test_a_destination_that_left_the_settings_has_failed() -> None:
    """No time will bring it back; a person must."""
    outcome = POLICY.of_fault(DUE, UnknownDestinationError("no pacs"), NOW)
    assert outcome.state is State.FAILED


def test_what_failed_in_one_round_is_tried_again_in_one_round() -> None:
    """One pause for all objects of a destination, another for the next round."""
    policy = DeliveryPolicy(RetryPolicy(5.0, 300.0), timedelta(hours=48))
    rounds = [
        {
            one.of_fault(DUE, PeerUnreachableError("away"), NOW).next_try_at
            for one in [policy.of_one_round()] * 8
        }
        for _ in range(8)
    ]
    assert {len(pauses) for pauses in rounds} == {1}
    assert len(set.union(*rounds)) > 1
