"""In-plane resampling between the scan's pixels and the model's."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """The part of the scan's pixels that the model sees, and the model's pixels over it.

    Parameters
    ----------
    first
        First scan pixel along (Y, X) under the model's grid.
    count
        Scan pixels along (Y, X) under the model's grid.
    shape
        (H, W) of the model's grid, before padding to its multiple.
    ratio
        Model pixel over scan pixel along (Y, X).
    """

    first: tuple[int, int]
    count: tuple[int, int]
    shape: tuple[int, int]
    ratio: tuple[float, float]


def window_around(
    mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float], pixel_mm: float
) -> Window:
    """The smallest window of model pixels over a (Z, Y, X) mask that is not empty."""
    first, count, shape, ratio = [], [], [], []
    for axis, spacing in ((1, spacing_mm[1]), (2, spacing_mm[2])):
        others = tuple(a for a in range(3) if a != axis)
        used = np.flatnonzero(mask.any(axis=others))
        low, high = int(used[0]), int(used[-1]) + 1
        factor = pixel_mm / spacing
        pixels = int(np.ceil((high - low) / factor))
        first.append(low)
        count.append(min(int(np.ceil(pixels * factor)), mask.shape[axis] - low))
        shape.append(pixels)
        ratio.append(factor)
    return Window(
        (first[0], first[1]), (count[0], count[1]), (shape[0], shape[1]), (ratio[0], ratio[1])
    )


def area_weights(source: int, target: int, ratio: float) -> NDArray[np.float32]:
    """Weights that average pixels by the area that each shares with a target pixel.

    Parameters
    ----------
    source, target
        Numbers of pixels along the axis.
    ratio
        Target pixel over source pixel.

    Returns
    -------
    (target, source) float32, rows sum to 1
    """
    low = np.arange(target)[:, None] * ratio
    high = np.minimum(low + ratio, source)
    pixel = np.arange(source)[None, :]
    overlap = np.clip(np.minimum(high, pixel + 1) - np.maximum(low, pixel), 0.0, None)
    weights: NDArray[np.float32] = (overlap / overlap.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights


def linear_weights(source: int, target: int, first: int, ratio: float) -> NDArray[np.float32]:
    """Weights that interpolate model pixels at scan pixels; beyond the edge the edge holds.

    Parameters
    ----------
    source
        Number of model pixels.
    target
        Number of scan pixels.
    first
        The scan pixel at which the model's grid begins.
    ratio
        Model pixel over scan pixel.

    Returns
    -------
    (target, source) float32, rows sum to 1
    """
    position = np.clip((np.arange(target) + 0.5 - first) / ratio - 0.5, 0.0, source - 1.0)
    left = np.minimum(position.astype(int), max(source - 2, 0))
    share = position - left
    weights = np.zeros((target, source), np.float32)
    rows = np.arange(target)
    weights[rows, left] = 1.0 - share
    weights[rows, np.minimum(left + 1, source - 1)] += share
    return weights


def to_model(planes: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
    """Scan planes (..., Y, X) averaged onto the model's pixels, (..., H, W)."""
    (y, x), (rows, columns) = window.first, window.count
    down = area_weights(rows, window.shape[0], window.ratio[0])
    across = area_weights(columns, window.shape[1], window.ratio[1])
    return weighted(planes[..., y : y + rows, x : x + columns], down, across)


def weighted(
    planes: NDArray[np.float32], down: NDArray[np.float32], across: NDArray[np.float32]
) -> NDArray[np.float32]:
    """``down @ plane @ across.T`` of every plane, (..., Y, X) to (..., H, W) float32.

    Two large products over all planes: in hundreds of small ones the threads of the linear
    algebra wait for each other every time, on a busy machine ten times longer than they work.
    """
    *stack, rows, columns = planes.shape
    narrow = (planes.reshape(-1, columns) @ across.T).reshape(-1, rows, across.shape[0])
    both = np.moveaxis(np.tensordot(down, narrow, axes=([1], [1])), 0, 1)
    return np.ascontiguousarray(both.reshape(*stack, *both.shape[1:]), dtype=np.float32)
