"""Where a head lies in a frame: its skull's edges laid over those of the reference."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from node.perfusion.motion.rigid import Transform, applied
from node.perfusion.motion.skull import Edges, Level

MAX_STEPS = 12
STEP_MM = 0.01
HEAD_RADIUS_MM = 80.0
# Tukey's biweight at 95 % efficiency: a vein that fills beside the skull does not count.
TUKEY = 4.685
MIN_POINTS = 200
# What is likely of a head before it is looked at; it rules only where the edges say nothing,
# as through the plane of a slab that looks alike in all its slices.
LIKELY_MM, LIKELY_DEG = 5.0, 5.0
# Neighbouring points share their noise: so many count as one.
SHARED = 20.0


@dataclass(frozen=True, eq=False)
class Placed:
    """Where the head lies.

    Parameters
    ----------
    transform
        From the reference to the frame.
    left_mm
        How far edges still are from each other [mm], root mean square: what differs between
        frame and reference, over the edges' slope. Infinite where too little is seen.
    """

    transform: Transform
    left_mm: float


def place(
    edges: Edges, level: Level, frame: int, usable: NDArray[np.bool_], start: Transform
) -> Placed:
    """The head's place in one frame by Gauss-Newton steps (inverse compositional).

    The slopes belong to the reference and need no renewal; each step samples the frame where
    the reference's edges are thought to be (Baker and Matthews, Int J Comput Vis 2004;56:221).

    Parameters
    ----------
    edges
        Of the reference, at the resolution of ``level``.
    level
        The scan's bone.
    frame
        Which frame.
    usable
        (Z,) bool, slices of the frame that count.
    start
        Where the head is thought to be.
    """
    transform, left_mm = start, np.inf
    for _ in range(MAX_STEPS):
        difference, seen = _difference(edges, level, frame, usable, transform)
        if seen.sum() < MIN_POINTS:
            return Placed(start, np.inf)
        left_mm = float(np.sqrt((difference[seen] ** 2).mean())) / edges.slope
        step = _step(edges, difference, seen, transform)
        transform = transform @ _inverse(step)
        if np.linalg.norm(step[:3]) + HEAD_RADIUS_MM * np.linalg.norm(step[3:]) < STEP_MM:
            break
    return Placed(transform, left_mm)


def _difference(
    edges: Edges, level: Level, frame: int, usable: NDArray[np.bool_], transform: Transform
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Frame less reference at the edges, (N,) [HU], and which of them are seen."""
    places = level.grid.places(applied(transform, edges.points_mm))
    volume = level.volumes[frame]
    values = scipy.ndimage.map_coordinates(volume, places.T, order=1, mode="nearest")
    # A hundredth of a slice: rounding must not lose the outer slices of a head at rest.
    last = len(usable) - 1
    below, above = np.floor(places[:, 0] + 0.01), np.ceil(places[:, 0] - 0.01)
    seen = (below >= 0) & (above <= last)
    clipped = np.clip(np.stack([below, above]).astype(np.intp), 0, last)
    seen &= usable[clipped].all(axis=0)
    return values - edges.value, seen


def _step(
    edges: Edges,
    difference: NDArray[np.float64],
    seen: NDArray[np.bool_],
    transform: Transform,
) -> NDArray[np.float64]:
    """Along Z, Y and X [mm] and about them [rad]: what the reference must move to look alike."""
    scale = 1.4826 * float(np.median(np.abs(difference[seen]))) + 1e-3
    far = difference / (TUKEY * scale)
    weight = np.where(seen & (np.abs(far) < 1.0), (1.0 - far**2) ** 2, 0.0)
    weighted = edges.slopes * weight[:, None]
    turned = scipy.spatial.transform.Rotation.from_matrix(transform[:3, :3])
    moved = np.concatenate([transform[:3, 3], turned.as_rotvec()])
    unlikely = SHARED * scale**2 / np.repeat([LIKELY_MM, np.deg2rad(LIKELY_DEG)], 3) ** 2
    step: NDArray[np.float64] = np.linalg.solve(
        weighted.T @ edges.slopes + np.diag(unlikely),
        weighted.T @ difference + unlikely * moved,
    )
    return step


def _inverse(step: NDArray[np.float64]) -> Transform:
    """The transform that undoes a step."""
    undone = np.eye(4)
    undone[:3, :3] = scipy.spatial.transform.Rotation.from_rotvec(-step[3:]).as_matrix()
    undone[:3, 3] = -undone[:3, :3] @ step[:3]
    return undone
