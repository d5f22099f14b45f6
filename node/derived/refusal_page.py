"""The negative result: one page in the PACS that says why there are no maps."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydicom import Dataset

from node.derived import uids
from node.derived.annotation import AMBER, SOFT, WHITE, Line, wrapped
from node.derived.bundle import DerivedObject, EncodeOptions
from node.derived.context import DISCLAIMER, PRODUCT, Context, SeriesPlan
from node.derived.secondary_capture import rgb_capture
from node.derived.typeface import draw_text, font, is_drawable
from node.refusals import Refusal

PLAN = SeriesPlan("refusal page", 19, "CTP not analysed")
_WIDTH, _HEIGHT, _MARGIN = 1024, 768, 56
_GROUND = (18, 22, 30)
_TITLE = "CT perfusion: no maps were computed"


def refusal_page(source: Dataset, refusal: Refusal, options: EncodeOptions) -> DerivedObject:
    """A Secondary Capture of one page: what was received, what is wrong, what to do.

    Parameters
    ----------
    source
        One instance of the refused series.
    refusal
        Why it cannot be analysed.
    options
        How results are encoded.
    """
    made = uids.of_refusal(str(source.SeriesInstanceUID), refusal, options)
    context = Context(source, options, made, notes=(str(refusal),))
    page = _drawn(_paragraphs(source, refusal), _footer(context))
    image = rgb_capture(context, PLAN, 1, page)
    image.ImageType = ["DERIVED", "SECONDARY", "OTHER", "REFUSAL"]
    return DerivedObject("refusal_page", image)


def _paragraphs(source: Dataset, refusal: Refusal) -> list[tuple[str, str]]:
    return [
        ("What was received", _received(source)),
        ("What is wrong", _sentence(refusal.found)),
        ("What to do", _sentence(refusal.remedy)),
    ]


def _received(source: Dataset) -> str:
    number = source.get("SeriesNumber")
    named = f"Series {number}" if number not in (None, "") else "A series"
    description = str(source.get("SeriesDescription") or "").strip()
    modality = str(source.get("Modality") or "unknown modality")
    size = f"{source.get('Columns', '?')} x {source.get('Rows', '?')} pixels"
    scanner = " ".join(
        str(source.get(k)) for k in ("Manufacturer", "ManufacturerModelName") if source.get(k)
    )
    quoted = f'"{description}"' if description else ""
    parts = [_drawable(p) for p in (f"{named} ({modality})", quoted, size, scanner)]
    return ", ".join(p for p in parts if p) + "."


def _drawable(text: str) -> str:
    """The text, or that it is there in letters for which there is no font."""
    return text if is_drawable(text) else "words in letters that this page cannot draw"


def _sentence(text: str) -> str:
    stripped = text.strip()
    return stripped[:1].upper() + stripped[1:] + ("" if stripped.endswith((".", "!")) else ".")


def _footer(context: Context) -> list[Line]:
    software = f"{PRODUCT} {context.options.software_version}"
    revised = f", {context.revision_note}" if context.revision_note else ""
    return [
        Line(f"{DISCLAIMER}. The images of this study are unchanged.", 18, True, AMBER),
        Line(f"{software}{revised}", 16, colour=SOFT),
    ]


def _drawn(paragraphs: list[tuple[str, str]], footer: list[Line]) -> NDArray[np.uint8]:
    image = Image.new("RGB", (_WIDTH, _HEIGHT), _GROUND)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 10, _HEIGHT), fill=AMBER)
    draw.text((_MARGIN, 48), _TITLE, font=font(34, True), fill=WHITE)
    bottom = _HEIGHT - _MARGIN - sum(line.height for line in footer)
    _draw_paragraphs(draw, paragraphs, 128, bottom - 16)
    for line in footer:
        _write(draw, bottom, line)
        bottom += line.height
    return np.asarray(image)


def _draw_paragraphs(
    draw: ImageDraw.ImageDraw, paragraphs: list[tuple[str, str]], top: int, bottom: int
) -> None:
    """Draw in the largest type that fits between ``top`` and ``bottom``."""
    for size in range(24, 9, -2):
        lines = _set(paragraphs, size)
        if top + sum(line.height for line in lines) <= bottom:
            break
    for line in lines:
        _write(draw, top, line)
        top += line.height


def _write(draw: ImageDraw.ImageDraw, top: int, line: Line) -> None:
    baseline = top + font(line.size, line.bold).getmetrics()[0]
    draw_text(draw, (_MARGIN, baseline), line.text, line.size, line.bold, fill=line.colour)


def _set(paragraphs: list[tuple[str, str]], size: int) -> list[Line]:
    lines = []
    for head, text in paragraphs:
        lines += [Line(head, size - 4, True, AMBER)]
        lines += [Line(t, size) for t in wrapped(text, _WIDTH - 2 * _MARGIN, size)]
        lines += [Line("", size)]
    return lines
