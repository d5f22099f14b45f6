"""The small pictures of a page: a map or the CT of one slice, cropped to the brain."""

from collections.abc import Iterator
from dataclasses import dataclass

import contourpy
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from node.derived.annotation import Rgb
from node.derived.background import WINDOW_HU
from node.derived.bundle import ColourTable
from node.derived.colour_table import colour_table, levels
from node.derived.picture import CORE, PENUMBRA
from node.derived.summary.charts import DASHED, SOLID
from node.derived.summary.sheet import FINE, stroke
from node.perfusion import Findings, Lesion, Quantity

_AROUND_MM = 6.0  # of skull and scalp beside the brain
CORE_DASH, HYPOPERFUSION_DASH = SOLID, DASHED
_DIMMED = 0.8  # the CT, so that outlines stand out


@dataclass(frozen=True)
class Crop:
    """The part of every slice that holds brain.

    Parameters
    ----------
    rows, columns
        Of the analysis grid.
    height_mm, width_mm
        Its size [mm].
    """

    rows: slice
    columns: slice
    height_mm: float
    width_mm: float

    @classmethod
    def around(cls, findings: Findings) -> "Crop":
        """The brain of all slices and a little around it; everything where there is none."""
        maps = findings.maps
        _, dy, dx = maps.spacing_mm
        sides = [
            _side(np.flatnonzero(maps.brain.any(axis=other)), length, round(_AROUND_MM / mm))
            for other, length, mm in zip(
                ((0, 2), (0, 1)), maps.brain.shape[1:], (dy, dx), strict=True
            )
        ]
        height, width = (s.stop - s.start for s in sides)
        return cls(sides[0], sides[1], height * dy, width * dx)

    def within(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the largest true picture in a room [pixel]."""
        scale = min(width / self.width_mm, height / self.height_mm)
        return max(1, int(self.width_mm * scale)), max(1, int(self.height_mm * scale))

    def enlarged(
        self, values: NDArray[np.float32] | NDArray[np.bool_], size: tuple[int, int]
    ) -> NDArray[np.float32]:
        """One slice's part as (height, width) float32 of a picture's size."""
        part = np.ascontiguousarray(values[self.rows, self.columns], np.float32)
        return np.asarray(Image.fromarray(part).resize(size, Image.Resampling.BILINEAR), np.float32)

    def place(self, row: float, column: float, size: tuple[int, int]) -> tuple[float, float]:
        """Where a voxel of the grid lies on a picture: x and y [pixel]."""
        rows, columns = (s.stop - s.start for s in (self.rows, self.columns))
        x = (column + 0.5 - self.columns.start) / columns * size[0]
        y = (row + 0.5 - self.rows.start) / rows * size[1]
        return x, y


def _side(known: NDArray[np.intp], length: int, around: int) -> slice:
    """From the first to the last of what is known and a little beyond; all where nothing is."""
    if not len(known):
        return slice(0, length)
    return slice(max(int(known[0]) - around, 0), min(int(known[-1]) + 1 + around, length))


def map_tile(
    findings: Findings,
    crop: Crop,
    z: int,
    quantity: Quantity,
    size: tuple[int, int],
    table: ColourTable,
) -> Image.Image:
    """A map in colour inside the brain, black outside, (width, height) = ``size``."""
    maps = findings.maps
    weight = crop.enlarged(maps.brain[z], size)
    value = np.divide(crop.enlarged(maps[quantity][z], size), np.maximum(weight, np.float32(0.5)))
    rgb = colour_table(table)[levels(value, quantity.meaning.window)]
    rgb = np.where((weight > 0.5)[..., None], rgb, 0).astype(np.uint8)
    return Image.fromarray(rgb)


def ct_tile(findings: Findings, crop: Crop, z: int, size: tuple[int, int]) -> Image.Image:
    """The CT before contrast with core and hypoperfusion outlined, one solid and one dashed."""
    centre, width = WINDOW_HU
    window = (centre - width / 2, centre + width / 2)
    hu = crop.enlarged(findings.maps.baseline_hu[z], size)
    grey = (levels(hu, window) * _DIMMED).astype(np.uint8)
    image = Image.fromarray(np.repeat(grey[..., None], 3, axis=2))
    lesion = findings.lesion
    if not lesion.hypoperfusion[z].any():
        return image
    layer = Image.new("RGBA", (size[0] * FINE, size[1] * FINE))
    draw = ImageDraw.Draw(layer)
    scale = min(max(size[0] / 120, 0.6), 1.0)
    for mask, colour, dash in _outlined(lesion, z):
        scaled = tuple(length * scale for length in dash)
        for points in contours(crop.enlarged(mask, size)):
            stroke(draw, points, colour, scaled, 2.2 * scale)
    small = layer.reduce(FINE)
    image.paste(small, mask=small)
    return image


def _outlined(lesion: Lesion, z: int) -> tuple[tuple[NDArray[np.bool_], Rgb, tuple[int, ...]], ...]:
    """What is outlined, the core last: it is above."""
    return (
        (lesion.hypoperfusion[z], PENUMBRA, HYPOPERFUSION_DASH),
        (lesion.core[z], CORE, CORE_DASH),
    )


def contours(share: NDArray[np.float32]) -> Iterator[NDArray[np.float64]]:
    """Closed lines, (N, 2) x and y [pixel], around where a picture is above one half."""
    padded = np.pad(share, 1)  # a lesion at the picture's edge is closed, too
    for line in contourpy.contour_generator(z=padded).lines(0.5):
        points: NDArray[np.float64] = np.asarray(line, np.float64) - 0.5
        yield points
