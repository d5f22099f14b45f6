"""The curves of an analysis as lines of a drawing: contrast over time, and the head's movement."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from node.ports import Curve

WIDTH, HEIGHT = 520.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 38.0, 38.0, 10.0, 24.0
_STEPS = (1, 2, 5, 10)
_NAMES = {
    "artery": "Artery",
    "vein": "Vein",
    "tissue": "Tissue",
    "moved": "Moved",
    "turned": "Turned",
}
_RIGHT_AXIS = {"tissue", "turned"}


@dataclass(frozen=True)
class Line:
    """One curve: its name with unit, the class that says how it is drawn, its points."""

    name: str
    kind: str
    points: str


@dataclass(frozen=True)
class Tick:
    """A mark on an axis, and what stands beside it."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A drawing of :data:`WIDTH` by :data:`HEIGHT`.

    Parameters
    ----------
    title, told
        What it is, and what it shows in a sentence for those who do not see it.
    lines
        The curves.
    times, left, right
        The axes' marks; ``right`` is empty where all share the left.
    crosses
        Where frames were left out.
    """

    title: str
    told: str
    lines: tuple[Line, ...]
    times: tuple[Tick, ...]
    left: tuple[Tick, ...]
    right: tuple[Tick, ...]
    crosses: tuple[float, ...] = ()


def charts(curves: Sequence[Curve]) -> tuple[Chart, ...]:
    """Contrast and movement, as far as they are known."""
    by_name = {curve.name: curve for curve in curves if curve.time_s}
    out = by_name.pop("left_out", None)
    bolus = [by_name[name] for name in ("artery", "vein", "tissue") if name in by_name]
    moved = [by_name[name] for name in ("moved", "turned") if name in by_name]
    found = []
    if bolus:
        found.append(_chart("Contrast in artery, vein and tissue", bolus, (), least=10.0))
    if moved:
        found.append(_chart("Movement of the head", moved, out.time_s if out else (), least=2.0))
    return tuple(found)


def _chart(title: str, curves: Sequence[Curve], out_s: Sequence[float], least: float) -> Chart:
    first = min(t for curve in curves for t in curve.time_s)
    last = max(*(t for curve in curves for t in curve.time_s), *out_s, first + 1.0)
    left = [curve for curve in curves if curve.name not in _RIGHT_AXIS]
    right = [curve for curve in curves if curve.name in _RIGHT_AXIS]
    low, high = _range(left or right, least)
    low_right, high_right = _range(right, least / 5) if left else (low, high)

    def x(time_s: float) -> float:
        return _LEFT + (time_s - first) / (last - first) * (WIDTH - _LEFT - _RIGHT)

    lines = []
    for curve in curves:
        on_left = not left or curve in left
        bounds = (low, high) if on_left else (low_right, high_right)
        points = " ".join(
            f"{x(t):.1f},{_y(value, bounds):.1f}"
            for t, value in zip(curve.time_s, curve.values, strict=True)
        )
        unit = "°" if curve.unit == "degrees" else curve.unit
        axis = ", right" if left and not on_left else ""
        lines.append(Line(f"{_NAMES[curve.name]} [{unit}{axis}]", curve.name, points))
    return Chart(
        title=title,
        told=_told(curves, out_s),
        lines=tuple(lines),
        times=tuple(Tick(x(t), f"{t - first:g} s") for t in _ticks(first, last, 6, first)),
        left=tuple(Tick(_y(v, (low, high)), f"{v:g}") for v in _ticks(low, high, 4)),
        right=tuple(
            Tick(_y(v, (low_right, high_right)), f"{v:g}")
            for v in (_ticks(low_right, high_right, 4) if left and right else ())
        ),
        crosses=tuple(x(t) for t in out_s),
    )


def _told(curves: Sequence[Curve], out_s: Sequence[float]) -> str:
    peaks = [f"{_NAMES[c.name].lower()} at most {max(c.values):.1f} {c.unit}" for c in curves]
    left_out = [f"{len(out_s)} time points left out"] if out_s else []
    return "; ".join((*peaks, *left_out))


def _range(curves: Iterable[Curve], least: float) -> tuple[float, float]:
    values = [value for curve in curves for value in curve.values]
    return min(0.0, *values, 0.0), max(least, *values, least)


def _y(value: float, bounds: tuple[float, float]) -> float:
    low, high = bounds
    return HEIGHT - _BOTTOM - (value - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)


def _ticks(low: float, high: float, most: int, zero: float = 0.0) -> list[float]:
    """Round numbers between two values, counted from ``zero``."""
    span = (high - low) / most
    size = 10 ** math.floor(math.log10(span))
    step = next(s * size for s in _STEPS if s * size >= span)
    first = math.ceil((low - zero) / step)
    last = math.floor((high - zero) / step)
    return [zero + n * step for n in range(first, last + 1)]
