"""Colour pictures of maps and lesions, slice by slice, as a radiologist expects them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from node.derived.annotation import SOFT, WHITE, Block, Box, Line, Rgb, draw_block, write
from node.derived.background import WINDOW_HU
from node.derived.bundle import ColourTable
from node.derived.canvas import Canvas, Margins, fitted
from node.derived.colour_table import colour_table, coloured
from node.derived.plane import column_letters, letters, location_mm, row_letters
from node.perfusion import Lesion, PerfusionMaps, Quantity
from node.series import Geometry

CORE: Rgb = (255, 50, 150)
PENUMBRA: Rgb = (70, 220, 100)
_CORE_FILL, _PENUMBRA_FILL = 0.45, 0.3  # opacity over the CT
_DIMMED = 0.4  # bone around a colour map, so that it does not dazzle
_BAR = Box("right", "end", 52, 236)  # room of the colour bar, its numbers included [pixel]
_BAR_WIDTH, _TICKS = 14, 4  # width of the colours [pixel], intervals between numbers


@dataclass(frozen=True, eq=False)
class Scene:
    """What the pictures of one result share.

    Parameters
    ----------
    geometry
        Of the maps.
    maps
        The maps.
    caption
        Disclaimer, model and warnings, drawn at the bottom of every picture.
    table
        Look-up table of the maps.
    greys
        The background CT of every slice in its window, enlarged, uint8.
    """

    geometry: Geometry
    maps: PerfusionMaps
    caption: tuple[Line, ...]
    table: ColourTable
    greys: tuple[NDArray[np.uint8], ...]

    @classmethod
    def of(
        cls,
        geometry: Geometry,
        maps: PerfusionMaps,
        caption: tuple[Line, ...],
        table: ColourTable,
    ) -> "Scene":
        """The scene of one result."""
        bare = Canvas(geometry, Margins())
        greys = tuple(_grey(bare.enlarge(hu)) for hu in maps.baseline_hu)
        return cls(geometry, maps, caption, table, greys)


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one series and where they lie.

    Parameters
    ----------
    geometry
        Of the pictures.
    slices
        (rows, columns, 3) uint8 RGB, slices ascending; made one by one as they are taken.
    """

    geometry: Geometry
    slices: Iterator[NDArray[np.uint8]]


def map_pictures(scene: Scene, quantity: Quantity) -> Pictures:
    """The map in colour inside the brain, dimmed CT around it, and the colour bar."""
    meaning = quantity.meaning
    name = f"{meaning.name} " if meaning.name != quantity else ""
    title = (Line(str(quantity), 22, bold=True), Line(f"{name}[{meaning.unit}]", 13, colour=SOFT))
    frame = _Frame.around(scene, title, bar=True)
    overlay = frame.overlay()
    _draw_bar(ImageDraw.Draw(overlay), frame.canvas, meaning.window, scene.table)
    values = scene.maps[quantity]

    def make(z: int) -> NDArray[np.uint8]:
        rgb = np.repeat((scene.greys[z] * _DIMMED).astype(np.uint8)[..., None], 3, axis=2)
        weight = frame.canvas.enlarge(scene.maps.brain[z].astype(np.float32))
        inside = weight > 0.5
        total = frame.canvas.enlarge(values[z])[inside]
        rgb[inside] = coloured(total / weight[inside], meaning.window, scene.table)
        return frame.finished(rgb, overlay, z)

    return Pictures(frame.canvas.geometry, (make(z) for z in range(len(values))))


def lesion_pictures(scene: Scene, lesion: Lesion) -> Pictures:
    """The CT with core and penumbra coloured and outlined, and the volumes in words."""
    frame = _Frame.around(scene, _volumes(lesion), bar=False)
    overlay = frame.overlay()

    def make(z: int) -> NDArray[np.uint8]:
        rgb = np.repeat(scene.greys[z][..., None], 3, axis=2)
        core = frame.canvas.enlarge(lesion.core[z].astype(np.float32)) > 0.5
        low = frame.canvas.enlarge(lesion.hypoperfusion[z].astype(np.float32)) > 0.5
        _tint(rgb, low & ~core, PENUMBRA, _PENUMBRA_FILL)
        _tint(rgb, core, CORE, _CORE_FILL)
        rgb[_outline(low)] = PENUMBRA
        rgb[_outline(core)] = CORE
        return frame.finished(rgb, overlay, z)

    return Pictures(frame.canvas.geometry, (make(z) for z in range(len(lesion.core))))


def _volumes(lesion: Lesion) -> tuple[Line, ...]:
    limits, ratio = lesion.thresholds, lesion.mismatch_ratio
    intensity = lesion.hypoperfusion_intensity_ratio
    return (
        Line("Core and hypoperfusion", 18, bold=True),
        Line(f"Core {lesion.core_ml:.1f} ml", 15, bold=True, swatch=CORE),
        Line(f"CBF < {100 * limits.rcbf:g} % of normal", 12, colour=SOFT),
        Line(f"Hypoperfusion {lesion.hypoperfusion_ml:.1f} ml", 15, bold=True, swatch=PENUMBRA),
        Line(f"Tmax > {limits.tmax_s:g} s, core included", 12, colour=SOFT),
        Line(f"Mismatch {lesion.mismatch_ml:.1f} ml", 13),
        Line("Ratio " + ("-" if ratio is None else f"{ratio:.1f}"), 13),
        Line("HIR " + ("-" if intensity is None else f"{intensity:.2f}"), 13),
    )


@dataclass(frozen=True, eq=False)
class _Frame:
    """The canvas of a series and what is written on it."""

    scene: Scene
    canvas: Canvas
    blocks: tuple[Block, ...]

    @classmethod
    def around(cls, scene: Scene, title: Sequence[Line], *, bar: bool) -> "_Frame":
        geometry = scene.geometry
        (left, right), (top, bottom) = row_letters(geometry), column_letters(geometry)
        blocks = (
            Block("top", "start", tuple(title)),
            Block("bottom", "start", scene.caption),
            Block("top", "middle", (_letter(top),)),
            Block("bottom", "middle", (_letter(bottom),)),
            Block("left", "middle", (_letter(left),)),
            Block("right", "middle", (_letter(right),)),
        )
        last = _slice_block(geometry, len(geometry.position_mm) - 1)
        boxes = [b.box for b in (*blocks, last)] + ([_BAR] if bar else [])
        return cls(scene, fitted(geometry, scene.maps.brain, boxes), blocks)

    def overlay(self) -> Image.Image:
        height, width = self.canvas.shape
        image = Image.new("RGBA", (width, height))
        for block in self.blocks:
            draw_block(ImageDraw.Draw(image), block, width, height)
        return image

    def finished(self, rgb: NDArray[np.uint8], overlay: Image.Image, z: int) -> NDArray[np.uint8]:
        image = Image.fromarray(self.canvas.framed(rgb))
        image.paste(overlay, mask=overlay.getchannel("A"))
        draw_block(ImageDraw.Draw(image), _slice_block(self.scene.geometry, z), *image.size)
        return np.asarray(image)


def _slice_block(geometry: Geometry, z: int) -> Block:
    place = location_mm(geometry, z)
    side = letters(geometry.normal if place >= 0 else -geometry.normal)
    lines = (
        Line(f"Slice {z + 1} of {len(geometry.position_mm)}", 13),
        Line(f"{side} {abs(place):.1f} mm", 13, colour=SOFT),
    )
    return Block("top", "end", lines)


def _letter(name: str) -> Line:
    return Line(name, 17, bold=True)


def _draw_bar(
    draw: ImageDraw.ImageDraw, canvas: Canvas, window: tuple[float, float], table: ColourTable
) -> None:
    height, width = canvas.shape
    left, top = _BAR.corner(width, height)
    right, length = left + _BAR_WIDTH, _BAR.height
    colours = colour_table(table)[np.linspace(255, 0, length).round().astype(int)]
    for y, colour in enumerate(colours):
        draw.line((left, top + y, right - 1, top + y), fill=tuple(map(int, colour)))
    draw.rectangle((left - 1, top - 1, right, top + length), outline=WHITE)
    for tick in range(_TICKS + 1):
        y = top + round((length - 1) * (1 - tick / _TICKS))
        draw.line((right, y, right + 4, y), fill=WHITE)
        value = window[0] + (window[1] - window[0]) * tick / _TICKS
        write(draw, (right + 7, y - 8), Line(f"{value:g}", 12))


def _grey(hu: NDArray[np.float32]) -> NDArray[np.uint8]:
    centre, width = WINDOW_HU
    scaled = (hu - (centre - width / 2)) * (255.0 / width)
    grey: NDArray[np.uint8] = np.clip(scaled, 0, 255).astype(np.uint8)
    return grey


def _tint(rgb: NDArray[np.uint8], where: NDArray[np.bool_], colour: Rgb, opacity: float) -> None:
    mixed = rgb[where] * (1 - opacity) + np.array(colour) * opacity
    rgb[where] = mixed.astype(np.uint8)


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask's rim, two pixels wide."""
    image = Image.fromarray(mask.astype(np.uint8) * 255)
    eroded = np.asarray(image.filter(ImageFilter.MinFilter(5))) > 0
    rim: NDArray[np.bool_] = mask & ~eroded
    return rim
