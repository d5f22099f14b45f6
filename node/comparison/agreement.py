"""Figures of agreement between this node's results and another software's, study by study."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.comparison.sides import Side
from node.comparison.volume import Volume, onto
from node.perfusion import Quantity, correlation, dice, limits
from node.series import Geometry

_HALF = 0.5
# So many voxels of a map are drawn.
_DRAWN = 4000


@dataclass(frozen=True, eq=False)
class MapAgreement:
    """How a map of this node agrees with another software's over the brain.

    Parameters
    ----------
    voxels
        That both have a value at.
    r
        Pearson's correlation.
    mean_theirs, bias, low, high
        Mean of theirs; mean difference (this node's less theirs) and its limits of agreement,
        in the quantity's unit.
    pairs
        (2, N) float32: theirs and this node's, of voxels drawn evenly, for a picture.
    """

    quantity: Quantity
    voxels: int
    r: float | None
    mean_theirs: float
    bias: float
    low: float
    high: float
    pairs: NDArray[np.float32]


@dataclass(frozen=True)
class SegmentAgreement:
    """How a segment of this node agrees with another software's.

    Parameters
    ----------
    dice
        Overlap; None where both are empty.
    ours_ml, theirs_ml
        Volumes, each on its own grid [ml].
    """

    name: str
    dice: float | None
    ours_ml: float
    theirs_ml: float


@dataclass(frozen=True, eq=False)
class Compared:
    """One study, compared."""

    study_instance_uid: str
    maps: tuple[MapAgreement, ...]
    segments: tuple[SegmentAgreement, ...]
    notes: tuple[str, ...]


def compared(ours: Side, theirs: Side) -> Compared:
    """How two sides of one study agree.

    Maps are compared where this node's brain is, or where its map is above zero without a
    brain; theirs are brought onto this node's grid by the patient's coordinates.
    """
    notes = [*ours.notes, *theirs.notes]
    maps = []
    for quantity, volume in ours.maps.items():
        other = theirs.maps.get(quantity)
        if other is None:
            notes.append(f"the other side has no map of {quantity.meaning.name}")
        elif found := _map(quantity, volume, other, ours.segments.get("brain")):
            maps.append(found)
        else:
            notes.append(f"the maps of {quantity.meaning.name} share no voxels, or lie oblique")
    grid = next((volume.geometry for volume in ours.maps.values()), None)
    others = _with_mismatch(theirs)
    segments = [
        _segment(name, volume, others[name], grid)
        for name, volume in _with_mismatch(ours).items()
        if name in others
    ]
    return Compared(ours.study_instance_uid, tuple(maps), tuple(segments), tuple(notes))


def _map(
    quantity: Quantity, ours: Volume, theirs: Volume, brain: Volume | None
) -> MapAgreement | None:
    other = onto(theirs, ours.geometry)
    if other is None:
        return None
    where = np.isfinite(other) & np.isfinite(ours.values)
    inside = None if brain is None else onto(brain, ours.geometry)
    where &= ours.values > 0 if inside is None else np.nan_to_num(inside) > _HALF
    x, y = other[where], ours.values[where]
    agreed = limits(x, y)
    if agreed is None:
        return None
    step = max(1, len(x) // _DRAWN)
    return MapAgreement(
        quantity=quantity,
        voxels=len(x),
        r=correlation(x, y),
        mean_theirs=float(x.mean(dtype=np.float64)),
        bias=agreed.bias,
        low=agreed.low,
        high=agreed.high,
        pairs=np.stack([x[::step], y[::step]]),
    )


def _segment(name: str, ours: Volume, theirs: Volume, grid: Geometry | None) -> SegmentAgreement:
    """Overlap on the grid of this node's maps; outside of a segment's slices there is nothing."""
    masks = [onto(each, grid or ours.geometry) for each in (ours, theirs)]
    overlap = None
    if masks[0] is not None and masks[1] is not None:
        overlap = dice(*(np.nan_to_num(mask) > _HALF for mask in masks if mask is not None))
    return SegmentAgreement(name, overlap, _ml(ours), _ml(theirs))


def _ml(volume: Volume) -> float:
    return float((volume.values > _HALF).sum()) * volume.voxel_ml


def _with_mismatch(side: Side) -> dict[str, Volume]:
    """The segments; hypoperfusion without core as mismatch, where no segment says so itself."""
    found = dict(side.segments)
    hypoperfusion, core = found.get("hypoperfusion"), found.get("core")
    if "mismatch" not in found and hypoperfusion is not None and core is not None:
        inner = onto(core, hypoperfusion.geometry)
        if inner is not None:
            outside = np.nan_to_num(inner) <= _HALF
            values = (hypoperfusion.values * outside).astype(np.float32)
            found["mismatch"] = Volume(values, hypoperfusion.geometry)
    return found
