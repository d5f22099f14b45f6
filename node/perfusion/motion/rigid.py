"""Rigid transforms: where a point of the reference lies in a frame of a head that moved."""

import numpy as np
import scipy
from numpy.typing import NDArray

Transform = NDArray[np.float64]
"""(4, 4), or a stack of them: acts on points (z, y, x) [mm] from the scan's centre."""


def rigid(pose: NDArray[np.float64]) -> Transform:
    """The transform of a pose.

    Parameters
    ----------
    pose
        (6,): moved along Z, Y and X [mm], and the rotation vector about them [degrees].
    """
    transform = np.eye(4)
    turn = scipy.spatial.transform.Rotation.from_rotvec(pose[3:], degrees=True)
    transform[:3, :3] = turn.as_matrix()
    transform[:3, 3] = pose[:3]
    return transform


def pose_of(transform: Transform) -> NDArray[np.float64]:
    """The pose of a transform, as :func:`rigid` takes it; (..., 6) of a stack (..., 4, 4)."""
    turns = scipy.spatial.transform.Rotation.from_matrix(transform[..., :3, :3].reshape(-1, 3, 3))
    turned = turns.as_rotvec(degrees=True).reshape(*transform.shape[:-2], 3)
    return np.concatenate([transform[..., :3, 3], turned], axis=-1)


def applied(transform: Transform, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points, (N, 3) [mm], moved."""
    moved: NDArray[np.float64] = points_mm @ transform[:3, :3].T + transform[:3, 3]
    return moved


def way_mm(transform: Transform, points_mm: NDArray[np.float64]) -> float:
    """How far the points are moved, root of the mean square [mm] (Jenkinson 1999)."""
    way = applied(transform, points_mm) - points_mm
    return float(np.sqrt((way**2).sum(axis=1).mean()))


def turn_deg(transform: Transform) -> float:
    """How far a transform turns about its axis [degrees]."""
    return float(np.linalg.norm(pose_of(transform)[3:]))
