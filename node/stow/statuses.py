"""What a STOW-RS server's reasons mean for one object (PS3.18 Tables I.2-1 and I.2-2)."""

from node.ports import DeliveryState

ALREADY_STORED = 0xB00E
"""The DICOM service of Azure fails what it has already with this reason, 45070."""
_NAMED = {
    0x0110: "the server could not process the object",
    0x0111: "the server has the object already",
    0x0122: "skipped: the server does not take the SOP class",
    0x0124: "the server does not authorise this node to store the object",
    0xB000: "stored, with elements changed",
    0xB006: "stored, with elements left out",
    0xB007: "stored, though the data set does not match its SOP class",
    ALREADY_STORED: "the server has the object already",
    0xC122: "skipped: the server does not take the transfer syntax",
}
_BY_CLASS = {
    0xA700: "the server is out of resources",
    0xA900: "the server finds that the data set does not match its SOP class",
    0xC000: "the server cannot understand the object",
}
_DUPLICATE = frozenset({0x0111, ALREADY_STORED})
# What a C-STORE peer says by rejecting a presentation context: it fails nothing else.
_NOT_TAKEN = frozenset({0x0122, 0xC122})
_FOR_GOOD = frozenset({0x0117, 0x0124})


def of_failure(reason: int | None) -> tuple[DeliveryState, str]:
    """What a Failure Reason (0008,1197) comes to, and in words; None where none was given."""
    if reason is None:
        return DeliveryState.PENDING, "the server did not store the object, and does not say why"
    words = _NAMED.get(reason) or _BY_CLASS.get(_class(reason)) or "the server failed the object"
    told = f"{words} (failure reason {reason:04X})"
    if reason in _DUPLICATE:
        return DeliveryState.WARNING, told
    if reason in _NOT_TAKEN:
        return DeliveryState.SKIPPED, told
    if reason in _FOR_GOOD or _class(reason) in {0xA900, 0xC000}:
        return DeliveryState.FAILED, told
    return DeliveryState.PENDING, told


def of_warning(reason: int) -> str:
    """What a Warning Reason (0008,1196) says: the object is stored."""
    return f"{_NAMED.get(reason, 'stored, with a warning')} (warning reason {reason:04X})"


def _class(reason: int) -> int:
    """The reason without its free digits: A7xx, A9xx and Cxxx are ranges."""
    return reason & (0xF000 if reason & 0xF000 == 0xC000 else 0xFF00)
