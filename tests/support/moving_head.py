"""A head that is moved before it is imaged: every image is computed from the moved head itself."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from node.perfusion import DynamicCt
from node.perfusion.motion.rigid import rigid

Pose = Sequence[float]
REST: Pose = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
SPACING_MM = (5.0, 2.0, 2.0)
PIXELS = 104
_SUBSLICES = 4
_HALF_AXES_MM = np.array([95.0, 92.0, 74.0])
_TOP_MM = 25.0  # the slab lies this much above the head's widest level


def moving_scan(
    poses: Sequence[Pose], *, slices: int = 8, contrast_hu: float = 0.0, noise_hu: float = 3.0
) -> DynamicCt:
    """A scan of one frame every 2 s, the head in the given poses; contrast in every odd one.

    Parameters
    ----------
    poses
        For each frame, moved along Z, Y and X [mm] and the rotation vector about them [degrees].
    slices
        Of 5 mm.
    contrast_hu
        What a sinus against the skull and the brain (a sixteenth of it) gain [HU].
    noise_hu
        Of every voxel [HU].
    """
    rng = np.random.default_rng(5)
    frames = [
        image(pose, slices=slices, contrast_hu=contrast_hu * (frame % 2))
        for frame, pose in enumerate(poses)
    ]
    hu = np.stack(frames) + rng.normal(0.0, noise_hu, (len(poses), slices, PIXELS, PIXELS))
    time_s = np.repeat(2.0 * np.arange(len(poses))[:, None], slices, axis=1)
    return DynamicCt(hu.astype(np.float32), time_s, SPACING_MM, np.zeros(time_s.shape, bool))


def image(pose: Pose, *, slices: int, contrast_hu: float = 0.0) -> NDArray[np.float64]:
    """The head in a pose, (Z, Y, X) [HU]; every slice is a mean over its thickness."""
    dz, dy, dx = SPACING_MM
    z = (np.arange(slices * _SUBSLICES) - (slices * _SUBSLICES - 1) / 2) * dz / _SUBSLICES
    side = np.arange(PIXELS) - (PIXELS - 1) / 2
    seen = np.stack(np.meshgrid(z, side * dy, side * dx, indexing="ij"), axis=-1)
    transform = rigid(np.array(pose))
    at_rest = (seen - transform[:3, 3]) @ transform[:3, :3]
    fine = _attenuation(at_rest, contrast_hu)
    return fine.reshape(slices, _SUBSLICES, PIXELS, PIXELS).mean(axis=1)


def _attenuation(points_mm: NDArray[np.float64], contrast_hu: float) -> NDArray[np.float64]:
    """The head at rest: skull, brain, ventricle, a sinus, a spur of bone."""
    lifted = points_mm + np.array([_TOP_MM, 0.0, 0.0])
    around, along = np.arctan2(lifted[..., 2], lifted[..., 1]), lifted[..., 0] / _HALF_AXES_MM[0]
    # Bumps, as every skull has: an ellipsoid looks much the same when it is turned.
    bumps = 0.04 * np.cos(2 * around + 3 * along) + 0.03 * np.cos(3 * around - 5 * along + 1)
    radius = np.sqrt(((lifted / _HALF_AXES_MM) ** 2).sum(axis=-1)) * (1.0 + bumps)

    def ball(y: float, x: float, size_mm: float) -> NDArray[np.bool_]:
        inside: NDArray[np.bool_] = np.hypot(lifted[..., 1] - y, lifted[..., 2] - x) < size_mm
        return inside

    # Soft borders, as thick slices would show them.
    skull = np.clip((radius - 0.90) / 0.03, 0, 1) * np.clip((1.0 - radius) / 0.03, 0, 1)
    hu = np.where(radius < 0.95, 35.0 + 0.06 * contrast_hu, -1000.0 * (radius > 1.0))
    hu = np.where(ball(5.0, 4.0, 12.0) & (radius < 0.9), 10.0, hu)
    hu = np.where(ball(70.0, 0.0, 6.0) & (radius < 0.92), 40.0 + contrast_hu, hu)
    hu = np.where(ball(-30.0, 48.0, 7.0) & (radius < 0.95), 800.0, hu)
    return hu + 900.0 * skull
