"""The colour bar: what a colour means, in numbers and with their unit."""

import numpy as np
from PIL import ImageDraw

from node.derived.annotation import SOFT, WHITE, Box, Line, write
from node.derived.bundle import ColourTable
from node.derived.colour_table import colour_table

_WIDTH, _HEIGHT = 14, 196  # the colours [pixel]
_TICK, _NUMBER = Line("0.25", 12), 7  # the widest number; its distance from the colours
_STEPS = (1.0, 2.0, 2.5, 5.0)  # round steps between numbers, times a power of ten


def bar_box(unit: str) -> Box:
    """The room that the bar takes, its unit and numbers included."""
    numbers = _WIDTH + _NUMBER + _TICK.width
    title = _unit(unit)
    return Box("right", "end", max(numbers, title.width), _HEIGHT + 2 * title.height)


def draw_bar(
    draw: ImageDraw.ImageDraw,
    size: tuple[int, int],
    window: tuple[float, float],
    unit: str,
    table: ColourTable,
) -> None:
    """Draw the bar on a picture of ``size`` (width, height): low values at the bottom."""
    box, title = bar_box(unit), _unit(unit)
    corner, top = box.corner(*size)
    left = corner + box.width - _WIDTH - _NUMBER - _TICK.width
    write(draw, (min(left, corner + box.width - title.width), top), title)
    right, top = left + _WIDTH, top + round(1.5 * title.height)
    colours = colour_table(table)[np.linspace(255, 0, _HEIGHT).round().astype(int)]
    for y, colour in enumerate(colours):
        draw.line((left, top + y, right - 1, top + y), fill=tuple(map(int, colour)))
    draw.rectangle((left - 1, top - 1, right, top + _HEIGHT), outline=WHITE)
    count = intervals(window[1] - window[0])
    for tick in range(count + 1):
        y = top + round((_HEIGHT - 1) * (1 - tick / count))
        draw.line((right, y, right + 3, y), fill=WHITE)
        value = window[0] + (window[1] - window[0]) * tick / count
        write(draw, (right + _NUMBER, y - 8), Line(f"{value:g}", _TICK.size))


def intervals(span: float) -> int:
    """Into how many intervals of a round size a window is divided; four where none is round."""
    for count in (4, 5, 6, 7):
        step = span / count
        mantissa = step / 10 ** np.floor(np.log10(step))
        if np.isclose(mantissa, _STEPS).any():
            return count
    return 4


def _unit(unit: str) -> Line:
    return Line(unit, 12, colour=SOFT)
