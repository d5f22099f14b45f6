"""Vessels that grow: courses that follow the brain's surface, drawn as discs layer by layer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.procedural.head import ProceduralHead
from models.simulator import Acquisition

_LAYERS = 5
_STEP_MM = 0.7


@dataclass(frozen=True, eq=False)
class Tubes:
    """How much of each voxel blood of large vessels fills, (Z, Y, X) float32, 0 to 1."""

    arterial: NDArray[np.float32]
    venous: NDArray[np.float32]

    @classmethod
    def grown(
        cls, rng: np.random.Generator, head: ProceduralHead, acquisition: Acquisition
    ) -> "Tubes":
        """One head's vessels."""
        arteries, veins = [], []
        for side in (-1.0, 1.0):
            arteries += _middle(rng, head, side)
            arteries += _anterior(rng, head, side)
            arteries += _posterior(rng, head, side)
            veins.append((rng.uniform(2.5, 4.0), _on_surface(head, _TRANSVERSE * [1, 1, side])))
        veins.append((rng.uniform(2.5, 3.8), _on_surface(head, _SAGITTAL)))
        veins.append((rng.uniform(1.2, 2.0), _STRAIGHT))
        arterial, venous = (_drawn(head, tubes, acquisition) for tubes in (arteries, veins))
        return cls(arterial, np.minimum(venous, 1.0 - arterial))


Course = NDArray[np.float64]

# Directions from the middle of the brain (z, y, x); y points backwards.
_SAGITTAL = np.array(
    [
        [0.1, -1, 0],
        [0.6, -0.8, 0],
        [1, -0.3, 0],
        [1, 0.3, 0],
        [0.7, 0.8, 0],
        [0.1, 1, 0],
        [-0.2, 1, 0],
    ]
)
_TRANSVERSE = np.array([[-0.2, 1, 0.0], [-0.3, 0.9, 0.5], [-0.4, 0.5, 0.9], [-0.6, 0.1, 0.8]])
_STRAIGHT = np.array([[4.0, 26.0, 0.0], [2.0, 44.0, 0.0], [-4.0, 62.0, 0.0], [-8.0, 76.0, 0.0]])


def _middle(
    rng: np.random.Generator, head: ProceduralHead, side: float
) -> list[tuple[float, Course]]:
    """A stem to the side, then branches that fan out over the convexity."""
    stem = np.array([[-34, -12, 8], [-24, -12, 12], [-18, -10, 26], [-14, -8, 42]], float)
    grown = [(rng.uniform(1.2, 1.7), stem * [1, 1, side])]
    for heading in rng.uniform(-1.2, 1.6, 4):
        way = np.linspace(0.0, 1.0, 7)[:, None]
        end = np.array([0.9 - 0.3 * abs(heading), heading, side])
        start = np.array([-0.25, -0.15, side])
        turns = start * (1 - way) + end * way + rng.normal(0.0, 0.05, (7, 3))
        branch = np.vstack([stem[-1:] * [1, 1, side], _on_surface(head, turns, 0.93)])
        grown.append((rng.uniform(0.7, 1.2), branch))
    return grown


def _anterior(
    rng: np.random.Generator, head: ProceduralHead, side: float
) -> list[tuple[float, Course]]:
    """Forwards beside the midline and over the knee of the corpus callosum."""
    way = [[-20, -12, 10], [-18, -22, 3], [-8, -38, 2], [8, -44, 2], [26, -34, 2], [36, -10, 2]]
    course = np.array(way, float) + rng.normal(0.0, 1.0, (6, 3))
    return [(rng.uniform(0.8, 1.3), np.abs(course) * np.sign(np.array(way)) * [1, 1, side])]


def _posterior(
    rng: np.random.Generator, head: ProceduralHead, side: float
) -> list[tuple[float, Course]]:
    """Up before the stem, around it and back."""
    way = [[-46, 4, 0.5], [-26, 2, 0.5], [-22, 6, 10], [-16, 22, 22], [-8, 44, 16], [0, 64, 8]]
    course = np.array(way, float) + rng.normal(0.0, 0.8, (6, 3))
    return [(rng.uniform(0.8, 1.5), np.abs(course) * np.sign(np.array(way)) * [1, 1, side])]


def _on_surface(head: ProceduralHead, directions: Course, share: float = 1.0) -> Course:
    """Places where directions meet the brain's ellipsoid, or a share of the way there [mm]."""
    lengths = np.linalg.norm(directions / head.half_axes_mm, axis=1, keepdims=True)
    return np.asarray(directions / lengths * share, np.float64)


def _drawn(
    head: ProceduralHead, tubes: list[tuple[float, Course]], acquisition: Acquisition
) -> NDArray[np.float32]:
    """The filled fraction of each voxel: discs on layers thinner than a slice, averaged."""
    slices, rows, columns = head.depth_mm.shape
    layers = np.zeros((slices * _LAYERS, rows, columns), np.float32)
    origin = head.places_mm[:, 0, 0, 0].astype(float)
    thin_mm, pixel_mm = acquisition.thickness_mm / _LAYERS, acquisition.pixel_mm
    origin[0] -= (_LAYERS - 1) / 2 * thin_mm
    for radius_mm, course in tubes:
        for z, y, x in (_evenly(course) - origin) / [thin_mm, pixel_mm, pixel_mm]:
            # Across a layer a tube that runs in-plane shows a chord that shrinks with height.
            reach = max(1, round(radius_mm / thin_mm))
            for layer in range(round(z) - reach, round(z) + reach + 1):
                chord = radius_mm**2 - ((layer - z) * thin_mm) ** 2
                if 0 <= layer < len(layers) and chord > 0:
                    _disc(layers[layer], (y, x), np.sqrt(chord) / pixel_mm)
    return np.asarray(layers.reshape(slices, _LAYERS, rows, columns).mean(axis=1), np.float32)


def _disc(layer: NDArray[np.float32], centre: tuple[float, float], radius: float) -> None:
    """A disc with a border one pixel wide, in place; pixels are as full as the fullest disc."""
    y, x = centre
    low, left = max(0, int(y - radius - 1)), max(0, int(x - radius - 1))
    patch = layer[low : int(y + radius + 3), left : int(x + radius + 3)]
    if not patch.size:
        return
    down = (np.arange(patch.shape[0]) + low - y)[:, None]
    across = (np.arange(patch.shape[1]) + left - x)[None, :]
    inside = np.clip(radius + 0.5 - np.hypot(down, across), 0.0, min(1.0, np.pi * radius**2))
    np.maximum(patch, inside, out=patch)


def _evenly(course: Course) -> Course:
    """A course through its points, smooth and sampled every 0.7 mm."""
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(course, axis=0), axis=1))])
    at = np.arange(0.0, length[-1], _STEP_MM)
    straight = np.stack([np.interp(at, length, course[:, i]) for i in range(3)], axis=1)
    window = np.hanning(2 * int(5.0 / _STEP_MM) + 3)
    padded = np.pad(straight, ((len(window) // 2,) * 2, (0, 0)), mode="edge")
    return np.stack(
        [np.convolve(padded[:, i], window / window.sum(), mode="valid") for i in range(3)], axis=1
    )
