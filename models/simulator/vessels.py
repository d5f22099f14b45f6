"""Arteries and veins as tubes, so that partial volume comes from the voxel's size."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.simulator.acquisition import Acquisition
from models.simulator.anatomy import Warp, template
from models.simulator.fields import Grid

Path = tuple[tuple[float, float, float], ...]

# Centre lines in ICBM152 space (x, y, z) [mm] of the right side, with radius [mm].
_PAIRED_ARTERIES: tuple[tuple[float, Path], ...] = (
    (2.2, ((24, -12, -55), (20, -2, -40), (14, 6, -30), (16, 2, -22), (13, 4, -15))),
    (1.5, ((13, 4, -15), (22, 4, -16), (31, 3, -14), (38, 3, -11))),
    (1.1, ((38, 3, -11), (40, 8, 0), (43, 8, 10), (50, 2, 20), (55, -6, 32), (52, -12, 44))),
    (1.1, ((38, 3, -11), (41, -8, -4), (45, -22, 6), (54, -36, 14), (54, -52, 22))),
    (0.8, ((40, 8, 0), (44, 22, 4), (48, 30, 12), (44, 38, 22))),
    (1.1, ((13, 4, -15), (7, 9, -14), (2, 13, -13))),
    (1.2, ((2, 13, -13), (2, 26, -10), (2, 37, 2), (2, 34, 16), (2, 18, 30), (2, -4, 38))),
    (0.8, ((2, 37, 2), (3, 50, 14), (4, 48, 34), (5, 34, 50))),
    (1.2, ((1, -18, -19), (9, -17, -19), (20, -26, -15), (21, -42, -8), (13, -62, 0), (9, -82, 6))),
)
_ARTERIES: tuple[tuple[float, Path], ...] = ((1.8, ((0, -30, -55), (0, -24, -40), (0, -18, -19))),)
_PAIRED_VEINS: tuple[tuple[float, Path], ...] = (
    (3.2, ((2, -106, -6), (28, -98, -14), (48, -80, -22), (58, -58, -28), (50, -44, -42))),
    (1.1, ((2, -2, 15), (3, -20, 14), (3, -36, 10), (0, -44, 6))),
    (0.9, ((50, 10, 62), (36, 2, 72), (18, -6, 78), (2, -12, 82))),
    (0.9, ((46, 40, 42), (28, 46, 52), (2, 44, 58))),
)
_VEINS: tuple[tuple[float, Path], ...] = (
    (2.2, ((0, -42, 5), (0, -62, 8), (0, -84, 2), (0, -104, -5))),
)
_SAGITTAL_SINUS: Path = (
    (0, 70, -8),
    (0, 74, 14),
    (0, 62, 40),
    (0, 36, 62),
    (0, 4, 76),
    (0, -30, 80),
    (0, -62, 70),
    (0, -88, 48),
    (0, -104, 22),
    (0, -107, -5),
)


@dataclass(frozen=True, eq=False)
class Vessels:
    """How much of each voxel large vessels fill, (Z, Y, X) float32, 0 to 1."""

    arterial: NDArray[np.float32]
    venous: NDArray[np.float32]

    @classmethod
    def drawn(
        cls, rng: np.random.Generator, warp: Warp, grid: Grid, acquisition: Acquisition
    ) -> "Vessels":
        """One patient's vessels on a scan's grid."""
        arteries = list(_ARTERIES) + _both_sides(_PAIRED_ARTERIES)
        veins = list(_VEINS) + _both_sides(_PAIRED_VEINS)
        calibre = rng.uniform(0.9, 1.15)
        sinus = [(2.8 * calibre, _on_dura(np.array(_SAGITTAL_SINUS, float), -1.0))]
        trees = (
            [_jittered(rng, radius * calibre, path) for radius, path in arteries],
            [_jittered(rng, radius * calibre, path) for radius, path in veins] + sinus,
        )
        arterial, venous = (_filled(rng, warp, tree, grid, acquisition) for tree in trees)
        # Where tubes meet, the artery keeps its share.
        return cls(arterial, np.minimum(venous, 1.0 - arterial))

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Voxels in which blood of a large vessel adds more than 1.4 ml/100 g to the CBV."""
        filled: NDArray[np.bool_] = self.arterial + self.venous > 0.02
        return filled


def _both_sides(paths: tuple[tuple[float, Path], ...]) -> list[tuple[float, Path]]:
    mirrored = [(radius, tuple((-x, y, z) for x, y, z in path)) for radius, path in paths]
    return list(paths) + mirrored


def _jittered(
    rng: np.random.Generator, radius_mm: float, path: Path
) -> tuple[float, NDArray[np.float64]]:
    """A tube whose course varies by a millimetre; ends stay so that branches still meet."""
    points = np.array(path, float)
    points[1:-1] += rng.normal(0.0, 1.2, points[1:-1].shape)
    return radius_mm * float(rng.uniform(0.88, 1.12)), points


def _on_dura(points: NDArray[np.float64], outside_mm: float) -> NDArray[np.float64]:
    """Points moved along the surface's normal until they lie ``outside_mm`` off the brain."""
    maps = template()
    for _ in range(6):
        index = ((points - maps.origin_mm) / 2.0).T
        depth = ndimage.map_coordinates(maps.depth_mm, index, order=1, mode="nearest")
        slope = np.stack(
            [
                ndimage.map_coordinates(maps.depth_mm, index + step, order=1, mode="nearest")
                - ndimage.map_coordinates(maps.depth_mm, index - step, order=1, mode="nearest")
                for step in np.eye(3)[:, :, None]
            ],
            axis=1,
        )
        slope /= np.linalg.norm(slope, axis=1, keepdims=True) + 1e-6
        slope[:, 0] = 0.0  # the sinus stays in the midline
        points = points + (outside_mm - depth)[:, None] * slope
    return points


def _smooth_course(points: NDArray[np.float64], step_mm: float) -> NDArray[np.float64]:
    """A polyline rounded off and sampled evenly, (N, 3)."""
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.arange(0.0, length[-1], step_mm)
    course = np.stack([np.interp(at, length, points[:, i]) for i in range(3)], axis=1)
    rounded: NDArray[np.float64] = ndimage.gaussian_filter1d(
        course, 4.0 / step_mm, axis=0, mode="nearest"
    )
    return rounded


def _filled(
    rng: np.random.Generator,
    warp: Warp,
    tubes: list[tuple[float, NDArray[np.float64]]],
    grid: Grid,
    acquisition: Acquisition,
) -> NDArray[np.float32]:
    """The fraction of each voxel that tubes fill: evenly scattered points, counted."""
    total = np.zeros(int(np.prod(grid.shape)), np.float32)
    voxel_mm3 = acquisition.voxel_ml * 1000.0
    for radius_mm, points in tubes:
        course = _smooth_course(warp.patient_mm(_smooth_course(points, 3.0)), 0.5)
        per_step = int(np.ceil(np.pi * radius_mm**2 * 0.5 * 40.0 / max(voxel_mm3, 1.0)))
        centres = np.repeat(course, per_step, axis=0)
        offset = rng.standard_normal(centres.shape)
        offset *= (
            radius_mm
            * np.cbrt(rng.random((len(centres), 1)))
            / np.linalg.norm(offset, axis=1, keepdims=True)
        )
        # Balls along the course overlap into a tube of that radius.
        cloud = centres + offset
        volume_mm3 = np.pi * radius_mm**2 * 0.5 / per_step
        index = _voxels(cloud, grid)
        total += np.bincount(index, minlength=total.size).astype(np.float32) * np.float32(
            volume_mm3 / voxel_mm3
        )
    filled = np.minimum(total.reshape(grid.shape), 1.0)
    # The scanner's own in-plane blur of about 0.4 mm.
    blur = 0.4 / acquisition.pixel_mm
    blurred: NDArray[np.float32] = ndimage.gaussian_filter(filled, (0.0, blur, blur))
    return blurred


def _voxels(points_mm: NDArray[np.float64], grid: Grid) -> NDArray[np.int64]:
    """Flat voxel index of every (z, y, x) point that lies on the grid."""
    index, inside = [], np.ones(len(points_mm), bool)
    for i, axis in enumerate((grid.z_mm, grid.y_mm, grid.x_mm)):
        width = axis[1] - axis[0] if len(axis) > 1 else 5.0
        at = np.rint((points_mm[:, i] - axis[0]) / width).astype(np.int64)
        inside &= (at >= 0) & (at < len(axis))
        index.append(at)
    flat: NDArray[np.int64] = np.ravel_multi_index([at[inside] for at in index], grid.shape)
    return flat
