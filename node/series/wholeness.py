"""Whether all the pixel data that an instance announces is there."""

from dataclasses import dataclass

from node.errors import InstanceUnreadableError
from node.series.elements import Elements
from node.series.watch import UNDEFINED_LENGTH, PixelElement

_SAMPLES, _PHOTOMETRIC, _FRAMES = 0x00280002, 0x00280004, 0x00280008
_ROWS, _COLUMNS, _BITS_ALLOCATED = 0x00280010, 0x00280011, 0x00280100
PIXEL_DESCRIPTION = (_SAMPLES, _PHOTOMETRIC, _FRAMES, _ROWS, _COLUMNS, _BITS_ALLOCATED)

# The Extended Offset Table: where each frame begins [byte], and its length (PS3.3 C.7.6.3.1.8).
_EXTENDED_OFFSETS = 0x7FE00001
OFFSET_TABLE = (_EXTENDED_OFFSETS,)

# A slice without any content is 174 bytes at 1024 x 1024 in JPEG 2000; so up to there anything
# is believed. Larger ones, and many frames, have content: more than this no stream carries.
_BELIEVED_BYTES, _MOST_COMPRESSED = 2 << 20, 1000

_ITEM, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"


@dataclass(frozen=True)
class Fragment:
    """Where one fragment of encapsulated pixel data lies in the stream [bytes]."""

    start: int
    length: int


def require_whole(elements: Elements, pixels: PixelElement, frames: int = 0) -> None:
    """Raises unless all the pixel data that the header announces is, or can be, there.

    So nobody reserves memory for an image that a header makes up.

    Parameters
    ----------
    elements
        With :data:`PIXEL_DESCRIPTION` among them.
    pixels
        Where the pixel data lies.
    frames
        How many the functional groups describe, whatever NumberOfFrames says.

    Raises
    ------
    InstanceUnreadableError
        If the pixel data ends early, or cannot hold what the header announces.
    """
    announced = _native_bytes(elements, frames)
    if pixels.encapsulated:
        compressed = sum(part.length for part in fragments(elements, pixels)[1:])
        if announced > max(_BELIEVED_BYTES, _MOST_COMPRESSED * compressed):
            raise InstanceUnreadableError(
                f"{compressed} bytes of compressed pixels cannot hold {announced} bytes"
            )
    elif pixels.start + pixels.length > elements.size or pixels.length < announced:
        raise InstanceUnreadableError("the pixel data is truncated")


def fragments_by_frame(
    elements: Elements, pixels: PixelElement, frames: int
) -> list[list[Fragment]]:
    """The fragments of every frame of encapsulated pixel data (PS3.5 A.4).

    Parameters
    ----------
    elements
        With :data:`OFFSET_TABLE` among those read.
    pixels
        Where the pixel data lies.
    frames
        How many there are.

    Raises
    ------
    InstanceUnreadableError
        If the fragments do not lead to the sequence delimiter, or nothing says which of them
        belong to which frame.
    """
    table, *parts = fragments(elements, pixels)
    if frames == 1:
        return [parts]
    if len(parts) == frames:
        return [[part] for part in parts]
    begins = _begins(elements, table)
    first = table.start + table.length + 8  # offsets count from the first fragment's item tag
    at = {part.start - first: number for number, part in enumerate(parts)}
    if len(begins) != frames or begins != sorted(set(begins) & set(at)):
        raise InstanceUnreadableError(f"{len(parts)} fragments do not make {frames} frames")
    ends = [*(at[begin] for begin in begins[1:]), len(parts)]
    return [parts[at[begin] : end] for begin, end in zip(begins, ends, strict=True)]


def _begins(elements: Elements, table: Fragment) -> list[int]:
    """Where each frame begins, by the extended or the basic offset table."""
    if extended := elements.raw.get(_EXTENDED_OFFSETS, b""):
        return [int.from_bytes(extended[i : i + 8], "little") for i in range(0, len(extended), 8)]
    elements.stream.seek(table.start)
    basic = elements.stream.read(table.length)
    return [int.from_bytes(basic[i : i + 4], "little") for i in range(0, len(basic), 4)]


def fragments(elements: Elements, pixels: PixelElement) -> list[Fragment]:
    """The items of encapsulated pixel data, the basic offset table first (PS3.5 A.4).

    Raises
    ------
    InstanceUnreadableError
        If they do not lead to the sequence delimiter.
    """
    found: list[Fragment] = []
    at = pixels.start
    while at + 8 <= elements.size:
        elements.stream.seek(at)
        tag, length = elements.stream.read(4), int.from_bytes(elements.stream.read(4), "little")
        if tag == _SEQUENCE_END and found:
            return found
        if tag != _ITEM or length == UNDEFINED_LENGTH:
            break
        found.append(Fragment(at + 8, length))
        at += 8 + length
    raise InstanceUnreadableError("the pixel data is truncated")


def compression_ratio(elements: Elements) -> float | None:
    """Uncompressed by compressed size of the pixels; None where they are uncompressed.

    Raises
    ------
    InstanceUnreadableError
        If the pixel data ends early.
    """
    if elements.pixels is None or not elements.pixels.encapsulated:
        return None
    compressed = sum(part.length for part in fragments(elements, elements.pixels)[1:])
    return _native_bytes(elements) / compressed if compressed else None


def bits_allocated(elements: Elements) -> int:
    """Bits of one value; those of nearly every CT where absent."""
    return elements.short(_BITS_ALLOCATED) or 16


def _native_bytes(elements: Elements, frames: int = 0) -> int:
    """Length of uncompressed pixel data (PS3.5 8.1.1, PS3.3 C.7.6.3) [bytes]."""
    rows, columns = elements.short(_ROWS) or 0, elements.short(_COLUMNS) or 0
    samples = elements.short(_SAMPLES) or 1
    bits = rows * columns * samples * bits_allocated(elements)
    if elements.ascii(_PHOTOMETRIC) == "YBR_FULL_422":
        bits = bits * 2 // 3
    return (bits * max(1, frames, elements.integer(_FRAMES) or 1) + 7) // 8
