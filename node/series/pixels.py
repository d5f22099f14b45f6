"""The pixels of one instance, frame by frame, as attenuation."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.errors import InstanceUnreadableError
from node.series.decoding import Encoding, decode
from node.series.elements import Elements, read_elements
from node.series.files import open_file
from node.series.multiframe import FUNCTIONAL_GROUPS, frames_of
from node.series.watch import PIXEL_DATA, PixelElement
from node.series.wholeness import (
    OFFSET_TABLE,
    PIXEL_DESCRIPTION,
    Fragment,
    bits_allocated,
    fragments_by_frame,
    require_whole,
)

AIR_HU = -1024.0
# What 12 bits hold at the usual intercept; metal beyond it tells perfusion nothing.
MAX_HU = 3071.0

_WIDTHS = (8, 16, 32)  # of one value, that are known of grey images [bits]
_GREY = frozenset({"MONOCHROME1", "MONOCHROME2", ""})

_SAMPLES, _PHOTOMETRIC = 0x00280002, 0x00280004
_ROWS, _COLUMNS = 0x00280010, 0x00280011
_BITS_STORED, _REPRESENTATION = 0x00280101, 0x00280103
_PADDING, _PADDING_LIMIT = 0x00280120, 0x00280121
_INTERCEPT, _SLOPE = 0x00281052, 0x00281053
_WANTED = (
    *(_BITS_STORED, _REPRESENTATION, _PADDING, _PADDING_LIMIT, _INTERCEPT, _SLOPE),
    *PIXEL_DESCRIPTION,
    *OFFSET_TABLE,
    *FUNCTIONAL_GROUPS,
)


class PixelFile:
    """The pixels of one Part 10 file: its header is read once, its frames when asked for.

    Threads may ask at once. Between calls nothing of the pixels is held, but for a deflated data
    set, which has to be inflated as a whole.
    """

    def __init__(self, elements: Elements, pixels: PixelElement) -> None:
        self._elements = elements
        self._pixels = pixels
        frames = frames_of(elements)
        self._encodings = [_encoding(frame) for frame in frames or [elements]]
        self._fragments = (
            fragments_by_frame(elements, pixels, len(self._encodings))
            if pixels.encapsulated
            else []
        )
        self._reading = threading.Lock()

    def hu(self, frame: int = 1) -> NDArray[np.float32]:
        """Attenuation of one frame, padding as air, (Y, X) float32 [HU].

        Values are clipped to -1024 ... 3071 HU.

        Parameters
        ----------
        frame
            Its number, from 1.

        Raises
        ------
        InstanceUnreadableError
            If there is no such frame, or its pixels cannot be decoded.
        OSError
            If the file cannot be read.
        """
        if not 0 < frame <= len(self._encodings):
            raise InstanceUnreadableError(f"there is no frame {frame}")
        encoding = self._encodings[frame - 1]
        if self._pixels.encapsulated:
            parts = self._read(self._fragments[frame - 1])
            stored = decode(parts, self._elements.transfer_syntax_uid, encoding)
        else:
            stored = self._native(frame, encoding)
        if stored.shape != (encoding.rows, encoding.columns):
            raise InstanceUnreadableError(
                f"the pixels are {stored.shape} instead of {encoding.rows} x {encoding.columns}"
            )
        return _attenuation(stored, encoding)

    def _native(self, frame: int, encoding: Encoding) -> NDArray[np.integer[Any]]:
        """Uncompressed pixels: read where they lie, without a data set in between."""
        size = encoding.rows * encoding.columns * encoding.bits_allocated // 8
        [raw] = self._read([Fragment(self._pixels.start + (frame - 1) * size, size)])
        if len(raw) != size:
            raise InstanceUnreadableError("the pixel data is truncated")
        sign, width = "i" if encoding.signed else "u", encoding.bits_allocated // 8
        kind = f"{self._elements.byte_order}{sign}{width}"
        stored: NDArray[np.integer[Any]] = np.frombuffer(raw, kind)
        return stored.reshape(encoding.rows, encoding.columns)

    def _read(self, parts: Sequence[Fragment]) -> list[bytes]:
        stream, found = self._elements.stream, []
        with self._reading:
            for part in parts:
                stream.seek(part.start)
                found.append(stream.read(part.length))
        return found


@contextmanager
def open_pixels(path: Path) -> Iterator[PixelFile]:
    """The pixels of a Part 10 file while the block lasts.

    Raises
    ------
    InstanceUnreadableError
        If the pixels are not there, are no grey image, or end early.
    OSError
        If the file cannot be read.
    """
    with open_file(path) as stream:
        elements = read_elements(stream, _WANTED)
        if elements.pixels is None:
            raise InstanceUnreadableError("there is no pixel data")
        if elements.pixels.tag != PIXEL_DATA:
            raise InstanceUnreadableError("the pixel data is of floating point numbers")
        require_whole(elements, elements.pixels)
        yield PixelFile(elements, elements.pixels)


def read_hu(path: Path, frame: int = 1) -> NDArray[np.float32]:
    """Attenuation of one image, padding as air, (Y, X) float32 [HU].

    Values are clipped to -1024 ... 3071 HU.

    Raises
    ------
    InstanceUnreadableError
        If the pixels are not there, are no grey image, or cannot be decoded.
    OSError
        If the file cannot be read.
    """
    with open_pixels(path) as pixels:
        return pixels.hu(frame)


def _encoding(elements: Elements) -> Encoding:
    slope = elements.number(_SLOPE) if _SLOPE in elements.raw else 1.0
    intercept = elements.number(_INTERCEPT) if _INTERCEPT in elements.raw else 0.0
    if slope is None or intercept is None or not 0 < abs(slope) < 1e6 or abs(intercept) > 1e6:
        raise InstanceUnreadableError("RescaleSlope or RescaleIntercept is no use")
    if (elements.short(_SAMPLES) or 1) != 1:
        raise InstanceUnreadableError("the image is in colour")
    # GDCM ends the process over a name that it does not know.
    if elements.ascii(_PHOTOMETRIC) not in _GREY:
        raise InstanceUnreadableError("the image says that it is not grey")
    signed = elements.short(_REPRESENTATION) == 1
    allocated = bits_allocated(elements)
    stored = elements.short(_BITS_STORED) or allocated
    if allocated not in _WIDTHS or not 0 < stored <= allocated:
        raise InstanceUnreadableError(f"{stored} bits are stored in {allocated}")
    return Encoding(
        rows=elements.short(_ROWS) or 0,
        columns=elements.short(_COLUMNS) or 0,
        bits_allocated=allocated,
        bits_stored=stored,
        signed=signed,
        padding=_padding(elements, signed=signed),
        slope=slope,
        intercept=intercept,
    )


def _padding(elements: Elements, *, signed: bool) -> tuple[int, int] | None:
    """Lowest and highest stored value that stand for no tissue (PS3.3 C.7.5.1.1.2)."""
    value = elements.short(_PADDING, signed=signed)
    if value is None:
        return None
    limit = elements.short(_PADDING_LIMIT, signed=signed)
    return (value, value) if limit is None else (min(value, limit), max(value, limit))


def _attenuation(stored: NDArray[np.integer[Any]], encoding: Encoding) -> NDArray[np.float32]:
    outside = None
    if encoding.padding is not None:
        low, high = encoding.padding
        outside = (stored >= low) & (stored <= high)
    hu = _significant(stored, encoding).astype(np.float32)
    if encoding.slope != 1.0:
        hu *= np.float32(encoding.slope)
    hu += np.float32(encoding.intercept)
    if outside is not None:
        hu[outside] = AIR_HU
    return np.clip(hu, AIR_HU, MAX_HU, out=hu)


def _significant(stored: NDArray[np.integer[Any]], encoding: Encoding) -> NDArray[np.integer[Any]]:
    """The stored bits without what old overlays left above them, sign extended."""
    spare = encoding.bits_allocated - encoding.bits_stored
    if not spare:
        return stored
    return (stored << spare) >> spare
