"""The two galleries of a page: maps by rows, and the CT with the lesion outlined."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from node.derived.annotation import SOFT, WHITE, Line
from node.derived.bundle import ColourTable
from node.derived.picture import CORE, PENUMBRA
from node.derived.plane import column_letters, letters, location_mm, row_letters
from node.derived.summary.charts import ARTERY, VEIN, site_slices
from node.derived.summary.choice import (
    MAP_SLICES,
    every_so_many,
    instructive_slice,
    representative_slices,
)
from node.derived.summary.panels import draw_colour_bar, marked, outlined
from node.derived.summary.plotting import draw_sample
from node.derived.summary.sheet import Room, Sheet, fitted_line
from node.derived.summary.tiles import (
    CORE_DASH,
    HYPOPERFUSION_DASH,
    Crop,
    ct_tile,
    map_tile,
)
from node.perfusion import Findings, Quantity, VesselCurve
from node.series import Geometry

MAPS = (Quantity.CBF, Quantity.CBV, Quantity.MTT, Quantity.TMAX)
MAP_HEIGHT = 150  # of a map's picture [pixel]
_HEAD, _GAP, _BAR = 40, 4, 84
_LABEL, _WIDEST_GAP = 14, 24  # above a CT; between two of them
_LEAST_WIDTH = 56  # a smaller CT shows nothing [pixel]
_LETTERED = 90  # from this width on, a CT has room for its slice's number in full


@dataclass(frozen=True, eq=False)
class Gallery:
    """Which slices are shown, and how.

    Parameters
    ----------
    geometry
        Of the maps.
    table
        Look-up table of the maps.
    crop
        The part of each slice.
    instructive
        The slice that shows the lesion best.
    slices
        Those of the maps.
    """

    geometry: Geometry
    table: ColourTable
    crop: Crop
    instructive: int
    slices: tuple[int, ...]

    @classmethod
    def of(cls, findings: Findings, geometry: Geometry, table: ColourTable) -> "Gallery":
        """The gallery of one result."""
        best = instructive_slice(findings.maps, findings.lesion)
        chosen = representative_slices(findings.maps, best)
        return cls(geometry, table, Crop.around(findings), best, chosen)


def position(geometry: Geometry, z: int) -> str:
    """Where a slice lies along the normal, and to which side."""
    place = location_mm(geometry, z)
    side = letters(geometry.normal if place >= 0 else -geometry.normal)
    return f"{side} {abs(place):.0f} mm"


def draw_maps(sheet: Sheet, room: Room, findings: Findings, gallery: Gallery) -> int:
    """A row for each map, a column for each slice, a colour bar on the right; the next row."""
    width = (room.width - _BAR - (MAP_SLICES - 1) * _GAP) // MAP_SLICES
    size = gallery.crop.within(width, MAP_HEIGHT)
    bars = room.left + MAP_SLICES * (width + _GAP) + 8
    for number, z in enumerate(gallery.slices):
        middle = room.left + number * (width + _GAP) + width // 2
        best = z == gallery.instructive
        sheet.text(middle, room.top + 14, Line(f"Slice {z + 1}", 13, bold=best), "ms")
        where = Line(position(gallery.geometry, z), 11, colour=SOFT)
        sheet.text(middle, room.top + 29, where, "ms")
    top = room.top + _HEAD
    for quantity in MAPS:
        for number, z in enumerate(gallery.slices):
            tile = map_tile(findings, gallery.crop, z, quantity, size, gallery.table)
            left = room.left + number * (width + _GAP)
            frame = Room(left, top, width, MAP_HEIGHT)
            corner = frame.left + (width - size[0]) // 2, frame.top + (MAP_HEIGHT - size[1]) // 2
            sheet.paste(tile, *corner)
            _draw_letters(sheet, frame, gallery.geometry, ends=number == 0)
        bar = Room(bars, top, room.right - bars, MAP_HEIGHT)
        draw_colour_bar(sheet, bar, quantity, gallery.table)
        top += MAP_HEIGHT + _GAP
    return top - _GAP


def _draw_letters(sheet: Sheet, room: Room, geometry: Geometry, *, ends: bool) -> None:
    """The sides' letters at a picture's edges; front and back only where ``ends`` is asked."""
    left, right = row_letters(geometry)
    middle = room.top + room.height // 2 + 4
    places = [((room.left + 3, middle), left, "ls"), ((room.right - 3, middle), right, "rs")]
    if ends:
        top, bottom = column_letters(geometry)
        centre = room.left + room.width // 2
        places += [
            ((centre, room.top + 11), top, "ms"),
            ((centre, room.bottom - 3), bottom, "ms"),
        ]
    for at, letter, anchor in places:
        outlined(sheet.image, at, Line(letter, 11, bold=True), anchor)


def draw_ct(sheet: Sheet, room: Room, findings: Findings, gallery: Gallery) -> None:
    """The CT of every slice, or of every second, third ..., core and hypoperfusion outlined."""
    area = Room(room.left, room.top + 30, room.width, room.height - 30)
    total = len(findings.maps.brain)
    most = (area.width // (_LEAST_WIDTH + _GAP)) * (area.height // _lowest(gallery.crop))
    shown = every_so_many(total, gallery.instructive, most)
    columns, size = _largest(gallery.crop, area, len(shown))
    pitch = min((area.width - size[0]) // max(columns - 1, 1), size[0] + _WIDEST_GAP)
    _draw_ct_title(sheet, room, findings, len(shown))
    for number, z in enumerate(shown):
        row, column = divmod(number, columns)
        left = area.left + column * pitch
        top = area.top + row * (size[1] + _LABEL + _GAP) + _LABEL
        tile = ct_tile(findings, gallery.crop, z, size)
        _mark_vessels(tile, findings, gallery.crop, z, size)
        sheet.paste(tile, left, top)
        lettered = size[0] >= _LETTERED
        label = f"{z + 1} · {position(gallery.geometry, z)}" if lettered else f"{z + 1}"
        label_line = Line(label, 11, bold=z == gallery.instructive, colour=SOFT)
        sheet.text(left, top - 3, fitted_line(label_line, pitch))
        frame = Room(left, top, *size)
        if number == 0 or lettered:
            _draw_letters(sheet, frame, gallery.geometry, ends=False)


def _lowest(crop: Crop) -> int:
    """Height of the smallest CT, with its label and the gap below it [pixel]."""
    return int(_LEAST_WIDTH * crop.height_mm / crop.width_mm) + _LABEL + _GAP


def _largest(crop: Crop, area: Room, count: int) -> tuple[int, tuple[int, int]]:
    """In how many columns pictures are largest, and their size [pixel]."""
    best = (1, (1, 1))
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        width = (area.width - (columns - 1) * _GAP) // columns
        height = (area.height - (rows - 1) * _GAP) // rows - _LABEL
        size = crop.within(max(width, 1), max(height, 1))
        if size[0] > best[1][0]:
            best = columns, size
    return best


def _draw_ct_title(sheet: Sheet, room: Room, findings: Findings, shown: int) -> None:
    """What is shown, and what the outlines mean, with the volumes."""
    lesion, total = findings.lesion, len(findings.maps.brain)
    some = "" if shown == total else f", {shown} of {total} slices"
    title = Line(f"CT before contrast{some}", 14, bold=True)
    sheet.text(room.left, room.top + 19, title)
    entries = [
        (CORE, CORE_DASH, f"core {lesion.core_ml:.1f} ml"),
        (PENUMBRA, HYPOPERFUSION_DASH, f"hypoperfusion {lesion.hypoperfusion_ml:.1f} ml"),
    ]
    left = room.left + title.width + 40
    for colour, dash, words in entries:
        draw_sample(sheet, left, room.top + 15, colour, dash)
        line = Line(words, 13)
        sheet.text(left + 34, room.top + 19, line)
        left += 34 + line.width + 28
    courses = findings.courses
    if courses is not None and courses.inputs is not None:
        named = "A artery" + (", V vein" if courses.inputs.vein is not None else "")
        sheet.text(left, room.top + 19, Line(f"rings: {named}", 13, colour=WHITE))


def _mark_vessels(
    tile: Image.Image, findings: Findings, crop: Crop, z: int, size: tuple[int, int]
) -> None:
    """Rings where artery and vein were read, on the slice with most of their voxels."""
    inputs = findings.courses.inputs if findings.courses else None
    if inputs is None:
        return
    vessels: list[tuple[str, VesselCurve | None, tuple[int, int, int]]] = [
        ("A", inputs.artery, ARTERY),
        ("V", inputs.vein, VEIN),
    ]
    for letter, vessel, colour in vessels:
        if vessel is None or z not in site_slices(vessel):
            continue
        if z != int(vessel.site.sum(axis=(1, 2)).argmax()):
            continue
        rows, columns = np.nonzero(vessel.site[z])
        at = crop.place(float(rows.mean()), float(columns.mean()), size)
        marked(tile, *at, Line(letter, 11, bold=True, colour=colour))
