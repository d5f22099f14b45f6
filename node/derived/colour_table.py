"""Look-up tables of the colour pictures."""

from functools import cache

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray

from node.derived.bundle import ColourTable

# ASIST-Japan's a-LUT, the common table of Japanese perfusion work stations
# (https://asist.umin.jp/assignment-detail03-e.htm): black, purple, blue, cyan, green, yellow,
# orange, red. Straight lines between (index, level) per channel.
_ASIST = (
    ((0, 0), (20, 80), (100, 0), (128, 0), (191.75, 255), (255, 255)),
    ((0, 0), (45, 0), (130, 255), (191.25, 255), (255, 0)),
    ((0, 0), (1, 0), (86, 255), (137, 0), (255, 0)),
)


@cache
def colour_table(name: ColourTable) -> NDArray[np.uint8]:
    """(256, 3) uint8 RGB, from the lowest value of a window to its highest."""
    if name == "viridis":
        rgb = colormaps["viridis"](np.arange(256))[:, :3] * 255
    else:
        rgb = np.stack([_ramp(points) for points in _ASIST], axis=1)
    table: NDArray[np.uint8] = np.rint(rgb).astype(np.uint8)
    table.setflags(write=False)
    return table


def levels(values: NDArray[np.float32], window: tuple[float, float]) -> NDArray[np.uint8]:
    """Index into a table, 0 to 255; what lies outside the window takes the index of its end."""
    low, high = window
    scaled = values * np.float32(255.0 / (high - low))
    scaled += np.float32(0.5 - low * 255.0 / (high - low))
    index: NDArray[np.uint8] = np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)
    return index


def _ramp(points: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    index, level = np.array(points).T
    ramp: NDArray[np.float64] = np.interp(np.arange(256.0), index, level)
    return ramp
