"""Where curves peak and where they rise, between samples; curves are (N, V), N in time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


def peaks(curves: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Height of each curve's highest peak and its place in samples, by a parabola.

    Parameters
    ----------
    curves
        (N, V), N at least 3.

    Returns
    -------
    (V,) float32 heights and (V,) float32 places
    """
    top = np.clip(curves.argmax(axis=0), 1, len(curves) - 2)
    columns = np.arange(curves.shape[1])
    before, at, after = (curves[top + step, columns] for step in (-1, 0, 1))
    bend = before - 2.0 * at + after
    slope = after - before
    shift = np.divide(-slope, 2.0 * bend, out=np.zeros_like(bend), where=bend < 0)
    shift = np.clip(shift, -1.0, 1.0)
    height = at + slope * shift / 2.0 + bend * shift**2 / 2.0
    return height.astype(np.float32), (top + shift).astype(np.float32)


def rises(curves: Array, top: NDArray[np.intp], level: Array) -> NDArray[np.float64]:
    """Place in samples where each curve last rises through a level on its way to its top.

    Parameters
    ----------
    curves
        (N, V).
    top
        (V,) sample of each curve's peak.
    level
        (V,) below the peak.

    Returns
    -------
    (V,) float64, 0 where the curve starts above the level
    """
    rows = np.arange(len(curves))[:, None]
    below = (curves < level) & (rows < top)
    last = np.where(below.any(axis=0), len(curves) - 1 - below[::-1].argmax(axis=0), -1)
    columns = np.arange(curves.shape[1])
    before = np.maximum(last, 0)
    low = curves[before, columns].astype(np.float64)
    step = curves[before + (last >= 0), columns] - low
    share = np.divide(level - low, step, out=np.zeros_like(low), where=step > 0)
    place: NDArray[np.float64] = np.where(last >= 0, before + np.clip(share, 0.0, 1.0), 0.0)
    return place
