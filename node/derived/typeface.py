"""The letters on pictures: DejaVu Sans, and for ideographs and Hangul a font beside it."""

import unicodedata
from functools import cache
from itertools import groupby
from pathlib import Path

import matplotlib
from matplotlib.ft2font import FT2Font
from PIL import ImageDraw, ImageFont

# Debian's fonts-wqy-microhei (Apache-2.0): Han, Kana and Hangul in one small file. Where it is
# not installed, what needs it is not drawn, see `is_drawable`.
FALLBACK = Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc")
Piece = tuple[ImageFont.FreeTypeFont, str]


def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib: the same letters on every machine."""
    return _face(_dejavu(bold), size)


def pieces(text: str, size: int, bold: bool = False) -> list[Piece]:
    """The text in parts that one font has, each with its font; an empty text is one part."""
    if not text or text.isascii() or not _letters(FALLBACK):
        return [(font(size, bold), text)]
    faces = {True: font(size, bold), False: _face(FALLBACK, size)}
    return [(faces[own], "".join(run)) for own, run in groupby(text, lambda c: ord(c) in _own())]


def length(text: str, size: int, bold: bool = False) -> float:
    """How wide a text is drawn [pixel]."""
    return sum(face.getlength(part) for face, part in pieces(text, size, bold))


def draw_text(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size: int,
    bold: bool = False,
    **how: object,
) -> None:
    """Draw a text whose baseline begins ``at`` this place, in as many fonts as it takes.

    Parameters
    ----------
    draw
        What to draw on.
    at
        Left end of the baseline [pixel].
    text, size, bold
        What, and in which type.
    **how
        What else Pillow's ``text`` takes: fill, stroke.
    """
    x, baseline = at
    for face, part in pieces(text, size, bold):
        draw.text((x, baseline), part, font=face, anchor="ls", **how)  # type: ignore[arg-type]  # passed on
        x += face.getlength(part)


def is_drawable(text: str) -> bool:
    """Whether there is a letter for every character, and they stand in a row from left to right.

    Arabic and Hebrew would come out reversed, Thai and what else combines out of place.
    """
    return all(
        (ord(c) in _own() or ord(c) in _letters(FALLBACK))
        and not unicodedata.combining(c)
        and unicodedata.bidirectional(c) not in ("R", "AL", "AN")
        for c in text
    )


@cache
def _dejavu(bold: bool) -> Path:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name


@cache
def _face(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _own() -> frozenset[int]:
    """The code points that both weights of DejaVu Sans have."""
    return _letters(_dejavu(False)) & _letters(_dejavu(True))


@cache
def _letters(path: Path) -> frozenset[int]:
    """The code points of a font file; none where it is not there."""
    return frozenset(FT2Font(str(path)).get_charmap()) if path.is_file() else frozenset()
