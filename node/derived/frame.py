"""What is written around every picture of a series, and on which canvas."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from node.derived.annotation import SOFT, Block, Edge, Line, draw_block
from node.derived.canvas import Canvas
from node.derived.plane import column_letters, letters, location_mm, row_letters
from node.series import Geometry


@dataclass(frozen=True, eq=False)
class Frame:
    """The canvas and the annotations that all pictures of a series share.

    Parameters
    ----------
    canvas
        Fitted so that no annotation hides brain.
    blocks
        Text that does not change from slice to slice.
    """

    canvas: Canvas
    blocks: tuple[Block, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a picture."""
        height, width = self.canvas.shape
        return width, height

    def overlay(self) -> Image.Image:
        """The shared annotations on a transparent ground."""
        image = Image.new("RGBA", self.size)
        for block in (*self.blocks, *orientation_blocks(self.canvas.grid)):
            draw_block(ImageDraw.Draw(image), block, *self.size)
        return image

    def finished(self, rgb: NDArray[np.uint8], overlay: Image.Image, z: int) -> NDArray[np.uint8]:
        """The picture of slice ``z``, (rows, columns, 3) uint8, with everything written on it."""
        image = Image.fromarray(self.canvas.framed(rgb))
        image.paste(overlay, mask=overlay)
        block = slice_block(self.canvas.grid, z)
        draw_block(ImageDraw.Draw(image), block, *self.size)
        return np.asarray(image)


def orientation_blocks(geometry: Geometry) -> tuple[Block, ...]:
    """The letters of the patient's sides, one in the middle of every edge."""
    (left, right), (top, bottom) = row_letters(geometry), column_letters(geometry)
    named: dict[Edge, str] = {"top": top, "bottom": bottom, "left": left, "right": right}
    return tuple(
        Block(edge, "middle", (Line(name, 17, bold=True),)) for edge, name in named.items()
    )


def slice_block(geometry: Geometry, z: int) -> Block:
    """Which slice it is, and where: the distance along the normal and to which side."""
    place = location_mm(geometry, z)
    side = letters(geometry.normal if place >= 0 else -geometry.normal)
    lines = (
        Line(f"Slice {z + 1} of {len(geometry.position_mm)}"),
        Line(f"{side} {abs(place):.1f} mm", colour=SOFT),
    )
    return Block("top", "end", lines)
