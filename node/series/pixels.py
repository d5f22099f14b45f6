"""One instance's pixels as attenuation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.errors import InstanceUnreadableError
from node.series.decoding import decode
from node.series.elements import Elements, PixelElement, read_elements
from node.series.wholeness import PIXEL_DESCRIPTION, require_whole

AIR_HU = -1024.0
# What 12 bits hold at the usual intercept; metal beyond it tells perfusion nothing.
MAX_HU = 3071.0

_SAMPLES, _ROWS, _COLUMNS = 0x00280002, 0x00280010, 0x00280011
_BITS_ALLOCATED, _BITS_STORED, _REPRESENTATION = 0x00280100, 0x00280101, 0x00280103
_PADDING, _PADDING_LIMIT = 0x00280120, 0x00280121
_INTERCEPT, _SLOPE = 0x00281052, 0x00281053
_WANTED = (
    *(_SAMPLES, _ROWS, _COLUMNS, _BITS_ALLOCATED, _BITS_STORED, _REPRESENTATION),
    *(_PADDING, _PADDING_LIMIT, _INTERCEPT, _SLOPE, *PIXEL_DESCRIPTION),
)


@dataclass(frozen=True)
class _Encoding:
    """How stored values become attenuation (PS3.3 C.7.6.3, C.7.5.1.1.2, C.11.1)."""

    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    padding: tuple[int, int] | None
    slope: float
    intercept: float


def read_hu(path: Path) -> NDArray[np.float32]:
    """Attenuation of one single-frame instance, padding as air, (Y, X) float32 [HU].

    Values are clipped to -1024 ... 3071 HU.

    Raises
    ------
    InstanceUnreadableError
        If the pixels are not there, are no single grey image, or cannot be decoded.
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as stream:
        elements = read_elements(stream, _WANTED)
        if elements.pixels is None:
            raise InstanceUnreadableError("there is no pixel data")
        require_whole(elements, elements.pixels)
        encoding = _encoding(elements)
        if elements.pixels.encapsulated or encoding.bits_allocated != 16:
            shape = (encoding.rows, encoding.columns)
            stored = decode(path, elements, elements.pixels, shape, encoding.bits_allocated)
        else:
            stored = _native(elements, elements.pixels, encoding)
    if stored.shape != (encoding.rows, encoding.columns):
        raise InstanceUnreadableError(
            f"the pixels are {stored.shape} instead of {encoding.rows} x {encoding.columns}"
        )
    return _attenuation(stored, encoding)


def _encoding(elements: Elements) -> _Encoding:
    slope = elements.number(_SLOPE) if _SLOPE in elements.raw else 1.0
    intercept = elements.number(_INTERCEPT) if _INTERCEPT in elements.raw else 0.0
    if slope is None or intercept is None or not 0 < abs(slope) < 1e6 or abs(intercept) > 1e6:
        raise InstanceUnreadableError("RescaleSlope or RescaleIntercept is no use")
    if (elements.short(_SAMPLES) or 1) != 1:
        raise InstanceUnreadableError("the image is in colour")
    signed = elements.short(_REPRESENTATION) == 1
    allocated = elements.short(_BITS_ALLOCATED) or 16
    stored = elements.short(_BITS_STORED) or allocated
    if not 0 < stored <= allocated:
        raise InstanceUnreadableError(f"{stored} bits are stored in {allocated}")
    return _Encoding(
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


def _native(
    elements: Elements, pixels: PixelElement, encoding: _Encoding
) -> NDArray[np.integer[Any]]:
    """Uncompressed 16-bit pixels: read where they lie, without a data set in between."""
    count = encoding.rows * encoding.columns
    elements.stream.seek(pixels.start)
    raw = elements.stream.read(2 * count)
    kind = elements.byte_order + ("i2" if encoding.signed else "u2")
    stored: NDArray[np.integer[Any]] = np.frombuffer(raw, kind)
    return stored.reshape(encoding.rows, encoding.columns)


def _attenuation(stored: NDArray[np.integer[Any]], encoding: _Encoding) -> NDArray[np.float32]:
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


def _significant(stored: NDArray[np.integer[Any]], encoding: _Encoding) -> NDArray[np.integer[Any]]:
    """The stored bits without what old overlays left above them, sign extended."""
    spare = encoding.bits_allocated - encoding.bits_stored
    if not spare:
        return stored
    return (stored << spare) >> spare
