"""Colour pictures of maps and lesions, slice by slice, as a radiologist expects them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw

from node.derived.annotation import SOFT, Block, Line, Rgb
from node.derived.background import WINDOW_HU
from node.derived.bundle import ColourTable
from node.derived.canvas import Canvas, fitted
from node.derived.colour_bar import bar_box, draw_bar
from node.derived.colour_table import colour_table, levels
from node.derived.frame import Frame, orientation_blocks, slice_block
from node.perfusion import Lesion, PerfusionMaps, Quantity
from node.series import Geometry

CORE: Rgb = (255, 50, 150)
PENUMBRA: Rgb = (70, 220, 100)
_CORE_FILL, _PENUMBRA_FILL = 0.45, 0.3  # opacity over the CT
_DIMMED = 0.4  # bone around a colour map, so that it does not dazzle
_RIM = 2  # pixels of an outline


@dataclass(frozen=True)
class Captions:
    """What is written at the bottom left: of the maps, and of the pictures of the lesion."""

    maps: tuple[Line, ...]
    lesion: tuple[Line, ...]


@dataclass(frozen=True, eq=False)
class Scene:
    """What the pictures of one result share.

    Parameters
    ----------
    maps, lesion
        What is shown.
    captions
        What is written below.
    table
        Look-up table of the maps.
    canvas
        One for all series, so that they hang and scroll together.
    greys
        The background CT of every slice in its window, enlarged, uint8.
    weights
        The brain of every slice, enlarged, 0 to 1.
    """

    maps: PerfusionMaps
    lesion: Lesion
    captions: Captions
    table: ColourTable
    canvas: Canvas
    greys: tuple[NDArray[np.uint8], ...]
    weights: tuple[NDArray[np.float32], ...]

    @classmethod
    def of(
        cls,
        geometry: Geometry,
        maps: PerfusionMaps,
        lesion: Lesion,
        captions: Captions,
        table: ColourTable,
    ) -> "Scene":
        """The scene of one result, on a canvas that has room for everything written."""
        blocks = [b for q in Quantity for b in _map_blocks(q, captions)]
        blocks += [*_lesion_blocks(lesion, captions), *orientation_blocks(geometry)]
        blocks.append(slice_block(geometry, len(geometry.position_mm) - 1))
        bars = [bar_box(q.meaning.unit) for q in Quantity]
        canvas = fitted(geometry, maps.brain, [*bars, *(b.box for b in blocks)])
        centre, width = WINDOW_HU
        window = (centre - width / 2, centre + width / 2)
        greys = tuple(levels(canvas.enlarge(hu), window) for hu in maps.baseline_hu)
        weights = tuple(canvas.enlarge(brain.astype(np.float32)) for brain in maps.brain)
        return cls(maps, lesion, captions, table, canvas, greys, weights)


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
    """The map in colour inside the brain, dimmed CT around it, and the colour bar.

    Values are interpolated among the brain's own, so that its rim does not fade.
    """
    meaning, canvas = quantity.meaning, scene.canvas
    frame = Frame(canvas, _map_blocks(quantity, scene.captions))
    overlay = frame.overlay()
    draw = ImageDraw.Draw(overlay)
    draw_bar(draw, frame.size, meaning.window, meaning.unit, scene.table)
    dimmed = np.repeat((np.arange(256) * _DIMMED).astype(np.uint8)[:, None], 3, axis=1)
    both = np.concatenate([colour_table(scene.table), dimmed])

    def make(z: int) -> NDArray[np.uint8]:
        weight = scene.weights[z]
        value = np.divide(canvas.enlarge(scene.maps[quantity][z]), np.maximum(weight, 0.5))
        colour, grey = levels(value, meaning.window), scene.greys[z] + np.uint16(256)
        rgb = both.take(np.where(weight > 0.5, colour, grey), axis=0)
        return frame.finished(rgb, overlay, z)

    return Pictures(canvas.geometry, map(make, range(len(scene.greys))))


def lesion_pictures(scene: Scene) -> Pictures:
    """The CT with core and penumbra coloured and outlined, and the volumes in words."""
    canvas, lesion = scene.canvas, scene.lesion
    frame = Frame(canvas, _lesion_blocks(lesion, scene.captions))
    overlay = frame.overlay()

    def make(z: int) -> NDArray[np.uint8]:
        rgb = np.repeat(scene.greys[z][..., None], 3, axis=2)
        core = canvas.enlarge(lesion.core[z].astype(np.float32)) > 0.5
        low = canvas.enlarge(lesion.hypoperfusion[z].astype(np.float32)) > 0.5
        _tint(rgb, low & ~core, PENUMBRA, _PENUMBRA_FILL)
        _tint(rgb, core, CORE, _CORE_FILL)
        rgb[_outline(low)] = PENUMBRA
        rgb[_outline(core)] = CORE
        return frame.finished(rgb, overlay, z)

    return Pictures(canvas.geometry, map(make, range(len(scene.greys))))


def _map_blocks(quantity: Quantity, captions: Captions) -> tuple[Block, ...]:
    title = Block("top", "start", _title(quantity))
    return title, Block("bottom", "start", captions.maps)


def _lesion_blocks(lesion: Lesion, captions: Captions) -> tuple[Block, ...]:
    return (
        Block("top", "start", (Line("Core and hypoperfusion", 15, bold=True),)),
        Block("bottom", "start", captions.lesion),
        Block("bottom", "end", _volumes(lesion), ragged=True),
    )


def _title(quantity: Quantity) -> tuple[Line, ...]:
    meaning = quantity.meaning
    name = f"{meaning.name} " if meaning.name != quantity else ""
    unit = Line(f"{name}[{meaning.unit}]", 13, colour=SOFT)
    return Line(str(quantity), 22, bold=True), unit


def _volumes(lesion: Lesion) -> tuple[Line, ...]:
    limits, ratio = lesion.thresholds, lesion.mismatch_ratio
    intensity = lesion.hypoperfusion_intensity_ratio
    mismatch = f"Mismatch {lesion.mismatch_ml:.1f} ml"
    return (
        Line(f"Core {lesion.core_ml:.1f} ml", 14, bold=True, swatch=CORE),
        Line(f"CBF < {100 * limits.rcbf:g} % of normal", 11, colour=SOFT),
        Line(f"Hypoperfusion {lesion.hypoperfusion_ml:.1f} ml", 14, bold=True, swatch=PENUMBRA),
        Line(f"Tmax > {limits.tmax_s:g} s, core included", 11, colour=SOFT),
        Line(mismatch + ("" if ratio is None else f", ratio {ratio:.1f}"), 12),
        Line("HIR " + ("none" if intensity is None else f"{intensity:.2f}"), 12),
    )


def _tint(rgb: NDArray[np.uint8], where: NDArray[np.bool_], colour: Rgb, opacity: float) -> None:
    mixed = rgb[where] * (1 - opacity) + np.array(colour) * opacity
    rgb[where] = mixed.astype(np.uint8)


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask's rim, inside it."""
    inner = mask.copy()
    for _ in range(_RIM):
        smaller = inner.copy()
        smaller[1:] &= inner[:-1]
        smaller[:-1] &= inner[1:]
        smaller[:, 1:] &= inner[:, :-1]
        smaller[:, :-1] &= inner[:, 1:]
        inner = smaller
    rim: NDArray[np.bool_] = mask & ~inner
    return rim
