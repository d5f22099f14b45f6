"""The pixels of the colour pictures: the maps' grid enlarged, with room for text around it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from node.derived.annotation import PAD, Box
from node.series import Geometry

SIDE = 512  # pixels along the longer side of a picture


@dataclass(frozen=True)
class Margins:
    """Pixels added at the edges so that no annotation hides brain."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0


@dataclass(frozen=True, eq=False)
class Canvas:
    """Where the enlarged grid lies on a picture.

    Parameters
    ----------
    grid
        The geometry of the maps.
    margins
        Pixels added at the edges.
    """

    grid: Geometry
    margins: Margins

    @property
    def inner(self) -> tuple[int, int]:
        """Rows and columns of the enlarged grid."""
        factor = max(1.0, SIDE / max(self.grid.rows, self.grid.columns))
        return round(self.grid.rows * factor), round(self.grid.columns * factor)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a picture."""
        rows, columns = self.inner
        return (
            rows + self.margins.top + self.margins.bottom,
            columns + self.margins.left + self.margins.right,
        )

    @property
    def geometry(self) -> Geometry:
        """Where the pictures' pixels lie in the patient.

        Enlarging keeps the outer edges of the grid: its first pixel is cut into smaller ones,
        whose first centre lies nearer to the corner.
        """
        rows, columns = self.inner
        old_y, old_x = self.grid.pixel_mm
        new_y, new_x = old_y * self.grid.rows / rows, old_x * self.grid.columns / columns
        along_row = (new_x - old_x) / 2 - self.margins.left * new_x
        along_column = (new_y - old_y) / 2 - self.margins.top * new_y
        row, column = np.array(self.grid.orientation[:3]), np.array(self.grid.orientation[3:])
        height, width = self.shape
        return replace(
            self.grid,
            position_mm=self.grid.position_mm + along_row * row + along_column * column,
            pixel_mm=(new_y, new_x),
            rows=height,
            columns=width,
        )

    def enlarge(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows, columns) float32, linear between pixel centres, without the margins."""
        rows, columns = self.inner
        image = Image.fromarray(np.ascontiguousarray(values, np.float32))
        return np.asarray(image.resize((columns, rows), Image.Resampling.BILINEAR))

    def framed(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture with its margins, black."""
        m = self.margins
        if not any((m.top, m.bottom, m.left, m.right)):
            return rgb
        return np.pad(rgb, ((m.top, m.bottom), (m.left, m.right), (0, 0)))


def fitted(grid: Geometry, brain: NDArray[np.bool_], boxes: Iterable[Box]) -> Canvas:
    """A canvas on which none of the boxes lies over brain in any slice.

    Parameters
    ----------
    grid
        The geometry of the maps.
    brain
        (Z, Y, X) bool.
    boxes
        Where something will be drawn.
    """
    bare = Canvas(grid, Margins())
    shadow = bare.enlarge(np.max(brain, axis=0).astype(np.float32)) > 0
    wanted = {"top": 0, "bottom": 0, "left": 0, "right": 0}
    for box in boxes:
        wanted[box.edge] = max(wanted[box.edge], _intrusion(shadow, box))
    return Canvas(grid, Margins(**wanted))


def _intrusion(shadow: NDArray[np.bool_], box: Box) -> int:
    """How many pixels a box at the bare picture's edge would reach into the brain."""
    height, width = shadow.shape
    left, top = box.corner(width, height)
    beside, depth = slice(max(left - PAD, 0), left + box.width + PAD), box.height
    hidden = np.flatnonzero(shadow[:, beside].max(axis=1, initial=False))
    if box.edge in ("left", "right"):
        beside, depth = slice(max(top - PAD, 0), top + box.height + PAD), box.width
        hidden = np.flatnonzero(shadow[beside].max(axis=0, initial=False))
    if not len(hidden):
        return 0
    length = height if box.edge in ("top", "bottom") else width
    free = hidden[0] if box.edge in ("top", "left") else length - 1 - hidden[-1]
    return max(0, depth + 2 * PAD - int(free))
