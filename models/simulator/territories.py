"""What each artery of the brain feeds, and how far inside a territory a voxel lies."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.simulator.fields import Grid, SmoothField

Seed = tuple[float, float, float]

# What each artery feeds: places in ICBM152 space (|x|, y, z) [mm]; the nearest one wins.
TERRITORIES: dict[str, tuple[Seed, ...]] = {
    "aca": ((8, 60, -5), (8, 55, 20), (10, 35, 45), (10, 8, 62), (10, -22, 64), (8, -42, 55)),
    "mca superior": ((46, 34, 4), (52, 14, 18), (50, -4, 36), (44, -20, 50), (36, 30, 32)),
    "mca inferior": ((56, -16, -14), (58, -34, 6), (52, -52, 24), (44, 2, -30), (42, -58, 40)),
    "mca deep": ((24, 6, 2), (24, -6, 16), (38, 2, 4), (30, -14, 28), (30, 18, 18)),
    "pca": ((12, -78, 4), (18, -92, 6), (24, -62, -8), (26, -40, -18), (10, -18, 6), (10, -64, 30)),
}

# Thalamus, midbrain and cerebellum apart from the cortex of the posterior cerebral artery.
WHOLE_BRAIN: dict[str, tuple[Seed, ...]] = {
    **TERRITORIES,
    "pca": tuple(seed for seed in TERRITORIES["pca"] if seed != (10, -18, 6)),
    "thalamus": ((9, -16, 7), (14, -25, 6)),
    "brainstem": ((3, -20, -10), (3, -26, -24), (3, -28, -38)),
    "superior cerebellar": ((8, -58, -16), (22, -54, -24), (34, -60, -30), (10, -74, -22)),
    "inferior cerebellar": ((12, -66, -46), (26, -66, -48), (40, -62, -42)),
}
"""As :data:`TERRITORIES`, with the territories of the vertebral and basilar arteries."""


def near(rng: np.random.Generator, place: Seed, spread_mm: float) -> NDArray[np.float64]:
    """A place somewhere near another, x, y, z [mm].

    Parameters
    ----------
    rng
        Random numbers.
    place
        In ICBM152 space [mm].
    spread_mm
        Standard deviation along y; less along x and z.
    """
    return np.asarray(place + rng.normal(0.0, spread_mm, 3) * [0.6, 1.0, 0.7], np.float64)


def within(
    fed: tuple[str, ...],
    side: str,
    rng: np.random.Generator,
    places: NDArray[np.float32],
    grid: Grid,
    territories: Mapping[str, tuple[Seed, ...]] = TERRITORIES,
) -> NDArray[np.float32]:
    """How far inside territories each voxel lies [mm], with an irregular border.

    Parameters
    ----------
    fed
        The territories' names.
    side
        ``left``, ``right``, or empty for both sides at once.
    rng
        Moves the seeds and draws the border.
    places
        (3, Z, Y, X) ICBM152 coordinates [mm].
    grid
        Where the voxels lie.
    territories
        All of them: what is nearest to another one's seed is outside.
    """
    nearest = {mine: np.full(grid.shape, np.float32(np.inf)) for mine in (True, False)}
    for territory, seeds in territories.items():
        mine = territory in fed
        for seed in seeds:
            moved = seed + rng.normal(0.0, 3.0, 3)
            nearest[mine] = np.minimum(nearest[mine], distance(places, moved, side))
    inside = nearest[False] - nearest[True]
    inside += 4.0 * SmoothField.drawn(rng, 18.0).on(grid)
    inside += 2.0 * SmoothField.drawn(rng, 7.0).on(grid)
    if not side:
        return inside
    across = places[0] * (1.0 if side == "right" else -1.0)
    return np.asarray(np.minimum(inside, 4.0 * across), np.float32)


def distance(
    places: NDArray[np.float32], seed: NDArray[np.float64], side: str
) -> NDArray[np.float32]:
    """Distance of every voxel from a place [mm].

    Parameters
    ----------
    places
        (3, Z, Y, X) ICBM152 coordinates [mm].
    seed
        The place as (|x|, y, z) [mm].
    side
        ``left``, ``right``, or empty for the nearer of both sides.
    """
    x = -seed[0] if side == "left" else seed[0]
    along = places if side else (np.abs(places[0]), places[1], places[2])
    squares = sum((along[i] - np.float32(v)) ** 2 for i, v in enumerate((x, seed[1], seed[2])))
    return np.asarray(np.sqrt(squares), np.float32)


def ramp(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """0 below ``low``, 1 above ``high``, smooth between.

    Parameters
    ----------
    values
        Any shape.
    low, high
        Where the rise begins and ends.
    """
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)
