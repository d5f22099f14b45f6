"""What a C-STORE status means, in words (PS3.4 B.2.3, PS3.7 Annex C)."""

_EXACT = {
    0x0000: "stored",
    0x0110: "processing failure",
    0x0111: "already there (duplicate SOP Instance)",
    0x0112: "no such SOP Instance",
    0x0117: "invalid SOP Instance UID",
    0x0118: "no such SOP Class",
    0x0122: "SOP Class not supported",
    0x0124: "not authorised",
    0x0210: "duplicate invocation",
    0x0211: "unrecognised operation",
    0x0212: "mistyped argument",
    0xB000: "stored, elements coerced",
    0xB006: "stored, elements discarded",
    0xB007: "stored, data set does not match SOP Class",
    0xFE00: "cancelled",
}
_RANGES = (
    (range(0xA700, 0xA800), "out of resources"),
    (range(0xA900, 0xAA00), "data set does not match SOP Class"),
    (range(0xB000, 0xC000), "stored with a warning"),
    (range(0xC000, 0xD000), "cannot understand"),
)


def words(status: int | None) -> str:
    """A status as ``0xA700 out of resources``; empty where nothing was answered."""
    if status is None:
        return ""
    meaning = _EXACT.get(status) or next(
        (meaning for codes, meaning in _RANGES if status in codes), "unknown status"
    )
    return f"0x{status:04X} {meaning}"
