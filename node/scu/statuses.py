"""What the status of a C-STORE response means for the sender (PS3.4 B.2.3, PS3.7 Annex C)."""

_NAMED = {
    0x0000: "",
    0x0117: "the peer calls the object instance invalid",
    0x0122: "the peer does not support the SOP class",
    0x0124: "the peer does not authorise this node",
    0x0211: "the peer does not know the operation",
    0xB000: "stored, with elements changed",
    0xB006: "stored, with elements left out",
    0xB007: "stored, though the data set does not match its SOP class",
}
_BY_CLASS = {
    0xA700: "the peer is out of resources",
    0xA900: "the peer finds that the data set does not match its SOP class",
    0xC000: "the peer cannot understand the object",
}
# Warnings of PS3.7 C.4, and 0111 (duplicate SOP instance): the peer has the object, and the
# answer to the first time it was sent got lost.
_STORED = frozenset({0x0000, 0x0001, 0x0107, 0x0111, 0x0116})
# PS3.7 C.5: refusals that stay the same however often they are asked for.
_PERMANENT = frozenset({0x0117, 0x0122, 0x0124, 0x0211})


def is_stored(status: int) -> bool:
    """Whether the peer has the object: success, a duplicate, or a warning (Bxxx)."""
    return status in _STORED or status & 0xF000 == 0xB000


def is_permanent(status: int) -> bool:
    """Whether the peer will answer the same again: another try is of no use."""
    return status in _PERMANENT or _class(status) in {0xA900, 0xC000}


def meaning(status: int) -> str:
    """The status in words, for people; empty for plain success."""
    if status in _NAMED:
        return _NAMED[status]
    if is_stored(status):
        return "stored, with a warning"
    return _BY_CLASS.get(_class(status), "the peer could not process the object")


def _class(status: int) -> int:
    """The status without its free digits: A7xx, A9xx and Cxxx are ranges (PS3.4 B.2-1)."""
    return status & (0xF000 if status & 0xF000 == 0xC000 else 0xFF00)
