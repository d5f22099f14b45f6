"""Whether a JPEG or JPEG-LS stream's own header is sound.

The C++ decoders trust that header: GDCM ends the process, CharLS never returns, on some that are
damaged (seen by fuzzing). So it is read first, strictly, and compared with the data set.
"""

import struct

from node.errors import InstanceUnreadableError

LONGEST_HEADER = 1 << 16
END_OF_IMAGE = b"\xff\xd9"

# Markers (ITU-T T.81 table B.1, T.87 table C.1).
_FRAMES = frozenset({0xC0, 0xC1, 0xC3, 0xF7})
_HUFFMAN_TABLES, _SCAN, _APPLICATION_0 = 0xC4, 0xDA, 0xE0
_OTHERS = frozenset({0xDB, 0xDD, 0xF8, 0xFE, *range(0xE1, 0xF0)})

# One grey component: identifier, 1 x 1 sampling; then its table or, in JPEG-LS, 0.
_LENGTH_OF_FRAME, _LENGTH_OF_SCAN = 11, 8


def require_sound(stream: bytes, shape: tuple[int, int], bits_allocated: int) -> int:
    """Bits of one value, of a stream whose header announces one grey image as the data set does.

    Parameters
    ----------
    stream
        From the start of the image, at least to the start of the scan.
    shape
        Rows and columns of the data set.
    bits_allocated
        Most bits of one value.

    Raises
    ------
    InstanceUnreadableError
        If the header is damaged or of another image.
    """
    if not stream.startswith(b"\xff\xd8"):
        raise InstanceUnreadableError("the pixel data is no JPEG stream")
    at, precisions, marker = 2, list[int](), 0
    while marker != _SCAN:
        if at + 4 > len(stream) or stream[at] != 0xFF:
            raise InstanceUnreadableError("the header of the JPEG stream is damaged")
        marker, length = stream[at + 1], int.from_bytes(stream[at + 2 : at + 4], "big")
        body = stream[at + 4 : at + 2 + length]
        if len(body) != length - 2 or not _sound(marker, body, shape, bits_allocated):
            raise InstanceUnreadableError(f"segment {marker:02X}H of the JPEG stream is damaged")
        precisions += body[:1] if marker in _FRAMES else b""
        at += 2 + length
    if len(precisions) != 1:
        raise InstanceUnreadableError(f"the JPEG stream has {len(precisions)} frame headers")
    return precisions[0]


def _sound(marker: int, body: bytes, shape: tuple[int, int], bits_allocated: int) -> bool:
    if marker in _FRAMES:
        return _sound_frame(marker, body, shape, bits_allocated)
    if marker == _SCAN:
        return len(body) == _LENGTH_OF_SCAN - 2 and body[0] == 1 and body[5] < bits_allocated
    if marker == _HUFFMAN_TABLES:
        return _sound_tables(body)
    if marker == _APPLICATION_0:
        # JFIF, version 1.x; GDCM ends the process over any other version.
        return not body.startswith(b"JFIF\0") or body[5:6] == b"\x01"
    return marker in _OTHERS


def _sound_frame(marker: int, body: bytes, shape: tuple[int, int], bits_allocated: int) -> bool:
    if len(body) != _LENGTH_OF_FRAME - 2:
        return False
    bits, rows, columns, components = struct.unpack(">BHHB", body[:6])
    sampling, table = body[7], body[8]
    return (
        2 <= bits <= bits_allocated
        and (rows, columns) == shape
        and components == 1
        and sampling == 0x11
        and table < (1 if marker == 0xF7 else 4)
    )


def _sound_tables(body: bytes) -> bool:
    """Whether Huffman tables fill their segment exactly and can be codes (T.81 B.2.4.2)."""
    while body:
        if len(body) < 17 or body[0] & 0x0F > 3 or body[0] >> 4 > 1:
            return False
        counts = body[1:17]
        codes = sum(count << (16 - length) for length, count in enumerate(counts, start=1))
        if codes > 1 << 16 or len(body) < 17 + sum(counts):
            return False
        body = body[17 + sum(counts) :]
    return True
