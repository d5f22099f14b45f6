"""What broken and hostile senders say never stops the listener; ``make fuzz-wire`` says more."""

from tests.fuzz.wire import Heard, fuzz_wire


def test_broken_conversations_leave_a_listener_that_serves() -> None:
    """After hundreds of them a sound image is taken, and nothing is kept but what was promised."""
    heard = Heard()
    for _ in fuzz_wire(heard, 600, seed=1, lap=300):
        pass
    assert heard.inputs == 600
    assert len(heard.laps) == 2
    # Sound enough to be stored, too broken to be understood, or for an association: all was tried.
    for ending in (
        *("header: answered 0000", "cut off: answered C000", "fragments: aborted"),
        *("association request: aborted", "PDUs: answered", "endless: answered C000"),
    ):
        assert heard.endings[ending] > 0
