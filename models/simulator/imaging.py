"""What the scanner measures of a head while contrast passes through it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.simulator.acquisition import Acquisition
from models.simulator.anatomy import Anatomy
from models.simulator.bolus import Bolus
from models.simulator.noise import noise
from models.simulator.residue import TissueTable
from models.simulator.vessels import Vessels

_BLOOD_HU = 40.0
_HEAD_RADIUS_MM = 95.0
_AIR_HU = -1000.0
_LOWEST_HU, _HIGHEST_HU = -1024.0, 3071.0


@dataclass(frozen=True, eq=False)
class Tissue:
    """Perfusion of the tissue in each voxel, (Z, Y, X) float32, vessels not counted."""

    cbv: NDArray[np.float32]
    mtt_s: NDArray[np.float32]
    delay_s: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Head:
    """Everything about the patient that does not change during the scan."""

    anatomy: Anatomy
    vessels: Vessels
    tissue: Tissue
    resting_hu: NDArray[np.float32]

    def without(self, margin: int) -> "Head":
        """The head without its ``margin`` lowest and highest slices."""
        if not margin:
            return self
        inner = slice(margin, -margin)
        cut = {name: values[..., inner, :, :] for name, values in vars(self.anatomy).items()}
        return Head(
            anatomy=Anatomy(**cut),
            vessels=Vessels(self.vessels.arterial[inner], self.vessels.venous[inner]),
            tissue=Tissue(**{name: values[inner] for name, values in vars(self.tissue).items()}),
            resting_hu=self.resting_hu[inner],
        )


@dataclass(frozen=True, eq=False)
class Passage:
    """Contrast passing: the bolus, what tissue makes of it, and when images are taken.

    Parameters
    ----------
    bolus, table
        The vessels' curves and the tissue's.
    clock_s
        (T, Z) float64, the time of every image on the bolus's clock [s].
    motion
        (T, 3) or (T, 6), as :attr:`models.simulator.Truth.motion` has it.
    """

    bolus: Bolus
    table: TissueTable
    clock_s: NDArray[np.float64]
    motion: NDArray[np.float64]


def acquired(
    head: Head, passage: Passage, acquisition: Acquisition, rng: np.random.Generator
) -> NDArray[np.float32]:
    """What the scanner measures, (T, Z, Y, X) float32, whole HU.

    Parameters
    ----------
    head
        On the acquisition's grid, with as many slices more at both ends as a movement through
        the plane may bring into view.
    passage
        Contrast and movement.
    acquisition
        Noise and pixels.
    rng
        Draws the noise.
    """
    frames, slices = passage.clock_s.shape
    hu = np.empty((frames, slices, acquisition.rows, acquisition.rows), np.float32)
    rigid = passage.motion.shape[1] == 6
    moved = _moved_rigidly(head, passage, acquisition) if rigid else None
    for z in range(slices):
        images = _noise_free(head, passage, z) if moved is None else moved[:, z]
        if moved is None and passage.motion.any():
            _move(images, passage.motion, acquisition.pixel_mm)
        images += noise(rng, images.shape, acquisition.native_noise_hu, acquisition.pixel_mm)
        np.rint(images, out=images)
        np.clip(images, _LOWEST_HU, _HIGHEST_HU, out=hu[:, z])
    return hu


def _noise_free(head: Head, passage: Passage, z: int) -> NDArray[np.float32]:
    """One slice without noise, (T, Y, X) float32 [HU]."""
    bolus, times_s = passage.bolus, passage.clock_s[:, z]
    arterial, venous = head.vessels.arterial[z], head.vessels.venous[z]
    solid = 1.0 - arterial - venous
    resting = head.resting_hu[z] * solid + np.float32(_BLOOD_HU) * (arterial + venous)
    images = np.repeat(resting[None], len(times_s), axis=0)
    perfused = head.tissue.cbv[z] > 0
    delay = head.tissue.delay_s[z]
    at_slice = passage.table.sampled(times_s)
    curves = at_slice.curves(head.tissue.mtt_s[z][perfused], delay[perfused])
    curves *= (head.tissue.cbv[z][perfused] / 100.0 * solid[perfused])[:, None]
    images[:, perfused] += curves.T
    bled = arterial > 0
    # Beyond an occlusion arteries fill late through collaterals, yet ahead of their tissue.
    arrival = times_s[:, None] - 0.7 * np.clip(delay[bled] - 1.0, 0.0, None)
    images[:, bled] += (bolus.artery(arrival) * arterial[bled]).astype(np.float32)
    drained = venous > 0
    vein = np.interp(times_s, bolus.time_s, bolus.vof).astype(np.float32)
    images[:, drained] += vein[:, None] * venous[drained]
    return images


def drift(rng: np.random.Generator, acquisition: Acquisition) -> NDArray[np.float64]:
    """A head drifting in-plane, (T, 3): along Y and X [mm] and turned [degrees]; rests at first.

    Parameters
    ----------
    rng
        Random numbers.
    acquisition
        How many passes, and how far.
    """
    walk = np.cumsum(rng.standard_normal((acquisition.frames, 3)), axis=0)
    walk -= walk[0]
    farthest = max(float(np.abs(walk).max()), 1e-6)
    return walk / farthest * acquisition.motion_mm


def slices_beyond(motion: NDArray[np.float64], acquisition: Acquisition) -> int:
    """How many slices beyond either end of the slab a moving head brings into it.

    Parameters
    ----------
    motion
        As :attr:`models.simulator.Truth.motion` has it.
    acquisition
        The slab.
    """
    if motion.shape[1] == 3:
        return 0
    tilted = np.abs(np.sin(np.deg2rad(motion[:, 4:]))).sum(axis=1)
    reach_mm = float((np.abs(motion[:, 3]) + _HEAD_RADIUS_MM * tilted).max())
    return int(np.ceil(reach_mm / acquisition.thickness_mm))


def _move(images: NDArray[np.float32], motion: NDArray[np.float64], pixel_mm: float) -> None:
    """Move every image of one slice in place."""
    centre = (np.array(images.shape[1:]) - 1) / 2
    for image, (down_mm, across_mm, turn_deg) in zip(images, motion, strict=True):
        angle = np.deg2rad(turn_deg)
        matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        offset = centre - matrix @ (centre + np.array([down_mm, across_mm]) / pixel_mm)
        image[:] = ndimage.affine_transform(image, matrix, offset, order=1, cval=_AIR_HU)


def _moved_rigidly(head: Head, passage: Passage, acquisition: Acquisition) -> NDArray[np.float32]:
    """The noise-free images of a head that moves as a rigid body, (T, Z, Y, X) float32 [HU].

    Tissue that enters a slice from its neighbour shows the neighbour's time: on a shuttle that
    is half an interval off at the slabs' border.
    """
    slices = passage.clock_s.shape[1]
    margin = (head.resting_hu.shape[0] - slices) // 2
    wider = replace(
        passage, clock_s=np.pad(passage.clock_s, ((0, 0), (margin, margin)), mode="edge")
    )
    whole = np.stack([_noise_free(head, wider, z) for z in range(slices + 2 * margin)], axis=1)
    moved = whole[:, margin : margin + slices].copy()
    seen = _around_head(head.resting_hu)
    for frame in np.flatnonzero(passage.motion.any(axis=1)):
        _place(whole[frame], passage.motion[frame], acquisition, moved[frame], seen)
    return moved


def _around_head(resting_hu: NDArray[np.float32]) -> tuple[slice, slice]:
    """Rows and columns with anything but air, and some pixels about them for it to move in."""
    solid = np.asarray(resting_hu.max(axis=0) > _AIR_HU + 1.0)
    bounds = []
    for lines in (solid, solid.T):
        there = np.flatnonzero(lines.any(axis=1))
        room = max(2, solid.shape[0] // 12)
        low, high = (int(there[0]), int(there[-1])) if there.size else (0, 0)
        bounds.append(slice(max(0, low - room), high + room + 1))
    return bounds[0], bounds[1]


def _place(
    volume: NDArray[np.float32],
    pose: NDArray[np.float64],
    acquisition: Acquisition,
    out: NDArray[np.float32],
    seen: tuple[slice, slice],
) -> None:
    """A volume in another pose, cut to the slices of ``out``; only ``seen`` pixels change."""
    spacing = np.array(acquisition.spacing_mm)
    matrix = rotation(pose) * spacing[None, :] / spacing[:, None]
    source, target = ((np.array(each.shape) - 1) / 2 for each in (volume, out))
    first = np.array([0, seen[0].start, seen[1].start])
    offset = source + matrix @ (first - target - pose[[3, 0, 1]] / spacing)
    window = out[:, seen[0], seen[1]]
    window[:] = ndimage.affine_transform(
        volume, matrix, offset, output_shape=window.shape, order=1, mode="nearest"
    )


def rotation(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where a point (z, y, x) of a turned head was at first: a rotation matrix.

    Parameters
    ----------
    pose
        One row of a (T, 6) :attr:`models.simulator.Truth.motion`.
    """
    cz, cy, cx = np.cos(np.deg2rad(pose[[2, 4, 5]]))
    sz, sy, sx = np.sin(np.deg2rad(pose[[2, 4, 5]]))
    about_z = np.array([[1, 0, 0], [0, cz, -sz], [0, sz, cz]])
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_x = np.array([[cx, -sx, 0], [sx, cx, 0], [0, 0, 1]])
    turned: NDArray[np.float64] = about_x @ about_y @ about_z
    return turned
