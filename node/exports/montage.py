"""The slices of one colour series in one picture, small enough for a page."""

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pydicom
from PIL import Image

from node.exports.pictures import rgb

_MOST = 64
"""Slices in one picture; of more, evenly spread ones are shown."""


def montage(files: Sequence[Path], side: int, margin: float = 0.0) -> bytes:
    """Colour Secondary Captures side by side, in the order of their numbers, as a PNG.

    Parameters
    ----------
    files
        The result objects of one series.
    side
        Width of one slice [pixel]; its height follows.
    margin
        How much of each side is left out, as a fraction: what is written there is too small to
        be read in a preview.

    Raises
    ------
    OSError
        If a file is not there.
    """
    images = sorted((pydicom.dcmread(path) for path in _some(files)), key=_number)
    tiles = [_tile(Image.fromarray(rgb(image)), side, margin) for image in images]
    columns = math.ceil(math.sqrt(len(tiles)))
    height = max(tile.height for tile in tiles)
    sheet = Image.new("RGB", (columns * side, math.ceil(len(tiles) / columns) * height))
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (place % columns * side, place // columns * height))
    out = BytesIO()
    sheet.save(out, "PNG", optimize=False)
    return out.getvalue()


def _some(files: Sequence[Path]) -> Sequence[Path]:
    step = max(1, math.ceil(len(files) / _MOST))
    return files[::step]


def _number(image: pydicom.Dataset) -> int:
    return int(image.InstanceNumber)


def _tile(picture: Image.Image, side: int, margin: float) -> Image.Image:
    height = round(picture.height * side / picture.width)
    left, top = margin * picture.width, margin * picture.height
    box = (left, top, picture.width - left, picture.height - top)
    return picture.resize((side, height), Image.Resampling.BOX, box=box, reducing_gap=2.0)
