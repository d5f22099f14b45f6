"""Whether the bytes of a data set are all there.

pydicom walks the elements; what it does not say is whether the bytes were all there: it reads
past the end without a word. The :class:`Watch` follows it and finds out.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import BinaryIO

from node.errors import InstanceUnreadableError

UNDEFINED_LENGTH = 0xFFFFFFFF
LONGEST_NOTED = 64  # what an LO holds (PS3.5 6.2) [bytes]
PIXEL_DATA = 0x7FE00010
PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, PIXEL_DATA})  # of floating point as well


@dataclass(frozen=True)
class PixelElement:
    """Where the pixel data lies: ``start`` of its value in the stream, and its length [bytes].

    ``length`` is :data:`UNDEFINED_LENGTH` where the pixel data is encapsulated.
    """

    tag: int
    start: int
    length: int

    @property
    def encapsulated(self) -> bool:
        """Whether the pixel data is a sequence of fragments."""
        return self.length == UNDEFINED_LENGTH


class Watch:
    """pydicom's ``stop_when``: notes each element's end, and stops at the pixel data.

    Of the tags ``noting`` it also notes where the values of short elements lie: (start, length)
    by tag, in ``noted``. There are too many to ask pydicom for private elements in every block.
    """

    def __init__(self, stream: BinaryIO, noting: Container[int] = ()) -> None:
        self._stream = stream
        self._noting = noting
        self.noted: dict[int, tuple[int, int]] = {}
        self.end = stream.tell()
        self.open_ended = False
        self.pixels: PixelElement | None = None

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        """Whether the pixel data begins here."""
        start = self._stream.tell()
        if tag in PIXEL_TAGS:
            self.pixels = PixelElement(int(tag), start, length)
            return True
        if tag in self._noting and length <= LONGEST_NOTED:
            self.noted[int(tag)] = (start, length)
        self.open_ended = length == UNDEFINED_LENGTH
        self.end = start if self.open_ended else start + length
        return False


def require_whole_header(stream: BinaryIO, watch: Watch, size: int) -> None:
    """Raises unless the last element of a data set without pixels ends where the stream does."""
    if watch.open_ended:
        stream.seek(max(watch.end, size - 8))
        whole = stream.read() in (
            b"\xfe\xff\xdd\xe0\0\0\0\0",
            b"\xff\xfe\xe0\xdd\0\0\0\0",
        )
    else:
        stream.seek(min(watch.end, size))
        rest = stream.read()
        # A few writers pad with zeros; anything else is the beginning of an element.
        whole = watch.end <= size and not rest.strip(b"\0")
    if not whole:
        raise InstanceUnreadableError("the data set is truncated before its pixel data")
