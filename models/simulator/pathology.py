"""What is wrong with the circulation: strokes by territory, stenosis, a failing heart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.simulator.anatomy import Anatomy
from models.simulator.deficit import Change, of_stroke
from models.simulator.fields import Grid, SmoothField, finer
from models.simulator.further import FURTHER, damage
from models.simulator.territories import distance, near, ramp, within

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
    cavity
        0 to 1, how much of a voxel's tissue an old infarct has turned into fluid; None where
        there is none.
    """

    name: str
    side: str
    cbf: NDArray[np.float32]
    cbv: NDArray[np.float32]
    delay_s: NDArray[np.float32]
    infarct: NDArray[np.float32]
    cavity: NDArray[np.float32] | None = None

    def with_another(self, other: "Pathology") -> "Pathology":
        """Both at once; the name stays this one's."""
        cavities = [each.cavity for each in (self, other) if each.cavity is not None]
        return Pathology(
            name=self.name,
            side=self.side or other.side,
            cbf=self.cbf * other.cbf,
            cbv=self.cbv * other.cbv,
            delay_s=self.delay_s + other.delay_s,
            infarct=np.maximum(self.infarct, other.infarct),
            cavity=np.maximum(cavities[0], cavities[-1]) if cavities else None,
        )


def choose(rng: np.random.Generator, asked: str | None) -> str:
    """The name of the pathology to simulate.

    Parameters
    ----------
    rng
        Random numbers, drawn whatever was asked, so that asking changes nothing else.
    asked
        One of :data:`PATHOLOGIES` or :data:`FURTHER`, ``stroke`` for any of :data:`STROKES`,
        None for any of :data:`PATHOLOGIES`.

    Raises
    ------
    ValueError
        If the name is not known.
    """
    known = ("stroke", *PATHOLOGIES, *FURTHER)
    if asked not in (None, *known):
        raise ValueError(f"no pathology {asked!r}; there are {', '.join(known)}")
    names = STROKES if asked == "stroke" else PATHOLOGIES
    weights = np.array([_WEIGHTS[name] for name in names])
    drawn = str(rng.choice(names, p=weights / weights.sum()))
    return drawn if asked in (None, "stroke") else str(asked)


def afflict(name: str, rng: np.random.Generator, anatomy: Anatomy, grid: Grid) -> Pathology:
    """The pathology of one patient on a scan's grid.

    Parameters
    ----------
    name
        One of :data:`PATHOLOGIES` or :data:`FURTHER`.
    rng
        Random numbers.
    anatomy, grid
        The head, and where its voxels lie.
    """
    side = str(rng.choice(["left", "right"]))
    step = max(1, round(_COARSE_MM / float(grid.x_mm[1] - grid.x_mm[0])))
    places = anatomy.ras_mm[:, :, ::step, ::step]
    coarse = grid.coarser(step)
    if name in FURTHER:
        change, side = damage(name, side, rng, places, coarse)
    elif name in STROKES:
        deficit, infarct = _stroke(name, side, rng, places, coarse)
        change = of_stroke(rng, deficit, infarct, _wobble(rng, coarse))
    elif name == "stenosis":
        extent = ramp(within(_CAROTID, side, rng, places, coarse), -6.0, 6.0)
        change = _stenosis(rng, extent, _wobble(rng, coarse))
    else:
        side = ""
        nowhere = np.zeros(coarse.shape, np.float32)
        wobble = _wobble(rng, coarse)
        slow = name == "low_output"
        change = _low_output(rng, nowhere) if slow else of_stroke(rng, nowhere, nowhere, wobble)
    return _on_the_scan(change, name, side, step, len(grid.y_mm))


def _on_the_scan(change: Change, name: str, side: str, step: int, rows: int) -> Pathology:
    """A change on the coarse grid as a pathology on the scan's."""
    cbf, cbv, delay_s, infarct = (
        finer(values.astype(np.float32), step, rows)
        for values in (change.cbf, change.cbv, change.delay_s, change.infarct)
    )
    cavity = change.cavity
    hollow = None if cavity is None else finer(cavity.astype(np.float32), step, rows)
    return Pathology(name, side, cbf, cbv, delay_s, infarct, hollow)


def _wobble(rng: np.random.Generator, grid: Grid) -> NDArray[np.float32]:
    return SmoothField.drawn(rng, 14.0).on(grid)


def _stenosis(
    rng: np.random.Generator, extent: NDArray[np.float32], wobble: NDArray[np.float32]
) -> Change:
    """A narrowed carotid: late by 1 to 4 s, flow held up by wider vessels."""
    late = rng.uniform(1.0, 4.0) * extent * (1.0 + 0.1 * wobble)
    return Change(1.0 - 0.04 * extent, 1.0 + 0.05 * extent, late, np.zeros_like(extent))


def _low_output(rng: np.random.Generator, nowhere: NDArray[np.float32]) -> Change:
    """A failing heart: less flow everywhere, and late."""
    slow = np.ones_like(nowhere)
    return Change(slow * rng.uniform(0.75, 0.9), slow, slow * rng.uniform(0.3, 1.2), nowhere)


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
        seat = near(rng, _SMALL_SEAT_RAS_MM, 16.0)
        inside = reach_mm - distance(places, seat, side)
        inside += 0.25 * reach_mm * SmoothField.drawn(rng, 12.0).on(grid)
        core_mm = rng.uniform(0.2, 0.85) * 14.0
    else:
        variants = _OCCLUSIONS[name]
        occlusion = variants[int(rng.integers(len(variants)))]
        seat = near(rng, occlusion.seat, 7.0)
        inside = within(occlusion.fed, side, rng, places, grid)
        inside -= np.float32(rng.uniform(0.0, occlusion.collaterals_mm))
        core_mm = rng.uniform(0.2, 0.85) * occlusion.core_mm
    nearness = core_mm - distance(places, seat, side)
    nearness += 0.3 * core_mm * SmoothField.drawn(rng, 16.0).on(grid)
    nearness += 2.0 * SmoothField.drawn(rng, 7.0).on(grid)
    deficit = np.interp(inside, [-14.0, -4.0, 2.0, 14.0], [0.0, 0.3, 0.52, 0.72])
    infarct = ramp(np.minimum(nearness, inside - 2.0), -2.0, 3.0)
    return (deficit + (1.0 - deficit) * infarct).astype(np.float32), infarct
