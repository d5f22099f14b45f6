"""Pictures of result objects as PNG and JPEG files."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset

_JPEG_QUALITY = 82  # text of 11 pixels stays crisp


@dataclass(frozen=True)
class Picture:
    """One picture of a page.

    Parameters
    ----------
    series
        The series' description: what the picture shows.
    number
        Its place in the series, from 1.
    location_mm
        Its place along the normal; 0 where it has none.
    jpeg
        The picture itself.
    """

    series: str
    number: int
    location_mm: float
    jpeg: bytes


def png(image: Dataset) -> bytes:
    """The pixels of a colour Secondary Capture as a PNG, bit for bit."""
    return _encoded(image, "PNG", optimize=False)


def picture(image: Dataset, description: str) -> Picture:
    """A colour Secondary Capture, small enough for a page that holds a hundred of them."""
    jpeg = _encoded(image, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    location_mm = float(image.get("SliceLocation", 0.0))
    return Picture(description, int(image.InstanceNumber), location_mm, jpeg)


def rgb(image: Dataset) -> NDArray[np.uint8]:
    """(rows, columns, 3) uint8, the pixels of a colour Secondary Capture."""
    # Result objects are written in Explicit VR Little Endian, RGB by pixel: no decoder is needed.
    shape = (int(image.Rows), int(image.Columns), 3)
    return np.frombuffer(image.PixelData, np.uint8, count=int(np.prod(shape))).reshape(shape)


def _encoded(image: Dataset, kind: str, **how: object) -> bytes:
    out = BytesIO()
    Image.fromarray(rgb(image)).save(out, kind, **how)
    return out.getvalue()
