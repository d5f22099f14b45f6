"""Whether the image that a JPEG 2000 stream announces is the data set's.

OpenJPEG takes the image's size from the stream itself, up to 2^32 pixels a side, and memory for it
before it finds that the data are not there: 400 bytes that announce 12000 x 12000 pixels took
820 MiB. So what is announced is read first.
"""

import struct

from node.errors import InstanceUnreadableError

# Start of codestream, then at once the image and tile size (ISO/IEC 15444-1 A.4.1, A.5.1).
_START = b"\xff\x4f\xff\x51"
# A few writers wrap the codestream in a JP2 file, which DICOM forbids; its boxes are short.
_WRAPPER, _LONGEST_WRAPPER = b"\0\0\0\x0cjP  ", 1 << 12
_SIZE = struct.Struct(">4xHH8LH3B")


def require_announced(stream: bytes, shape: tuple[int, int], bits_allocated: int) -> None:
    """Raises unless the stream announces one grey image as the data set does.

    Parameters
    ----------
    stream
        Of one image.
    shape
        Rows and columns of the data set.
    bits_allocated
        Most bits of one value.

    Raises
    ------
    InstanceUnreadableError
        If it announces another image, or none.
    """
    at = stream.find(_START, 0, _LONGEST_WRAPPER) if stream.startswith(_WRAPPER) else 0
    if at < 0 or not stream.startswith(_START, at) or len(stream) < at + _SIZE.size:
        raise InstanceUnreadableError("the pixel data is no JPEG 2000 stream")
    announced = _SIZE.unpack_from(stream, at)
    right, bottom, left, top = announced[2:6]
    components, precision, *sampling = announced[10:]
    if (
        (bottom - top, right - left) != shape
        or components != 1
        or sampling != [1, 1]
        or (precision & 0x7F) + 1 > bits_allocated
    ):
        raise InstanceUnreadableError("the JPEG 2000 stream is of another image")
