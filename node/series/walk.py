"""The elements of an ordinary data set, walked straight; whatever is unusual is left to pydicom.

Of every image that arrives thirty of some hundred elements are wanted. pydicom makes an object of
each and calls back for each, which takes longer than all the rest of reading a header.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache

from pydicom.datadict import dictionary_has_tag, dictionary_VR

from node.series.watch import LONGEST_NOTED, PIXEL_TAGS, UNDEFINED_LENGTH, PixelElement

# PS3.5 7.1.2: these have a reserved field and a length of 32 bits, the others one of 16.
_LONG = frozenset(b"OB OD OF OL OV OW SV UC UN UR UT UV".split())
_SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_SEQUENCE = b"SQ"
_EXPLICIT, _IMPLICIT = struct.Struct("<HH2sH"), struct.Struct("<HHL")
_LENGTH = struct.Struct("<L")
_CHARSET = 0x00080005
_ITEMS = 0xFFFE0000  # the tags of items and delimiters begin here


@dataclass(frozen=True)
class Walked:
    """The wanted values by tag, where noted ones lie (start, length), and the pixel data."""

    raw: dict[int, bytes]
    noted: dict[int, tuple[int, int]]
    pixels: PixelElement | None


def walk(
    data: bytes, *, implicit: bool, tags: frozenset[int], noting: frozenset[int]
) -> Walked | None:
    """The elements of a little endian data set up to its pixel data; None where pydicom must look.

    That is wherever something is not as in nearly every CT image: an item or an end without a
    length, a wanted sequence, an unknown VR, bytes that end early or go on.

    Parameters
    ----------
    data
        A bare data set.
    implicit
        Whether its VRs are not written.
    tags
        Whose values are wanted.
    noting
        Of which it is noted where short values lie.
    """
    if implicit and data[4:6].isalpha() and data[4:6].isupper():
        return None  # its VRs are written all the same
    sequences = _sequences_among(tags)
    raw: dict[int, bytes] = {}
    noted: dict[int, tuple[int, int]] = {}
    at, size, last = 0, len(data), -1
    while at + 8 <= size:
        start = at + 8
        if implicit:
            group, element, length = _IMPLICIT.unpack_from(data, at)
            tag, vr = group << 16 | element, b"CS"  # or whatever the dictionary says
        else:
            group, element, vr, length = _EXPLICIT.unpack_from(data, at)
            tag = group << 16 | element
            if vr not in _SHORT:
                if at + 12 > size or not (vr in _LONG or (vr == _SEQUENCE and tag not in tags)):
                    return None
                (length,), start = _LENGTH.unpack_from(data, at + 8), at + 12
        if tag in PIXEL_TAGS:
            return Walked(raw, noted, PixelElement(tag, start, length))
        at = start + length
        # nobody could read the texts afterwards
        illegible = tag == _CHARSET and vr != b"CS"
        open_ended = length == UNDEFINED_LENGTH or at > size
        if not last < tag < _ITEMS or open_ended or tag in sequences or illegible:
            return None
        if tag in tags:
            raw[tag] = data[start:at]
        elif tag in noting and length <= LONGEST_NOTED:
            noted[tag] = (start, length)
        last = tag
    return Walked(raw, noted, None) if at == size else None


@lru_cache
def _sequences_among(tags: frozenset[int]) -> frozenset[int]:
    return frozenset(tag for tag in tags if dictionary_has_tag(tag) and dictionary_VR(tag) == "SQ")
