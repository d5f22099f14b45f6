"""Compressed pixels, by way of pydicom and one chosen decoder for each transfer syntax."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from node.errors import InstanceUnreadableError
from node.series.elements import READ_FAULTS, Elements, PixelElement
from node.series.jpeg import LONGEST_HEADER, require_sound

# One decoder each, never pydicom's fall-back to the next: GDCM ends the whole process on some
# damaged JPEG-LS and JPEG 2000 streams (seen by fuzzing), where these raise.
_PLUGINS: dict[str, str] = {
    RLELossless: "pydicom",
    JPEGBaseline8Bit: "gdcm",
    JPEGExtended12Bit: "gdcm",
    JPEGLossless: "gdcm",
    JPEGLosslessSV1: "gdcm",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
    HTJ2K: "pylibjpeg",
}
_TRUSTING = frozenset({"gdcm", "pyjpegls"})

# What pydicom and the decoders behind it raise on pixel data that cannot be decoded.
_DECODE_FAULTS = (*READ_FAULTS, RuntimeError, MemoryError)


def decode(
    path: Path,
    elements: Elements,
    pixels: PixelElement,
    shape: tuple[int, int],
    bits_allocated: int,
) -> NDArray[np.integer[Any]]:
    """The stored values of an image that is compressed, or of 8 or 32 bits.

    Parameters
    ----------
    path
        The Part 10 file.
    elements, pixels
        Its elements, and where its pixel data lies.
    shape, bits_allocated
        Rows and columns, and bits of one value, as the data set says.

    Raises
    ------
    InstanceUnreadableError
        If no decoder knows the transfer syntax, or the pixels are damaged.
    """
    syntax = elements.transfer_syntax_uid
    plugin = _PLUGINS.get(syntax, "")
    if pixels.encapsulated and not plugin:
        raise InstanceUnreadableError(f"no decoder for the transfer syntax {syntax}")
    if plugin in _TRUSTING:
        require_sound(_first_fragment(elements, pixels), shape, bits_allocated)
    try:
        stored: NDArray[np.integer[Any]] = pixel_array(path, raw=True, decoding_plugin=plugin)
    except _DECODE_FAULTS as fault:
        raise InstanceUnreadableError(
            f"the pixel data cannot be decoded ({type(fault).__name__})"
        ) from fault
    return stored


def _first_fragment(elements: Elements, pixels: PixelElement) -> bytes:
    """The beginning of the first fragment after the offset table (PS3.5 A.4)."""
    elements.stream.seek(pixels.start + 4)
    offsets = int.from_bytes(elements.stream.read(4), "little")
    elements.stream.seek(pixels.start + 8 + offsets + 4)
    length = int.from_bytes(elements.stream.read(4), "little")
    return elements.stream.read(min(length, LONGEST_HEADER))
