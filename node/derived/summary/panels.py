"""The parts of a page, each drawn into its room."""

import numpy as np
from PIL import Image, ImageDraw

from node.derived.annotation import AMBER, BLACK, SOFT, WHITE, Line, wrapped
from node.derived.bundle import ColourTable
from node.derived.colour_bar import intervals
from node.derived.colour_table import colour_table
from node.derived.context import DISCLAIMER
from node.derived.picture import CORE, PENUMBRA
from node.derived.summary.facts import Facts, Volume, flag_line, passed_line
from node.derived.summary.plotting import draw_sample
from node.derived.summary.sheet import Room, Sheet, fitted_line
from node.derived.summary.tiles import CORE_DASH, HYPOPERFUSION_DASH
from node.derived.typeface import font
from node.perfusion import Grade, Quantity

BAR_WIDTH = 16
_VOLUME, _ROW = 62, 19  # heights [pixel]
_SAMPLES = {"Core": (CORE, CORE_DASH), "Hypoperfusion": (PENUMBRA, HYPOPERFUSION_DASH)}
_CONDITIONS = (80, 190, 332)  # where the columns of the limits begin [pixel]
_SMALLEST_NAME = 14  # [pixel]
_REGULAR_TO_BOLD = 0.85  # width of regular type over that of bold
_RED = (255, 105, 95)


def draw_heading(sheet: Sheet, room: Room, facts: Facts) -> None:
    """Whose scan, which study, which scan: three columns, the patient's name the largest."""
    thirds = (0.36, 0.28, 0.36)
    left = room.left
    for lines, share, first in zip(
        (facts.patient, facts.study, facts.scan), thirds, (26, 16, 16), strict=True
    ):
        width = int(room.width * share) - 28
        y = room.top + 20
        for line in (*_first_lines(lines[0], first, width), *_other_lines(lines[1:])):
            sheet.text(left, y, fitted_line(line, width))
            y += 27 if line.size > 20 else 21
        left += int(room.width * share)


def _first_lines(text: str, size: int, width: int) -> tuple[Line, ...]:
    """The most important text, on two lines where one would be too small to read."""
    line = fitted_line(Line(text, size, bold=True), width)
    if line.text == text and line.size >= _SMALLEST_NAME:
        return (line,)
    first, *rest = wrapped(text, round(_REGULAR_TO_BOLD * width), _SMALLEST_NAME)
    parts = (first, " ".join(rest)) if rest else (first,)
    return tuple(Line(part, _SMALLEST_NAME, bold=True) for part in parts)


def _other_lines(texts: tuple[str, ...]) -> tuple[Line, ...]:
    return tuple(Line(t, 15, colour=WHITE if n == 0 else SOFT) for n, t in enumerate(texts))


def draw_volumes(sheet: Sheet, room: Room, facts: Facts) -> int:
    """Core, hypoperfusion and mismatch in large figures, the ratios below; the next free row."""
    y = room.top
    for volume in facts.volumes:
        _volume(sheet, Room(room.left, y, room.width, _VOLUME), volume)
        y += _VOLUME
        sheet.rule(room.left, y - 4, room.right)
    width = room.width // len(facts.ratios)
    for number, (name, value) in enumerate(facts.ratios):
        left = room.left + number * width
        sheet.text(left, y + 15, fitted_line(Line(name, 12, colour=SOFT), width - 8))
        sheet.text(left, y + 39, fitted_line(Line(value, 21, bold=True), width - 8))
    return y + 50


def _volume(sheet: Sheet, room: Room, volume: Volume) -> None:
    left = room.left
    if volume.name in _SAMPLES:
        draw_sample(sheet, left, room.top + 17, *_SAMPLES[volume.name])
        left += 36
    sheet.text(left, room.top + 23, Line(volume.name, 18, bold=True))
    unit = Line("ml", 17, colour=SOFT)
    number = Line(f"{volume.ml:.1f}", 34, bold=True)
    sheet.text(room.right, room.top + 31, unit, "rs")
    sheet.text(room.right - unit.width - 7, room.top + 31, number, "rs")
    sheet.text(room.left, room.top + 50, Line(volume.definition, 12, colour=SOFT))
    sheet.text(room.right, room.top + 50, Line(volume.range_text, 12, colour=SOFT), "rs")


def draw_thresholds(sheet: Sheet, room: Room, facts: Facts) -> int:
    """Volumes by other limits; the next free row."""
    if not facts.thresholds:
        return room.top
    sheet.text(room.left, room.top + 14, Line("Volumes by other limits [ml]", 14, bold=True))
    y = room.top + 36
    for name, cells in facts.thresholds:
        sheet.text(room.left, y, Line(name, 13, bold=True))
        width = (room.width - 48) / len(cells)
        for number, (limit, ml) in enumerate(cells, 1):
            right = room.left + 48 + number * width
            sheet.text(right, y, Line(limit, 12, colour=SOFT), "rs")
            sheet.text(right, y + _ROW, Line(ml, 14), "rs")
        y += 2 * _ROW + 4
    return y - 2


def draw_rules(sheet: Sheet, room: Room, facts: Facts) -> int:
    """Whether limits of published trials are met, as facts; the next free row."""
    if not facts.rules:
        return room.top
    title = "Limits of published trials: facts, not advice"
    sheet.text(room.left, room.top + 14, Line(title, 14, bold=True))
    y = room.top + 36
    for name, conditions in facts.rules:
        sheet.text(room.left, y, Line(name, 12, bold=True))
        for left, (condition, met) in zip(_CONDITIONS, conditions, strict=True):
            words = Line(f"{condition}:", 11, colour=SOFT)
            sheet.text(room.left + left, y, words)
            answer = Line("yes" if met else "no", 11, bold=True)
            sheet.text(room.left + left + words.width + 4, y, answer)
        y += _ROW
    return y


def draw_colour_bar(sheet: Sheet, room: Room, quantity: Quantity, table: ColourTable) -> None:
    """The map's name and unit, and below them what a colour means."""
    meaning = quantity.meaning
    sheet.text(room.left, room.top + 17, Line(str(quantity), 18, bold=True))
    sheet.text(room.left, room.top + 32, Line(meaning.unit, 11, colour=SOFT))
    top, height = room.top + 44, room.height - 54
    colours = colour_table(table)[np.linspace(255, 0, height).round().astype(int)]
    bar = np.repeat(colours[:, None], BAR_WIDTH, axis=1)
    place = Room(room.left, top, BAR_WIDTH, height)
    sheet.paste(Image.fromarray(bar), place.left, place.top)
    sheet.frame(place, SOFT)
    low, high = meaning.window
    count = intervals(high - low)
    for tick in range(count + 1):
        y = top + (height - 1) * (1 - tick / count)
        number = f"{low + (high - low) * tick / count:g}"
        sheet.text(place.right + 7, y + 4, Line(number, 11))


def check_lines(facts: Facts, width: int, size: int = 14) -> list[Line]:
    """The flags' lines, bad ones first, as they come; below, smaller, every check that is ok."""
    lines = [
        Line(text, size, colour=_RED if flag.grade is Grade.FAIL else AMBER)
        for flag in facts.flags
        for text in wrapped(flag_line(flag), width, size)
    ]
    if not facts.flags:
        lines = [Line("No flags: every check of quality was passed.", size, colour=SOFT)]
    small = size - 3
    passed = f"Ok: {passed_line(facts.passed)}." if facts.passed else ""
    return lines + [Line(text, small, colour=SOFT) for text in wrapped(passed, width, small)]


def draw_lines(sheet: Sheet, left: int, top: int, lines: list[Line]) -> None:
    """Lines below one another."""
    for line in lines:
        top += line.height
        sheet.text(left, top - 4, line)


def draw_footer(sheet: Sheet, room: Room, facts: Facts) -> None:
    """The disclaimer, and what made the page."""
    sheet.rule(room.left, room.top, room.right)
    sheet.text(room.left, room.top + 22, Line(DISCLAIMER, 15, bold=True, colour=AMBER))
    title = Line("CT perfusion summary", 13, colour=SOFT)
    sheet.text(room.left + 250, room.top + 22, title)
    made = fitted_line(Line(" · ".join(facts.made_by), 13, colour=SOFT), room.width - 430)
    sheet.text(room.right, room.top + 22, made, "rs")


def marked(picture: Image.Image, x: float, y: float, line: Line) -> None:
    """Write a ring with a letter beside it on a picture: where a vessel was read."""
    draw = ImageDraw.Draw(picture)
    draw.ellipse((x - 4, y - 4, x + 4, y + 4), outline=line.colour, width=2)
    outlined(picture, (x + 6, y + 4), line)


def outlined(picture: Image.Image, at: tuple[float, float], line: Line, anchor: str = "ls") -> None:
    """Text with a dark rim, readable on any picture."""
    ImageDraw.Draw(picture).text(
        at,
        line.text,
        line.colour,
        font(line.size, line.bold),
        anchor,
        stroke_width=1,
        stroke_fill=BLACK,
    )
