"""Compressed pixels, by way of pydicom and one chosen decoder for each transfer syntax."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gdcm
import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
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
from node.series.codestream import require_announced
from node.series.files import READ_FAULTS
from node.series.jpeg import END_OF_IMAGE, LONGEST_HEADER, require_sound

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
_CODESTREAMS = frozenset({JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K})

# What pydicom and the decoders behind it raise on pixel data that cannot be decoded.
_DECODE_FAULTS = (*READ_FAULTS, RuntimeError, MemoryError)


@dataclass(frozen=True)
class Encoding:
    """How stored values become attenuation (PS3.3 C.7.6.3, C.7.5.1.1.2, C.11.1)."""

    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    padding: tuple[int, int] | None
    slope: float
    intercept: float


def decode(
    parts: Sequence[bytes], transfer_syntax_uid: str, encoding: Encoding
) -> NDArray[np.integer[Any]]:
    """The stored values (Y, X) of one compressed frame.

    Parameters
    ----------
    parts
        The fragments that hold the frame.
    transfer_syntax_uid
        How it is compressed.
    encoding
        As the data set says.

    Raises
    ------
    InstanceUnreadableError
        If no decoder knows the transfer syntax, or the pixels are damaged.
    """
    plugin = _PLUGINS.get(transfer_syntax_uid, "")
    if not plugin:
        name = UID(transfer_syntax_uid).name  # the UID itself where the dictionary has none
        also = "" if name == transfer_syntax_uid else f" ({name})"
        raise InstanceUnreadableError(
            f"no decoder for the transfer syntax {transfer_syntax_uid}{also}"
        )
    stream = b"".join(parts)
    _require_sound_stream(stream, transfer_syntax_uid, encoding)
    described: dict[str, Any] = {
        "number_of_frames": 1,
        "rows": encoding.rows,
        "columns": encoding.columns,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",  # or 1, which is as grey: the values are raw
        "bits_allocated": encoding.bits_allocated,
        "bits_stored": encoding.bits_stored,
        "pixel_representation": int(encoding.signed),
    }
    if _is_of_twelve_bits(transfer_syntax_uid, encoding):
        return _twelve_bits(stream, encoding)
    frame = encapsulate([stream], has_bot=False)
    try:
        stored, _ = get_decoder(UID(transfer_syntax_uid)).as_array(
            frame, raw=True, decoding_plugin=plugin, **described
        )
    except _DECODE_FAULTS as fault:
        raise InstanceUnreadableError(
            f"the pixel data cannot be decoded ({type(fault).__name__})"
        ) from fault
    return stored


def _require_sound_stream(stream: bytes, transfer_syntax_uid: str, encoding: Encoding) -> None:
    """Raises unless the image's stream begins and ends as a sound one does."""
    if len(stream) < 2:
        raise InstanceUnreadableError("the pixel data holds no image")
    shape = (encoding.rows, encoding.columns)
    if transfer_syntax_uid in _CODESTREAMS:
        require_announced(stream, shape, encoding.bits_allocated)
    if _PLUGINS[transfer_syntax_uid] not in _TRUSTING:
        return
    # GDCM ends the process where values of a JPEG are to be wider than a JPEG's can be.
    if encoding.bits_allocated > 16:
        raise InstanceUnreadableError("a JPEG stream does not hold values of 32 bits")
    # Likewise where it is to clear spare bits of single bytes.
    if encoding.bits_allocated == 8 != encoding.bits_stored:
        raise InstanceUnreadableError(f"{encoding.bits_stored} bits of a JPEG are stored in 8")
    precision = require_sound(stream[:LONGEST_HEADER], shape, encoding.bits_allocated)
    # And where its decoder of 12 bits is given a stream of 8 or 16.
    if _is_of_twelve_bits(transfer_syntax_uid, encoding) and precision != 12:
        raise InstanceUnreadableError(f"a JPEG of {precision} bits does not fit the data set")
    # CharLS never returns from a stream without an end.
    if not stream[-8:].rstrip(b"\0").endswith(END_OF_IMAGE):
        raise InstanceUnreadableError("the JPEG stream has no end")


def _is_of_twelve_bits(transfer_syntax_uid: str, encoding: Encoding) -> bool:
    return transfer_syntax_uid == JPEGExtended12Bit and encoding.bits_stored > 8


def _twelve_bits(stream: bytes, encoding: Encoding) -> NDArray[np.integer[Any]]:
    """The values of a lossy JPEG of 12 bits, which pydicom does not let GDCM decode."""
    if encoding.bits_allocated != 16:
        raise InstanceUnreadableError("a JPEG of 12 bits does not fit the data set")
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(stream)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((encoding.columns, encoding.rows, 1))
    image.SetDataElement(element)
    syntax = gdcm.TransferSyntax.GetTSType(str(JPEGExtended12Bit))
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    # 12 bits allocated, though 16 are: so GDCM takes its decoder of 12 bits at once, else it
    # tries that of 16 first, which complains of every image on stderr.
    image.SetPixelFormat(gdcm.PixelFormat(1, 12, 12, 11, int(encoding.signed)))
    decoded = (image.GetBuffer() or "").encode("utf-8", "surrogateescape")
    if len(decoded) != encoding.rows * encoding.columns * 2:
        raise InstanceUnreadableError("the pixel data cannot be decoded")
    stored: NDArray[np.integer[Any]] = np.frombuffer(decoded, "<i2" if encoding.signed else "<u2")
    return stored.reshape(encoding.rows, encoding.columns)
