import pytest

from node.scu import is_permanent, is_stored, meaning

STORED = (0x0000, 0x0107, 0x0111, 0x0116, 0xB000, 0xB006, 0xB007, 0xBFFF)
PERMANENT = (0x0117, 0x0122, 0x0124, 0x0211, 0xA900, 0xA9FF, 0xC000, 0xC001, 0xCFFF)
TRANSIENT = (0x0110, 0x0112, 0x0213, 0xA700, 0xA702, 0xA7FF, 0xFE00, 0x1234)


@pytest.mark.parametrize("status", STORED)
def test_success_and_warnings_are_stored(status: int) -> None:
    """A warning (Bxxx) and a duplicate mean that the peer has the object."""
    assert is_stored(status)
    assert not is_permanent(status)


@pytest.mark.parametrize("status", PERMANENT)
def test_what_stays_refused_is_permanent(status: int) -> None:
    """Another try of the same object would be answered the same."""
    assert is_permanent(status)
    assert not is_stored(status)


@pytest.mark.parametrize("status", TRANSIENT)
def test_anything_else_may_be_tried_again(status: int) -> None:
    """Want of resources, and what nobody knows, is worth another try."""
    assert not is_permanent(status)
    assert not is_stored(status)


@pytest.mark.parametrize("status", STORED[1:] + PERMANENT + TRANSIENT)
def test_every_status_but_success_has_words(status: int) -> None:
    """What is shown to people is a sentence, not a number."""
    assert meaning(status)


def test_success_needs_no_words() -> None:
    """Nothing is to be said of success."""
    assert meaning(0x0000) == ""
