"""Private elements, found by their creator and never by a fixed tag (PS3.5 7.8.1).

A creator reserves one of 240 blocks of its group by its name in (gggg,00bb); its elements are then
(gggg,bbee). Which block that is may differ from image to image.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple


class PrivateTag(NamedTuple):
    """A private element: its group, who defines it, and its number within the block."""

    group: int
    creator: str
    element: int


Tag = int | PrivateTag

MID_SCAN_TIME = PrivateTag(0x0019, "GEMS_ACQU_01", 0x24)
DELTA_START_TIME = PrivateTag(0x0043, "GEMS_PARM_01", 0x1E)
VOLUME_NUMBER = PrivateTag(0x7005, "TOSHIBA_MEC_CT3", 0x1F)
_KNOWN = (MID_SCAN_TIME, DELTA_START_TIME, VOLUME_NUMBER)

_BLOCKS = range(0x10, 0x100)
PRIVATE_TAGS = frozenset(
    (tag.group << 16) | element
    for tag in _KNOWN
    for block in _BLOCKS
    for element in (block, (block << 8) | tag.element)
)
"""Every tag that a known element, or its creator, may have."""


def private_values(tags: Collection[int], value: Callable[[int], bytes]) -> dict[Tag, bytes]:
    """The values of the known private elements, as they are encoded, whatever their VR is.

    Parameters
    ----------
    tags
        Those of :data:`PRIVATE_TAGS` that are there.
    value
        Gives the value of one of them.
    """
    creators = {
        tag: value(tag).decode("latin-1").strip(" \0")
        for tag in sorted(tags)
        if tag & 0xFFFF in _BLOCKS
    }
    return {
        known: value(tag)
        for known in _KNOWN
        for reserved, creator in creators.items()
        if (reserved >> 16, creator) == known[:2]
        and (tag := (known.group << 16) | (reserved & 0xFF) << 8 | known.element) in tags
    }
