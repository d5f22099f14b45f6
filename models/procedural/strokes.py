"""Lesions of other shapes: sectors with frayed edges, and cores that are swarms of blobs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.procedural.head import ProceduralHead
from models.procedural.lattice import Lattice

KINDS = ("sector", "focal", "none", "stenosis", "low_output")
"""What may be wrong; ``stroke`` stands for the first two."""
_STROKES = KINDS[:2]
_WEIGHTS = (0.55, 0.2, 0.1, 0.1, 0.05)

Field = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Lesion:
    """How far tissue is from healthy.

    Parameters
    ----------
    kind, side
        One of :data:`KINDS`, and ``left``, ``right`` or empty.
    slow
        The heart: 1 healthy, above it failing.
    cbf, cbv
        (Z, Y, X) float32, factors on the healthy values.
    delay_s
        (Z, Y, X) float32, added to the healthy delay.
    infarct
        (Z, Y, X) float32, 0 to 1.
    """

    kind: str
    side: str
    slow: float
    cbf: Field
    cbv: Field
    delay_s: Field
    infarct: Field

    @classmethod
    def drawn(cls, rng: np.random.Generator, head: ProceduralHead, asked: str | None) -> "Lesion":
        """A lesion of one head.

        Parameters
        ----------
        rng
            Random numbers.
        head
            Where.
        asked
            One of :data:`KINDS`, ``stroke`` for either kind of stroke, None for any.

        Raises
        ------
        ValueError
            If the kind is not known.
        """
        if asked not in (None, "stroke", *KINDS):
            raise ValueError(f"no kind {asked!r}; there are stroke, {', '.join(KINDS)}")
        names = _STROKES if asked == "stroke" else KINDS
        weights = np.array(_WEIGHTS[: len(names)])
        kind = str(rng.choice(names, p=weights / weights.sum()))
        if asked in KINDS:
            kind = asked
        sign = float(rng.choice([-1.0, 1.0]))
        side = "left" if sign > 0 else "right"
        whole = np.ones(head.depth_mm.shape, np.float32)
        if kind == "none":
            return cls(kind, "", 1.0, whole, whole, 0 * whole, 0 * whole)
        if kind == "low_output":
            slow = float(rng.uniform(1.3, 1.8))
            late = whole * np.float32(rng.uniform(0.3, 1.0))
            return cls(kind, "", slow, whole * np.float32(0.85), whole, late, 0 * whole)
        half = _soft(sign * head.places_mm[2] / 4.0)
        if kind == "stenosis":
            # What the back of the circle of Willis feeds is not late.
            late = half * _soft((30.0 - head.places_mm[1]) / 8.0)
            late *= np.float32(rng.uniform(1.0, 2.5))
            return cls(kind, side, 1.0, whole, whole * np.float32(1.0), late, 0 * whole)
        return _stroke(rng, head, kind, sign)


def _stroke(rng: np.random.Generator, head: ProceduralHead, kind: str, sign: float) -> Lesion:
    frayed = Lattice.power_law(rng, 3.4).at(head.places_mm)
    extent, seat = (_sector if kind == "sector" else _ball)(rng, head, sign, frayed)
    core = _swarm(rng, head, seat, float(rng.uniform(9.0, 26.0) if kind == "sector" else 12.0))
    infarct = np.minimum(core, _soft((extent - 0.35) / 0.1))
    low, high, dead = rng.uniform([0.30, 0.85, 0.08], [0.52, 1.15, 0.16])
    late_s, dead_late_s = rng.uniform([4.2, 5.0], [8.5, 10.0])
    # Flow falls smoothly from the border inwards; volume holds until the tissue dies.
    cbf = 1.0 - (1.0 - low) * extent
    cbv = 1.0 - (1.0 - high) * extent
    delay = late_s * extent * np.exp(0.12 * frayed)
    return Lesion(
        kind=kind,
        side="left" if sign > 0 else "right",
        slow=1.0,
        cbf=(cbf + (dead - cbf) * infarct).astype(np.float32),
        cbv=(cbv + (2.2 * dead - cbv) * infarct).astype(np.float32),
        delay_s=(delay + (dead_late_s - delay) * infarct).astype(np.float32),
        infarct=infarct,
    )


def _sector(
    rng: np.random.Generator, head: ProceduralHead, sign: float, frayed: Field
) -> tuple[Field, NDArray[np.float64]]:
    """A sector of the axial plane from a point near the midline, and where its depth is."""
    z, y, x = head.places_mm
    middle, half = float(rng.uniform(-1.1, 1.1)), float(rng.uniform(0.45, 0.95))
    apex_x = sign * rng.uniform(2.0, 14.0)
    angle = np.arctan2(y, sign * (x - apex_x))
    away = np.hypot(y, x - apex_x)
    edge_mm = (half - np.abs(angle - middle)) * np.maximum(away, 1.0)
    top = rng.uniform(20.0, 60.0)
    nearest = np.minimum.reduce([edge_mm, away - 4.0, top - z, sign * x * 3.0])
    inside = (nearest + 4.0 * frayed).astype(np.float32)
    reach = float(rng.uniform(0.45, 0.7)) * head.half_axes_mm[1]
    seat = [0.2 * top, reach * np.sin(middle), apex_x + sign * 0.6 * reach * np.cos(middle)]
    return _soft(inside / float(rng.uniform(5.0, 11.0))), np.array(seat)


def _ball(
    rng: np.random.Generator, head: ProceduralHead, sign: float, frayed: Field
) -> tuple[Field, NDArray[np.float64]]:
    """A frayed ball below the surface, and its middle."""
    seat = np.array([rng.uniform(-15, 35), rng.uniform(-45, 50), sign * rng.uniform(22, 46)])
    reach_mm = np.float32(rng.uniform(10.0, 20.0))
    inside = reach_mm - _distance(head, seat) + np.float32(3.0) * frayed
    return _soft(inside / np.float32(4.0)), seat


def _swarm(
    rng: np.random.Generator, head: ProceduralHead, seat: NDArray[np.float64], reach_mm: float
) -> Field:
    """Where the summed bells of a few dozen blobs are high, 0 to 1."""
    heat = np.zeros(head.depth_mm.shape, np.float32)
    for _ in range(int(rng.integers(5, 12))):
        blob = seat + rng.normal(0.0, 0.55 * reach_mm, 3)
        wide = float(rng.uniform(0.4, 0.8)) * reach_mm
        heat += np.exp(-((_distance(head, blob) / wide) ** 2))
    return _soft((heat - float(rng.uniform(0.3, 0.9))) / 0.3)


def _distance(head: ProceduralHead, place: NDArray[np.float64]) -> Field:
    apart = head.places_mm - place.astype(np.float32)[:, None, None, None]
    return np.asarray(np.sqrt((apart**2).sum(axis=0)), np.float32)


def _soft(values: NDArray[np.floating]) -> Field:
    """A logistic border: 0 far below 0, 1 far above."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(4.0 * values, -30.0, 30.0))), np.float32)
