"""The summary page: its composition, and the Secondary Capture that it is sent as."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from node.derived import codes
from node.derived.background import reference, references
from node.derived.context import Context, SeriesPlan, concept
from node.derived.secondary_capture import rgb_capture
from node.derived.summary import panels
from node.derived.summary.charts import bolus_chart, motion_chart
from node.derived.summary.facts import Facts, facts_of
from node.derived.summary.galleries import Gallery, draw_ct, draw_maps
from node.derived.summary.plotting import draw_chart
from node.derived.summary.sheet import Room, Sheet
from node.perfusion import Findings
from node.series import CtpSeries, Geometry

PLAN = SeriesPlan("summary page", 14, "CTP summary")
WIDTH, LEAST_HEIGHT = 1600, 1240  # pixels; checks beyond the room make the page longer
_MARGIN, _GAP = 24, 16
_HEADING, _FOOTER = 104, 34
_NUMBERS = 440  # width of the column on the right
_PICTURES = 1024  # height of the pictures and of the column beside them


@dataclass(frozen=True, eq=False)
class Page:
    """What is on a page, before anything is drawn.

    Parameters
    ----------
    facts
        All text.
    gallery
        The slices, and how they are shown.
    findings
        What the charts and pictures are of.
    """

    facts: Facts
    gallery: Gallery
    findings: Findings


def summary_page(
    context: Context,
    series: CtpSeries,
    geometry: Geometry,
    findings: Findings,
    background: Sequence[Dataset],
) -> Dataset:
    """A Secondary Capture of one page, the whole analysis on it (SCIENCE.md section 5).

    Parameters
    ----------
    context
        Patient, study, scanner, model and options.
    series
        The series that was analysed.
    geometry
        Of the maps.
    findings
        What the analysis found.
    background
        The images that the page cites, beside those of the first time point.
    """
    gallery = Gallery.of(findings, geometry, context.options.colour_table)
    page = Page(facts_of(context, series, findings), gallery, findings)
    image = rgb_capture(context, PLAN, 1, drawn(page))
    image.ImageType = ["DERIVED", "SECONDARY", "OTHER", "SUMMARY"]
    image.BurnedInAnnotation = "YES"  # it names the patient
    first = (instance for instance in series.grid[0] if instance is not None)
    image.SourceImageSequence = [*(reference(each) for each in background), *references(first)]
    image.DerivationDescription = PLAN.description
    image.DerivationCodeSequence = [concept(codes.PERFUSION_ANALYSIS)]
    return image


def drawn(page: Page) -> NDArray[np.uint8]:
    """The page as (rows, :data:`WIDTH`, 3) uint8 RGB."""
    facts, inner = page.facts, WIDTH - 2 * _MARGIN
    checks = panels.check_lines(facts, inner)
    below = _HEADING + _PICTURES + 30
    checked = sum(line.height for line in checks)
    height = max(LEAST_HEIGHT, below + checked + 16 + _FOOTER)
    sheet = Sheet(WIDTH, height)
    panels.draw_heading(sheet, Room(_MARGIN, 12, inner, _HEADING - 12), facts)
    sheet.rule(_MARGIN, _HEADING - 2, WIDTH - _MARGIN)
    pictures = Room(_MARGIN, _HEADING + 4, inner - _NUMBERS - 2 * _GAP, _PICTURES)
    _draw_pictures(sheet, pictures, page)
    numbers = Room(WIDTH - _MARGIN - _NUMBERS, _HEADING + 4, _NUMBERS, _PICTURES)
    _draw_numbers(sheet, numbers, page)
    sheet.rule(_MARGIN, below - 22, WIDTH - _MARGIN)
    panels.draw_lines(sheet, _MARGIN, below - 14, checks)
    panels.draw_footer(sheet, Room(_MARGIN, height - _FOOTER, inner, _FOOTER), facts)
    return np.asarray(sheet.image)


def _draw_pictures(sheet: Sheet, room: Room, page: Page) -> None:
    bottom = draw_maps(sheet, room, page.findings, page.gallery)
    rest = Room(room.left, bottom + 10, room.width, room.bottom - bottom - 10)
    draw_ct(sheet, rest, page.findings, page.gallery)


def _draw_numbers(sheet: Sheet, room: Room, page: Page) -> None:
    y = panels.draw_volumes(sheet, room, page.facts) + _GAP
    y = panels.draw_thresholds(sheet, _below(room, y), page.facts) + _GAP
    y = panels.draw_rules(sheet, _below(room, y), page.facts) + _GAP
    free = room.bottom - y - _GAP
    bolus = Room(room.left, y, room.width, round(free * 0.54))
    draw_chart(sheet, bolus, bolus_chart(page.findings.courses))
    motion = Room(room.left, bolus.bottom + _GAP, room.width, free - bolus.height)
    draw_chart(sheet, motion, motion_chart(page.findings.motion))


def _below(room: Room, y: int) -> Room:
    return Room(room.left, y, room.width, room.bottom - y)
