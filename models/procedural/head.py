"""A head from formulas: a squared-off ellipsoid whose cortex is folded by noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.procedural.lattice import Lattice
from models.simulator import Acquisition

_CORTEX_MM = 3.4
_FURROW_MM = 0.9
_FURROW_WAVE_MM = 20.0
# The middle of the slab above the middle of the brain, as at the basal ganglia [mm].
_RAISED_MM = 4.0

# Grey nuclei and ventricles on the left: centre and half axes (z, y, x) [mm]; y points backwards.
_NUCLEI = (
    ((1.0, 8.0, 11.0), (9.0, 13.0, 8.0)),
    ((0.0, -6.0, 24.0), (9.0, 15.0, 7.0)),
    ((8.0, -18.0, 13.0), (9.0, 9.0, 5.0)),
)
_VENTRICLES = (
    ((12.0, -14.0, 8.0), (5.0, 15.0, 4.0)),
    ((16.0, 8.0, 11.0), (6.0, 19.0, 4.5)),
    ((6.0, 26.0, 19.0), (8.0, 12.0, 5.0)),
    ((0.0, 2.0, 0.0), (8.0, 13.0, 1.8)),
)


@dataclass(frozen=True, eq=False)
class ProceduralHead:
    """One made-up head on a scan's grid; every array (Z, Y, X).

    Parameters
    ----------
    grey, white, csf
        float32 fractions of a voxel; they add to 1 inside the brain and to 0 outside.
    depth_mm
        float32, how far inside the brain's surface [mm], negative outside.
    places_mm
        (3, Z, Y, X) float32, from the middle of the brain along z, y (backwards) and x (to the
        patient's left) [mm].
    half_axes_mm
        Of the brain along (z, y, x) [mm].
    """

    grey: NDArray[np.float32]
    white: NDArray[np.float32]
    csf: NDArray[np.float32]
    depth_mm: NDArray[np.float32]
    places_mm: NDArray[np.float32]
    half_axes_mm: NDArray[np.float64]

    @classmethod
    def drawn(cls, rng: np.random.Generator, acquisition: Acquisition) -> "ProceduralHead":
        """A head; it depends on the grid only by where it is looked at."""
        axes_mm = rng.normal([58.0, 76.0, 61.0], [2.5, 3.5, 2.5])
        power = float(rng.uniform(2.1, 2.6))
        shape = Lattice.power_law(rng, 4.0)
        folds = Lattice.banded(rng, _FURROW_WAVE_MM)
        bends = [Lattice.power_law(rng, 5.0) for _ in range(3)]
        wide = float(rng.uniform(0.8, 1.5))
        layers = 3 if acquisition.thickness_mm > 3.0 else 1
        total = np.zeros((4, *_shape(acquisition)), np.float32)
        for layer in range(layers):
            off_mm = ((layer + 0.5) / layers - 0.5) * acquisition.thickness_mm
            places = _places(acquisition, off_mm)
            depth = _depth(places, axes_mm, power) + 1.5 * shape.at(places)
            bent = places + 6.0 * np.stack([bend.at(places) for bend in bends])
            total += np.stack(_tissue(places, depth, folds.at(bent), wide))
        grey, white, csf, depth = total / layers
        return cls(grey, white, csf, depth, _places(acquisition, 0.0), axes_mm)

    @property
    def brain(self) -> NDArray[np.bool_]:
        """Inside the surface, ventricles included."""
        inside: NDArray[np.bool_] = self.depth_mm > 0.0
        return inside

    @property
    def left(self) -> NDArray[np.bool_]:
        """The patient's left half."""
        half: NDArray[np.bool_] = self.places_mm[2] > 0.0
        return half

    def resting_hu(
        self, rng: np.random.Generator, infarct: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Attenuation before contrast, (Z, Y, X) float32 [HU] (SCIENCE.md section 3).

        Parameters
        ----------
        rng
            Draws this head's attenuations.
        infarct
            (Z, Y, X) 0 to 1: infarcts are darker.
        """
        grey_hu, white_hu, csf_hu, less_hu = rng.uniform(
            [33.0, 26.5, 9.0, 2.0], [38.0, 31.0, 15.0, 8.0]
        )
        bone_mm, scalp_mm, bone_hu = rng.uniform([4.0, 3.0, 700.0], [8.0, 8.0, 1300.0])
        soft = self.grey * np.float32(grey_hu) + self.white * np.float32(white_hu)
        soft += self.csf * np.float32(csf_hu) - (self.grey + self.white) * infarct * less_hu
        out = -self.depth_mm
        edges = np.array([1.5, 1.5 + bone_mm, 1.5 + bone_mm + scalp_mm])
        shell = np.full(out.shape, csf_hu, np.float32)
        for edge, value in zip(edges, (bone_hu, 10.0, -1000.0), strict=True):
            share = np.clip((out - edge) / 1.2 + 0.5, 0.0, 1.0)
            shell += (np.float32(value) - shell) * share
        return np.where(self.brain, soft, shell).astype(np.float32)


def _shape(acquisition: Acquisition) -> tuple[int, int, int]:
    return acquisition.slices, acquisition.rows, acquisition.rows


def _places(acquisition: Acquisition, off_mm: float) -> NDArray[np.float32]:
    """Every voxel's place, (3, Z, Y, X) [mm]."""
    axes = [
        ((np.arange(n) - (n - 1) / 2) * step).astype(np.float32)
        for n, step in zip(_shape(acquisition), acquisition.spacing_mm, strict=True)
    ]
    axes[0] += np.float32(off_mm + _RAISED_MM)
    return np.stack(np.meshgrid(*axes, indexing="ij"))


def _depth(
    places: NDArray[np.float32], axes_mm: NDArray[np.float64], power: float
) -> NDArray[np.float32]:
    """Radial distance to the surface of a squared-off ellipsoid [mm], positive inside."""
    ratio = np.abs(places) / axes_mm.astype(np.float32)[:, None, None, None]
    radius = np.maximum((ratio**power).sum(axis=0), 1e-6) ** (1.0 / power)
    far = np.sqrt((places**2).sum(axis=0))
    return np.asarray(np.where(far > 1.0, far * (1.0 / radius - 1.0), axes_mm.min()), np.float32)


def _tissue(
    places: NDArray[np.float32],
    depth: NDArray[np.float32],
    folds: NDArray[np.float32],
    wide: float,
) -> tuple[NDArray[np.float32], ...]:
    """Fractions of grey, white and fluid, and the depth."""
    # A band-limited field of unit variance climbs 2 pi / wavelength a millimetre.
    furrow_mm = np.abs(folds) * (_FURROW_WAVE_MM / (2 * np.pi))
    furrow_mm = furrow_mm + np.clip(depth - 20.0, 0.0, None)
    z, y, x = places
    # The falx parts the halves, but not where the corpus callosum and the stem join them.
    joined = np.clip(34.0 - np.sqrt((z - 2.0) ** 2 + (0.6 * y) ** 2), 0.0, None)
    pia_mm = np.minimum(np.minimum(depth, furrow_mm), np.abs(x) + joined)
    grey_core = np.maximum.reduce([_ellipsoid(places, *nucleus, 1.0) for nucleus in _NUCLEI])
    fluid_core = np.maximum.reduce([_ellipsoid(places, *hole, wide) for hole in _VENTRICLES])
    fluid = np.maximum(_soft(_FURROW_MM - pia_mm), _soft(fluid_core))
    grey = np.maximum(_soft(_FURROW_MM + _CORTEX_MM - pia_mm), _soft(grey_core)) * (1.0 - fluid)
    inside = (depth > 0.0).astype(np.float32)
    fluid, grey = fluid * inside, grey * inside
    white = inside - fluid - grey
    return tuple(np.asarray(each, np.float32) for each in (grey, white, fluid, depth))


def _ellipsoid(
    places: NDArray[np.float32],
    centre: tuple[float, float, float],
    half_axes: tuple[float, float, float],
    scale: float,
) -> NDArray[np.float32]:
    """How far inside an ellipsoid and its mirror image places lie [mm], roughly."""
    z, y, x = places[0], places[1], np.abs(places[2])
    squares = sum(
        ((axis - np.float32(c)) / np.float32(h * scale)) ** 2
        for axis, c, h in zip((z, y, x), centre, half_axes, strict=True)
    )
    return np.asarray((1.0 - np.sqrt(squares)) * min(half_axes) * scale, np.float32)


def _soft(inside_mm: NDArray[np.float32]) -> NDArray[np.float32]:
    """A border one millimetre wide: 0 outside, 1 inside."""
    return np.asarray(np.clip(inside_mm + 0.5, 0.0, 1.0), np.float32)
