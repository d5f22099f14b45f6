"""What broken and hostile senders say never stops the listener; ``make fuzz-wire`` says more."""

from tests.fuzz.wire import fuzz_wire


def test_broken_conversations_leave_a_listener_that_serves() -> None:
    """After hundreds of them a sound image is taken, and no thread or descriptor is left over."""
    heard = list(fuzz_wire(250, seed=1))[-1]
    assert heard.conversations == 250
    assert heard.at_rest is not None
    # Sound enough to be answered, and broken enough to be aborted: both were tried.
    assert heard.endings["answered"] > 0
    assert heard.endings["aborted"] > 50
