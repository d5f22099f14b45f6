"""Values that no header should have, by attribute and by value representation."""

import struct
from collections.abc import Mapping, Sequence
from math import inf, nan
from random import Random

from tests.fuzz.part10 import UNDEFINED, Element

NUMBERS = (
    *("0", "-0", "1", "-1", "2", "5", "25", "-1024", "0.001", "1e-320", "1e308", "-1e308", "1e999"),
    *("NaN", "inf", "-inf", "1_0", "0x10", "1,5", " 7 ", "", "-", "99999999999999999999", "²"),
    *("2147483647", "2147483648", "-2147483648", "4294967295", "12", "1.0000001", "abc\0"),
)
DATES = (
    *("99999999", "00000000", "20260230", "20261301", "2026", "20260314-20260315", "1899.01.01"),
    *("99991231", "00010101", "20260314", "20260315", "2026031", "", "２０２６０３１４"),
)
TIMES = (
    *("256199.9", "240000", "235959.999999", "000000", "0000", "09", "236060", "09:26:53.5"),
    *("092653.5897931", "092653.", "-10000", "092653", "235960", "", "99"),
)
UIDS = (
    *("", "1", "1.2.3", ".", "1..2", "1.2.", "../../etc/passwd", "1.2.840.10008.5.1.4.1.1.2"),
    *("1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.1.2.4.90", "9" * 64, "9" * 65, "1.2\0\0", "é"),
)
CODES = (
    *("", "CT", "MR", "ct", "DERIVED\\SECONDARY", "ORIGINAL\\PRIMARY\\LOCALIZER", "\\", "\\\\\\"),
    *("ORIGINAL", "RGB", "MONOCHROME1", "YBR_FULL_422", "PALETTE COLOR", "01", "00", "A" * 200),
    *("ISO 2022 IR 87", "\\ISO 2022 IR 149", "GB18030", "utf8", "hex", "rot13", "ISO_IR 999"),
)
TEXTS = (b"", b"\x1b", b"\x1b$B", b"\xff\xfe\xfd", b"\0" * 9, b"\\" * 70, b"%s%n", "灌注".encode())
SHORTS = (0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 255, 256, 4096, 32767, 32768, 65535)
DOUBLES = (b"\0\0", *(struct.pack("<d", n) for n in (0, -1, 5, 1e308, -1e308, inf, nan)))
LONGS = (0, 1, 2, 12, 13, 65536, 2**31 - 1, 2**31, 2**32 - 1)

# What is the same number of values as the sound one, and still no place in a patient.
_OF_TAG: Mapping[int, Sequence[str]] = {
    0x00200037: (  # ImageOrientationPatient
        *("0\\0\\0\\0\\0\\0", "1\\0\\0\\1\\0\\0", "1\\1\\0\\0\\1\\0", "1\\0\\0\\0\\1\\1e-9"),
        *("2\\0\\0\\0\\2\\0", "1\\0\\0\\0\\-1\\0", "0\\1\\0\\0\\0\\-1", "nan\\0\\0\\0\\1\\0"),
        *(
            "1\\0\\0\\0\\1",
            "1\\0\\0\\0\\1\\0\\0",
            "1e308\\0\\0\\0\\1e308\\0",
            "1.004\\0\\0\\0\\1\\0",
        ),
    ),
    0x00200032: (  # ImagePositionPatient
        *("0\\0\\0", "-100\\-100\\20", "0\\0\\1e308", "0\\0\\nan", "1e5\\1e5\\1e5", "0\\0"),
        *("-100\\-100\\20.05", "-100\\-100\\20.11", "-99999\\99999\\-99999", "0\\0\\-inf"),
    ),
    0x00280030: (  # PixelSpacing
        *("0\\0", "-1\\-1", "0.0100001\\0.0100001", "99\\99", "1e-30\\1e-30", "25", "25\\25\\25"),
        *("nan\\1", "1e308\\1e308", "25\\0.5", "0.5\\25"),
    ),
    0x00180050: ("0", "-5", "1e308", "1e-308", "nan", "5\\5"),  # SliceThickness
    0x00280008: ("0", "-1", "1", "11", "13", "65535", "2147483647", "1e9", "nan"),  # NumberOfFrames
}
_OF_VR: Mapping[str, Sequence[str]] = {
    "DS": NUMBERS,
    "IS": NUMBERS,
    "DA": DATES,
    "TM": TIMES,
    "DT": (*(d + t for d in DATES[5:8] for t in TIMES), *DATES, "20260314092653+9999"),
    "UI": UIDS,
    "CS": CODES,
}
_WIDTHS = {"US": 2, "SS": 2, "UL": 4, "SL": 4}
# What VR lies are told among: of either header length, numbers, text, sequences, none at all.
VRS = ("DS", "IS", "US", "UL", "FD", "SQ", "UN", "OB", "OW", "UI", "LO", "DA", "AT", "ZZ", "\0\0")


def absurd(element: Element, random: Random) -> bytes:
    """Another value for an element: mostly one of its kind, sometimes any bytes."""
    if random.randrange(10) == 0:
        return any_bytes(random)
    told = _OF_TAG.get(element.tag, _OF_VR.get(element.vr, ()))
    if told:
        value = random.choice(told).encode("utf-8")
        return value + b" " * (len(value) % 2)
    if width := _WIDTHS.get(element.vr):
        number = random.choice(SHORTS if width == 2 else LONGS)
        return number.to_bytes(width, "little")
    if element.vr == "FD":
        return random.choice(DOUBLES)
    return random.choice(TEXTS)


def nudged(element: Element, random: Random) -> bytes:
    """A value nearly the same: digits changed, so that it is mostly still one of its kind."""
    value = element.value
    if not isinstance(value, bytes) or not value:
        return b""
    changed = bytearray(value)
    for _ in range(random.randrange(1, 3)):
        at = random.randrange(len(changed))
        digit = chr(changed[at]).isdigit()
        changed[at] = (
            random.choice(b"0123456789.-") if digit else changed[at] ^ (1 << random.randrange(8))
        )
    return bytes(changed)


def any_bytes(random: Random) -> bytes:
    """A few bytes."""
    return random.getrandbits(8 * 12).to_bytes(12, "little")[: random.randrange(13)]


def nest(tag: int, depth: int) -> Element:
    """A sequence in a sequence in a sequence, each without a length."""
    item, sequence = b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff"
    end_of_item, end = b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"
    inside = (item + sequence) * depth + (end + end_of_item) * depth
    return Element(tag, "SQ", inside + end, UNDEFINED)
