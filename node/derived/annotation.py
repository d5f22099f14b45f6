"""Text on pictures: blocks of lines at the edges, crisp and readable on any ground."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import ImageDraw

from node.derived.typeface import font, length

Rgb = tuple[int, int, int]
Edge = Literal["top", "bottom", "left", "right"]
Side = Literal["start", "middle", "end"]

WHITE: Rgb = (255, 255, 255)
SOFT: Rgb = (200, 200, 200)
AMBER: Rgb = (255, 190, 60)
BLACK: Rgb = (0, 0, 0)
PAD = 8  # pixels between text and the picture's edge
_LEADING = 1.3  # line height over font size
_GAP = 6  # pixels between a swatch and its text


@dataclass(frozen=True)
class Line:
    """One line of text, with a coloured square before it where ``swatch`` is given."""

    text: str
    size: int = 13
    bold: bool = False
    colour: Rgb = WHITE
    swatch: Rgb | None = None

    @property
    def height(self) -> int:
        """Height with leading [pixel]."""
        return round(self.size * _LEADING)

    @property
    def indent(self) -> int:
        """Room that the swatch takes [pixel]."""
        return self.size + _GAP if self.swatch else 0

    @property
    def width(self) -> int:
        """Width [pixel]."""
        return self.indent + round(length(self.text, self.size, self.bold))


@dataclass(frozen=True)
class Box:
    """Room of ``width`` x ``height`` pixels at an edge: its start (left, top), middle or end."""

    edge: Edge
    side: Side
    width: int
    height: int

    def corner(self, width: int, height: int) -> tuple[int, int]:
        """The box's left and top on a picture of ``width`` x ``height`` [pixel]."""
        if self.edge in ("top", "bottom"):
            left = _along(self.side, self.width, width)
            return left, PAD if self.edge == "top" else height - PAD - self.height
        top = _along(self.side, self.height, height)
        return (PAD if self.edge == "left" else width - PAD - self.width), top


@dataclass(frozen=True)
class Block:
    """Lines that stand together at an edge; ``ragged`` ones are flush left wherever it is."""

    edge: Edge
    side: Side
    lines: tuple[Line, ...]
    ragged: bool = False

    @property
    def box(self) -> Box:
        """The room that the lines take."""
        width = max((line.width for line in self.lines), default=0)
        return Box(self.edge, self.side, width, sum(line.height for line in self.lines))

    @property
    def flush_right(self) -> bool:
        """Whether every line ends at the block's right."""
        end = self.edge == "right" or (self.edge != "left" and self.side == "end")
        return end and not self.ragged


def _along(side: Side, length: int, room: int) -> int:
    return {"start": PAD, "middle": (room - length) // 2, "end": room - PAD - length}[side]


def draw_block(draw: ImageDraw.ImageDraw, block: Block, width: int, height: int) -> None:
    """Draw a block on a picture of ``width`` x ``height``."""
    left, top = block.box.corner(width, height)
    for line in block.lines:
        x = left + block.box.width - line.width if block.flush_right else left
        if line.swatch:
            box = (x, top + 2, x + line.size - 1, top + 1 + line.size)
            draw.rectangle(box, fill=line.swatch, outline=BLACK)
        write(draw, (x + line.indent, top), line)
        top += line.height


def write(draw: ImageDraw.ImageDraw, at: tuple[int, int], line: Line) -> None:
    """Draw a line's text with a dark rim, so that it is readable on bone and on colour."""
    draw.text(
        at,
        line.text,
        font=font(line.size, line.bold),
        fill=line.colour,
        stroke_width=1,
        stroke_fill=BLACK,
    )


def wrapped(text: str, width: int, size: int) -> list[str]:
    """The text broken into lines of at most ``width`` pixels; a long word is broken too."""
    lines: list[str] = []
    current = ""
    for word in _pieces(text.split(), width, size):
        joined = f"{current} {word}".strip()
        if current and length(joined, size) > width:
            lines.append(current)
            joined = word
        current = joined
    return [*lines, current] if current else lines


def _pieces(words: Sequence[str], width: int, size: int) -> list[str]:
    pieces = []
    for word in words:
        rest = word
        while length(rest, size) > width and len(rest) > 1:
            cut = next(n for n in range(len(rest) - 1, 0, -1) if _fits(rest[:n], width, size))
            pieces.append(rest[:cut])
            rest = rest[cut:]
        pieces.append(rest)
    return pieces


def _fits(text: str, width: int, size: int) -> bool:
    return len(text) == 1 or length(text, size) <= width
