"""Smooth random fields, the same patient at any pixel size."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.simulator.acquisition import Acquisition

_HALF_EXTENT_MM = 150.0
# Standard deviation of a cubic B-spline over unit white noise on its knots, per axis.
_SPLINE_SD = 0.69


@dataclass(frozen=True, eq=False)
class Grid:
    """Voxel centres of a scan in the head's own frame [mm], axes (Z, Y, X).

    Z ascends towards the vertex, Y towards the occiput and X towards the patient's left
    (DICOM's patient axes); the origin is the middle of the scanned slab.
    """

    z_mm: NDArray[np.float64]
    y_mm: NDArray[np.float64]
    x_mm: NDArray[np.float64]

    @classmethod
    def of(cls, acquisition: Acquisition) -> "Grid":
        """The grid of an acquisition."""
        z = _centred(acquisition.slices, acquisition.thickness_mm)
        y = _centred(acquisition.rows, acquisition.pixel_mm)
        return cls(z, y, y.copy())

    @property
    def shape(self) -> tuple[int, int, int]:
        """(Z, Y, X)."""
        return len(self.z_mm), len(self.y_mm), len(self.x_mm)

    def shifted(self, z_mm: float) -> "Grid":
        """The grid moved along Z by ``z_mm``."""
        return Grid(self.z_mm + z_mm, self.y_mm, self.x_mm)

    def coarser(self, step: int) -> "Grid":
        """Every ``step``-th voxel in-plane, from the first."""
        return Grid(self.z_mm, self.y_mm[::step], self.x_mm[::step])


def _centred(count: int, spacing_mm: float) -> NDArray[np.float64]:
    return np.asarray((np.arange(count) - (count - 1) / 2) * spacing_mm, np.float64)


@dataclass(frozen=True, eq=False)
class SmoothField:
    """A random field of zero mean and unit variance: a cubic B-spline over white noise.

    Parameters
    ----------
    knots
        (n, n, n) float32 standard normal numbers.
    spacing_mm
        Distance between knots, about the field's correlation length [mm].
    """

    knots: NDArray[np.float32]
    spacing_mm: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, spacing_mm: float) -> "SmoothField":
        """A field drawn from ``rng``; the draw does not depend on any grid."""
        n = int(np.ceil(2 * _HALF_EXTENT_MM / spacing_mm)) + 4
        return cls(rng.standard_normal((n, n, n), dtype=np.float32), spacing_mm)

    def _basis(self, at_mm: NDArray[np.float64]) -> NDArray[np.float32]:
        """The cubic B-spline weight of every knot at every place, (places, n)."""
        place = np.clip(at_mm, -_HALF_EXTENT_MM, _HALF_EXTENT_MM) + _HALF_EXTENT_MM
        away = np.abs(place[:, None] / self.spacing_mm + 1.0 - np.arange(len(self.knots)))
        near = 2.0 / 3.0 - away**2 + away**3 / 2.0
        far = np.clip(2.0 - away, 0.0, None) ** 3 / 6.0
        return np.where(away < 1.0, near, far).astype(np.float32)

    def on(self, grid: Grid) -> NDArray[np.float32]:
        """The field on a grid, (Z, Y, X) float32."""
        z, y, x = (self._basis(axis) for axis in (grid.z_mm, grid.y_mm, grid.x_mm))
        planes = np.tensordot(z, self.knots, axes=(1, 0))
        lines = np.einsum("yj,zjk->zyk", y, planes, optimize=True)
        values: NDArray[np.float32] = np.matmul(lines, x.T) / np.float32(_SPLINE_SD**3)
        return values

    def at(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """The field at scattered (N, 3) points given as (z, y, x) [mm], (N,) float64."""
        z, y, x = (self._basis(points_mm[:, i]) for i in range(3))
        planes = np.tensordot(z, self.knots, axes=(1, 0))
        values = np.einsum("pjk,pj,pk->p", planes, y, x, optimize=True)
        return np.asarray(values / _SPLINE_SD**3, np.float64)


def finer(coarse: NDArray[np.float32], step: int, rows: int) -> NDArray[np.float32]:
    """A field known at every ``step``-th in-plane voxel, linearly on all: (Z, rows, rows)."""
    if step == 1:
        return coarse
    place = np.arange(rows) / step
    weights = np.clip(1.0 - np.abs(place[:, None] - np.arange(coarse.shape[1])), 0.0, None)
    beyond = place > coarse.shape[1] - 1
    weights[beyond] = 0.0
    weights[beyond, -1] = 1.0
    matrix = np.asarray(weights, np.float32)
    return np.asarray(matrix @ coarse @ matrix.T, np.float32)
