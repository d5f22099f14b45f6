"""Paper and pen: text that fits its room, boxes, and smooth lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from node.derived.annotation import Line, Rgb
from node.derived.typeface import draw_text, length

GROUND: Rgb = (14, 17, 23)
RULE: Rgb = (58, 64, 76)
FINE = 3  # lines are drawn so many times larger and reduced, which smooths them
_LEFT_OF = {"l": 0.0, "m": 0.5, "r": 1.0}  # of an anchor, how much of the text lies left of it
_LEAST_SIZE = 10
ELLIPSIS = "…"


@dataclass(frozen=True)
class Room:
    """A rectangle of the page [pixel]."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column beyond it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """First row beyond it."""
        return self.top + self.height


class Sheet:
    """An RGB page that text and pictures are put on."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height), GROUND)
        self._draw = ImageDraw.Draw(self.image)

    def text(self, x: float, baseline: float, line: Line, anchor: str = "ls") -> None:
        """Write a line; its anchor (Pillow's: left, middle or right, on the baseline) is there."""
        left = x - _LEFT_OF[anchor[0]] * length(line.text, line.size, line.bold)
        place = (round(left), round(baseline))
        draw_text(self._draw, place, line.text, line.size, line.bold, fill=line.colour)

    def paste(self, picture: Image.Image, left: int, top: int) -> None:
        """Put a picture on the page; what is transparent stays as it was."""
        mask = picture if picture.mode == "RGBA" else None
        self.image.paste(picture, (left, top), mask)

    def rule(self, left: int, y: int, right: int) -> None:
        """A thin line across."""
        self._draw.line((left, y, right, y), fill=RULE)

    def frame(self, room: Room, colour: Rgb = RULE) -> None:
        """A thin rectangle around a room."""
        box = (room.left - 1, room.top - 1, room.right, room.bottom)
        self._draw.rectangle(box, outline=colour)


def fitted_line(line: Line, width: int) -> Line:
    """The line in the largest type up to its own that fits; cut with an ellipsis at the least."""
    while line.width > width and line.size > _LEAST_SIZE:
        line = replace(line, size=line.size - 1)
    text = line.text
    while line.width > width and text:
        text = text[:-1]
        line = replace(line, text=text.rstrip() + ELLIPSIS)
    return line


def dashes(
    points: NDArray[np.float64], dash: Sequence[float]
) -> Iterator[list[tuple[float, float]]]:
    """A polyline, (N, 2), cut into what is drawn; without a dash it is whole.

    Parameters
    ----------
    points
        x and y [pixel].
    dash
        Length drawn and length left out [pixel].
    """
    steps = np.hypot(*np.diff(points, axis=0).T)
    way = np.concatenate([[0.0], np.cumsum(steps)])
    if not dash or way[-1] == 0:
        yield [(float(x), float(y)) for x, y in points]
        return
    drawn, left_out = dash
    for start in np.arange(0.0, way[-1], drawn + left_out):
        end = min(start + drawn, way[-1])
        inner = way[(way > start) & (way < end)]
        along = np.concatenate([[start], inner, [end]])
        xs, ys = (np.interp(along, way, points[:, axis]) for axis in (0, 1))
        yield [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]


def stroke(
    draw: ImageDraw.ImageDraw,
    points: NDArray[np.float64],
    colour: Rgb,
    dash: Sequence[float],
    width: float,
) -> None:
    """Draw a polyline, given in page pixels, on a layer that is :data:`FINE` times larger."""
    for part in dashes(points, dash):
        scaled = [(x * FINE, y * FINE) for x, y in part]
        draw.line(scaled, fill=colour, width=round(width * FINE), joint="curve")
