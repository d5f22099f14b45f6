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
from node.series.jpeg import END_OF_IMAGE, LONGEST_HEADER, require_sound
from node.series.wholeness import fragments

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
        _require_sound_stream(elements, pixels, shape, bits_allocated)
    try:
        stored: NDArray[np.integer[Any]] = pixel_array(path, raw=True, decoding_plugin=plugin)
    except _DECODE_FAULTS as fault:
        raise InstanceUnreadableError(
            f"the pixel data cannot be decoded ({type(fault).__name__})"
        ) from fault
    return stored


def _require_sound_stream(
    elements: Elements, pixels: PixelElement, shape: tuple[int, int], bits_allocated: int
) -> None:
    """Raises unless the image's stream begins and ends as a sound one does."""
    parts = fragments(elements, pixels)
    if not parts:
        raise InstanceUnreadableError("the pixel data holds no image")
    first, last = parts[0], parts[-1]
    elements.stream.seek(first.start)
    require_sound(elements.stream.read(min(first.length, LONGEST_HEADER)), shape, bits_allocated)
    elements.stream.seek(last.start + max(0, last.length - 8))
    # CharLS never returns from a stream without an end.
    if not elements.stream.read(min(last.length, 8)).rstrip(b"\0").endswith(END_OF_IMAGE):
        raise InstanceUnreadableError("the JPEG stream has no end")
