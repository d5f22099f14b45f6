"""The skull as the registration sees it: bone alone, so that contrast does not pull."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from node.perfusion.motion.grid import Grid
from node.perfusion.motion.threads import Each

# Above what contrast brings into all but the largest vessels, up to dense bone: between the
# two only the skull has edges, whatever passes through the vessels.
BONE_HU = (300.0, 1500.0)
FINE_MM = 1.8
SMOOTHING_PX = 0.7
MIN_SLOPE_HU_MM = 25.0
MAX_POINTS = 20000
# Fewer slices say too little about movement through their plane: along Z, and about Y and X.
MIN_SLICES = 4
THROUGH_PLANE = [0, 4, 5]

Volume = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Level:
    """A scan's bone at one resolution.

    Parameters
    ----------
    volumes
        (T, Z, H, W) float32 [HU].
    grid
        Where its voxels lie.
    """

    volumes: Volume
    grid: Grid

    def halved(self, each: Each) -> "Level":
        """The level on pixels twice as long and wide."""
        volumes = np.stack(list(each(lambda volume: binned(volume, 2), self.volumes)))
        return Level(volumes, self.grid.binned(2))


@dataclass(frozen=True, eq=False)
class Edges:
    """Points on the skull's edges in the reference frame, and what moving would change there.

    Parameters
    ----------
    points_mm
        (N, 3) along Z, Y and X from the scan's centre [mm].
    value
        (N,) [HU].
    slopes
        (N, 6) change of the value for a step along Z, Y and X [HU/mm], and for a turn about
        them [HU/rad].
    """

    points_mm: NDArray[np.float64]
    value: NDArray[np.float64]
    slopes: NDArray[np.float64]

    @property
    def slope(self) -> float:
        """Root mean square gradient [HU/mm]."""
        return float(np.sqrt((self.slopes[:, :3] ** 2).sum(axis=1).mean()))


def bone(hu: Volume, grid: Grid, each: Each) -> Level:
    """A scan's bone on pixels of about :data:`FINE_MM`.

    Slices are smoothed with their neighbours: an image between two slices is a mean of them,
    and a reference sharper than that would have tilts mistaken for it.

    Parameters
    ----------
    hu
        (T, Z, Y, X) [HU].
    grid
        Where its voxels lie.
    each
        Applies a function to every frame.
    """
    factor = max(1, round(FINE_MM / float(grid.spacing_mm[1:].max())))
    volumes = np.stack(list(each(lambda volume: _smooth(binned(volume, factor)), hu)))
    return Level(volumes, grid.binned(factor))


def binned(volume: Volume, factor: int) -> Volume:
    """The mean of each ``factor`` x ``factor`` block of pixels, clipped to bone."""
    *_, rows, columns = volume.shape
    whole = volume[..., : rows // factor * factor, : columns // factor * factor]
    whole = np.clip(whole, *BONE_HU)
    # Strided sums: several times faster than a mean over a view of more dimensions.
    lines = whole[..., ::factor, :].copy()
    for k in range(1, factor):
        lines += whole[..., k::factor, :]
    blocks = lines[..., ::factor].copy()
    for k in range(1, factor):
        blocks += lines[..., k::factor]
    return blocks / np.float32(factor * factor)


def edges(level: Level, reference: int, usable: NDArray[np.bool_]) -> Edges:
    """The edges of the skull in one frame, at most :data:`MAX_POINTS` of them.

    Parameters
    ----------
    level
        The scan's bone.
    reference
        The frame.
    usable
        (Z,) bool, slices whose image arrived.
    """
    volume = level.volumes[reference]
    gradient = np.stack(np.gradient(volume), axis=-1) / level.grid.spacing_mm
    steep = (gradient**2).sum(axis=-1) > MIN_SLOPE_HU_MM**2
    chosen = np.flatnonzero(steep & usable[:, None, None])
    if len(chosen) > MAX_POINTS:
        chosen = chosen[np.linspace(0, len(chosen) - 1, MAX_POINTS).astype(np.intp)]
    points = level.grid.points_mm(np.stack(np.unravel_index(chosen, volume.shape), axis=-1))
    along = gradient.reshape(-1, 3)[chosen]
    slopes = np.concatenate([along, np.cross(points, along)], axis=1)
    if len(volume) < MIN_SLICES:
        slopes[:, THROUGH_PLANE] = 0.0
    return Edges(points, volume.ravel()[chosen].astype(np.float64), slopes)


def _smooth(volume: Volume) -> Volume:
    """Noise and the steps between slices evened out."""
    in_plane = scipy.ndimage.gaussian_filter(volume, (0.0, SMOOTHING_PX, SMOOTHING_PX))
    smooth: Volume = scipy.ndimage.convolve1d(in_plane, (0.25, 0.5, 0.25), axis=0, mode="nearest")
    return smooth
