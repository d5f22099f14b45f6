"""Beam hardening: the skull's base, and the cupping and streaks that bone brings."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.simulator.anatomy import Anatomy

_PETROUS_HU = 1300.0
_VIEWS = 90
_COARSE_MM = 1.8
_BONE_HU = 150.0

# The dense bone of the skull's base in ICBM152 space, right side: from, to (x, y, z) [mm] and
# the radius at both ends [mm]. Petrous pyramid, sphenoid wing, clinoid process, mastoid.
_BASE = (
    ((11.0, -22.0, -37.0), (50.0, -36.0, -36.0), 5.0, 10.0),
    ((12.0, 6.0, -25.0), (48.0, 18.0, -17.0), 2.0, 4.0),
    ((4.0, -10.0, -24.0), (9.0, 2.0, -22.0), 3.0, 3.0),
    ((54.0, -40.0, -34.0), (62.0, -44.0, -42.0), 9.0, 11.0),
)


def with_base(
    anatomy: Anatomy, resting_hu: NDArray[np.float32]
) -> tuple[Anatomy, NDArray[np.float32]]:
    """A head with the dense bone of its base in the place of what the template has there.

    Parameters
    ----------
    anatomy
        The head.
    resting_hu
        (Z, Y, X) float32 before contrast [HU].
    """
    bone = np.zeros(resting_hu.shape, np.float32)
    for start, end, near_mm, far_mm in _BASE:
        for side in (-1.0, 1.0):
            mirror = np.array([side, 1.0, 1.0])
            inside = _inside(anatomy.ras_mm, mirror * start, mirror * end, (near_mm, far_mm))
            bone = np.maximum(bone, np.clip(inside / 2.0 + 0.5, 0.0, 1.0).astype(np.float32))
    soft = 1.0 - bone
    cut = replace(
        anatomy, grey=anatomy.grey * soft, white=anatomy.white * soft, csf=anatomy.csf * soft
    )
    return cut, np.asarray(resting_hu * soft + np.float32(_PETROUS_HU) * bone, np.float32)


def _inside(
    places: NDArray[np.float32],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    radius_mm: tuple[float, float],
) -> NDArray[np.float32]:
    """How far inside a cone with round ends each voxel lies [mm]."""
    axis = end - start
    along = sum((places[i] - np.float32(start[i])) * np.float32(axis[i]) for i in range(3))
    along = np.clip(along / np.float32(axis @ axis), 0.0, 1.0)
    squares = sum(
        (places[i] - np.float32(start[i]) - along * np.float32(axis[i])) ** 2 for i in range(3)
    )
    radius = np.float32(radius_mm[0]) + along * np.float32(radius_mm[1] - radius_mm[0])
    return np.asarray(radius - np.sqrt(squares), np.float32)


def hardened(
    resting_hu: NDArray[np.float32],
    brain: NDArray[np.bool_],
    strength_hu: float,
    pixel_mm: float,
) -> NDArray[np.float32]:
    """What beam hardening adds to every image, (Z, Y, X) float32 [HU].

    A beam that has crossed bone is harder and is attenuated less by what follows: the measured
    line integral lacks a part that grows as the square of the bone's own (Joseph and Spital,
    J Comput Assist Tomogr 1978;2:100). Projected, squared and back-projected, that part gives
    the dark bands between the petrous bones, the streaks and the cupping under the vault.

    Parameters
    ----------
    resting_hu
        (Z, Y, X) before contrast [HU].
    brain
        (Z, Y, X) inside the skull.
    strength_hu
        Root mean square inside the brain [HU]; the mean there stays 0, as calibration does it.
    pixel_mm
        Distance between pixel centres [mm].
    """
    step = max(1, round(_COARSE_MM / pixel_mm))
    slices, rows, columns = resting_hu.shape
    shape = (slices, rows // step, step, columns // step, step)
    kept = resting_hu[:, : shape[1] * step, : shape[3] * step].reshape(shape)
    bone = np.clip(kept.mean(axis=(2, 4)) - _BONE_HU, 0.0, None) / 1000.0
    bands = -_back_projected(bone)
    index = (np.arange(rows) + 0.5) / step - 0.5
    wide = _stretched(_stretched(bands, index).swapaxes(1, 2), index).swapaxes(1, 2)
    inside = wide[brain]
    if not inside.size or inside.std() <= 0:
        return np.zeros_like(resting_hu)
    return np.asarray((wide - inside.mean()) * (strength_hu / inside.std()), np.float32)


def _back_projected(bone: NDArray[np.float32]) -> NDArray[np.float32]:
    """The squares of the line integrals, ramp-filtered and back-projected, (Z, Y, X)."""
    slices, rows, columns = bone.shape
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    y, x = y - (rows - 1) / 2, x - (columns - 1) / 2
    bins = 2 * int(np.ceil(np.hypot(rows, columns) / 2)) + 3
    ramp = np.abs(np.fft.rfftfreq(2 * bins)) * np.hanning(4 * bins)[2 * bins :][: bins + 1]
    image = np.zeros(bone.shape, np.float32)
    flat = bone.reshape(slices, -1)
    base = np.arange(slices)[:, None] * bins
    for angle in np.arange(_VIEWS) * np.pi / _VIEWS:
        place = (x * np.cos(angle) + y * np.sin(angle)).ravel() + bins // 2
        low = place.astype(np.int64)
        part = (place - low).astype(np.float32)
        line = np.zeros(slices * bins)
        for shift, share in ((0, 1.0 - part), (1, part)):
            where = (base + low + shift).ravel()
            line += np.bincount(where, (flat * share).ravel(), slices * bins)
        squared = line.reshape(slices, bins) ** 2
        filtered = np.fft.irfft(np.fft.rfft(squared, 2 * bins) * ramp, 2 * bins)[:, :bins]
        values = filtered[:, low] * (1.0 - part) + filtered[:, low + 1] * part
        image += values.reshape(bone.shape).astype(np.float32)
    return image


def _stretched(values: NDArray[np.float32], index: NDArray[np.float64]) -> NDArray[np.float32]:
    """(Z, Y, X) interpolated linearly along Y at fractional indices."""
    at = np.clip(index, 0.0, values.shape[1] - 1.001)
    low = at.astype(int)
    part = (at - low).astype(np.float32)[None, :, None]
    return np.asarray(values[:, low] * (1 - part) + values[:, low + 1] * part, np.float32)
