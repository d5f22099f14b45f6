"""What is wrong with the circulation: strokes by territory, stenosis, a failing heart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.simulator.anatomy import Anatomy
from models.simulator.fields import Grid, SmoothField, finer

STROKES = ("mca", "m2", "aca", "pca", "small")
PATHOLOGIES = (*STROKES, "none", "stenosis", "low_output")
"""Every pathology by name; ``stroke`` stands for any of :data:`STROKES`."""

_WEIGHTS = {
    "mca": 0.3,
    "m2": 0.22,
    "aca": 0.06,
    "pca": 0.1,
    "small": 0.1,
    "none": 0.08,
    "stenosis": 0.09,
    "low_output": 0.05,
}

# What each artery feeds: places in ICBM152 space (|x|, y, z) [mm]; the nearest one wins.
_TERRITORIES: dict[str, tuple[tuple[float, float, float], ...]] = {
    "aca": ((8, 60, -5), (8, 55, 20), (10, 35, 45), (10, 8, 62), (10, -22, 64), (8, -42, 55)),
    "mca superior": ((46, 34, 4), (52, 14, 18), (50, -4, 36), (44, -20, 50), (36, 30, 32)),
    "mca inferior": ((56, -16, -14), (58, -34, 6), (52, -52, 24), (44, 2, -30), (42, -58, 40)),
    "mca deep": ((24, 6, 2), (24, -6, 16), (38, 2, 4), (30, -14, 28), (30, 18, 18)),
    "pca": ((12, -78, 4), (18, -92, 6), (24, -62, -8), (26, -40, -18), (10, -18, 6), (10, -64, 30)),
}
_CAROTID = ("aca", "mca superior", "mca inferior", "mca deep")


@dataclass(frozen=True)
class _Occlusion:
    """What an occlusion deprives: territories, where the infarct begins, and how far it goes.

    ``seat`` is in ICBM152 space (|x|, y, z) [mm]; ``core_mm`` the largest infarct's radius;
    good collaterals push the border of the hypoperfusion inwards by up to ``collaterals_mm``.
    """

    fed: tuple[str, ...]
    seat: tuple[float, float, float]
    core_mm: float
    collaterals_mm: float


_OCCLUSIONS: dict[str, tuple[_Occlusion, ...]] = {
    "mca": (_Occlusion(_CAROTID[1:], (34.0, 2.0, 8.0), 38.0, 34.0),),
    "m2": (
        _Occlusion(("mca superior",), (46.0, 6.0, 24.0), 30.0, 10.0),
        _Occlusion(("mca inferior",), (52.0, -32.0, 6.0), 30.0, 10.0),
    ),
    "aca": (_Occlusion(("aca",), (10.0, 34.0, 34.0), 30.0, 10.0),),
    "pca": (_Occlusion(("pca",), (16.0, -74.0, 4.0), 28.0, 20.0),),
}
_SMALL_SEAT_RAS_MM = (38.0, -14.0, 18.0)
_COARSE_MM = 3.6


@dataclass(frozen=True, eq=False)
class Pathology:
    """How far tissue is from healthy; every array (Z, Y, X) float32.

    Parameters
    ----------
    name
        One of :data:`PATHOLOGIES`.
    side
        ``left``, ``right`` or empty where no side is affected.
    cbf, cbv
        Factors on the healthy values.
    delay_s
        Seconds added to the healthy delay.
    infarct
        0 to 1, how far a voxel is infarcted (darkens the baseline).
    """

    name: str
    side: str
    cbf: NDArray[np.float32]
    cbv: NDArray[np.float32]
    delay_s: NDArray[np.float32]
    infarct: NDArray[np.float32]


def choose(rng: np.random.Generator, asked: str | None) -> str:
    """The name of the pathology to simulate.

    Parameters
    ----------
    rng
        Random numbers, drawn whatever was asked, so that asking changes nothing else.
    asked
        One of :data:`PATHOLOGIES`, ``stroke`` for any stroke, None for any pathology.

    Raises
    ------
    ValueError
        If the name is not known.
    """
    if asked not in (None, "stroke", *PATHOLOGIES):
        raise ValueError(f"no pathology {asked!r}; there are stroke, {', '.join(PATHOLOGIES)}")
    names = STROKES if asked == "stroke" else PATHOLOGIES
    weights = np.array([_WEIGHTS[name] for name in names])
    drawn = str(rng.choice(names, p=weights / weights.sum()))
    return drawn if asked in (None, "stroke") else str(asked)


def afflict(name: str, rng: np.random.Generator, anatomy: Anatomy, grid: Grid) -> Pathology:
    """The pathology of one patient on a scan's grid.

    Parameters
    ----------
    name
        One of :data:`PATHOLOGIES`.
    rng
        Random numbers.
    anatomy, grid
        The head, and where its voxels lie.
    """
    side = str(rng.choice(["left", "right"]))
    step = max(1, round(_COARSE_MM / float(grid.x_mm[1] - grid.x_mm[0])))
    places = anatomy.ras_mm[:, :, ::step, ::step]
    coarse = grid.coarser(step)
    if name in STROKES:
        deficit, infarct = _stroke(name, side, rng, places, coarse)
    elif name == "stenosis":
        extent = _ramp(_within(_CAROTID, side, rng, places, coarse), -6.0, 6.0)
        deficit, infarct = extent, np.zeros_like(extent)
    else:
        side = ""
        deficit = infarct = np.zeros(coarse.shape, np.float32)
    rows = len(grid.y_mm)
    wobble = SmoothField.drawn(rng, 14.0).on(coarse)
    fields = _consequences(name, rng, deficit, infarct, wobble)
    return Pathology(name, side, *(finer(f.astype(np.float32), step, rows) for f in fields))


def _consequences(
    name: str,
    rng: np.random.Generator,
    deficit: NDArray[np.float32],
    infarct: NDArray[np.float32],
    wobble: NDArray[np.float32],
) -> tuple[NDArray[np.floating], ...]:
    """CBF and CBV factors, added delay [s] and infarction from how deep the deficit is.

    A deficit of 0.3 is benign oligaemia, 0.5 the edge of the penumbra, 0.75 its depth and 1
    an infarct; the ranges are SCIENCE.md section 3's.
    """
    if name == "stenosis":
        late = rng.uniform(1.0, 4.0) * deficit * (1.0 + 0.1 * wobble)
        return 1.0 - 0.04 * deficit, 1.0 + 0.05 * deficit, late, infarct
    if name == "low_output":
        slow = np.ones_like(deficit)
        return slow * rng.uniform(0.75, 0.9), slow, slow * rng.uniform(0.3, 1.2), infarct
    depth = [0.0, 0.3, 0.5, 0.75, 0.85, 1.0]
    penumbra, floor = rng.uniform(0.40, 0.52), rng.uniform(0.06, 0.14)
    cbf = np.interp(deficit, depth, [1.0, 0.82, 0.64, penumbra, 0.2, floor])
    recruited = rng.uniform(1.0, 1.15)
    cbv = np.interp(deficit, depth, [1.0, 1.05, recruited, 0.95, 0.5, 1.8 * floor])
    slowest = rng.uniform(6.0, 9.5)
    delay = np.interp(deficit, depth, [0.0, 1.3, 3.4, 0.8 * slowest, 0.9 * slowest, slowest])
    return cbf, cbv, delay * np.exp(0.15 * wobble), infarct


def _stroke(
    name: str,
    side: str,
    rng: np.random.Generator,
    places: NDArray[np.float32],
    grid: Grid,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Deficit and infarction, both 0 to 1, of an occlusion on the coarse grid."""
    if name == "small":
        reach_mm = rng.uniform(11.0, 20.0)
        seat = _near(rng, _SMALL_SEAT_RAS_MM, 16.0)
        inside = reach_mm - _distance(places, seat, side)
        inside += 0.25 * reach_mm * SmoothField.drawn(rng, 12.0).on(grid)
        core_mm = rng.uniform(0.2, 0.85) * 14.0
    else:
        variants = _OCCLUSIONS[name]
        occlusion = variants[int(rng.integers(len(variants)))]
        seat = _near(rng, occlusion.seat, 7.0)
        inside = _within(occlusion.fed, side, rng, places, grid)
        inside -= np.float32(rng.uniform(0.0, occlusion.collaterals_mm))
        core_mm = rng.uniform(0.2, 0.85) * occlusion.core_mm
    nearness = core_mm - _distance(places, seat, side)
    nearness += 0.3 * core_mm * SmoothField.drawn(rng, 16.0).on(grid)
    nearness += 2.0 * SmoothField.drawn(rng, 7.0).on(grid)
    deficit = np.interp(inside, [-14.0, -4.0, 2.0, 14.0], [0.0, 0.3, 0.52, 0.72])
    infarct = _ramp(np.minimum(nearness, inside - 2.0), -2.0, 3.0)
    return (deficit + (1.0 - deficit) * infarct).astype(np.float32), infarct


def _near(
    rng: np.random.Generator, place: tuple[float, float, float], spread_mm: float
) -> NDArray[np.float64]:
    """A place somewhere near another."""
    return np.asarray(place + rng.normal(0.0, spread_mm, 3) * [0.6, 1.0, 0.7], np.float64)


def _within(
    fed: tuple[str, ...],
    side: str,
    rng: np.random.Generator,
    places: NDArray[np.float32],
    grid: Grid,
) -> NDArray[np.float32]:
    """How far inside the territories each voxel lies [mm], with an irregular border."""
    nearest = {mine: np.full(grid.shape, np.float32(np.inf)) for mine in (True, False)}
    for territory, seeds in _TERRITORIES.items():
        mine = territory in fed
        for seed in seeds:
            moved = seed + rng.normal(0.0, 3.0, 3)
            nearest[mine] = np.minimum(nearest[mine], _distance(places, moved, side))
    inside = nearest[False] - nearest[True]
    inside += 4.0 * SmoothField.drawn(rng, 18.0).on(grid)
    inside += 2.0 * SmoothField.drawn(rng, 7.0).on(grid)
    across = places[0] * (1.0 if side == "right" else -1.0)
    return np.asarray(np.minimum(inside, 4.0 * across), np.float32)


def _distance(
    places: NDArray[np.float32], seed: NDArray[np.float64], side: str
) -> NDArray[np.float32]:
    """Distance of every voxel from a place on the affected side [mm]."""
    x = seed[0] if side == "right" else -seed[0]
    squares = sum((places[i] - np.float32(v)) ** 2 for i, v in enumerate((x, seed[1], seed[2])))
    return np.asarray(np.sqrt(squares), np.float32)


def _ramp(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)
