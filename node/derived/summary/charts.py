"""What the two charts show: how contrast came and went, and how the head moved."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.derived.annotation import AMBER, Rgb
from node.perfusion import Motion, TimeCourses, VesselCurve

ARTERY: Rgb = (255, 120, 90)
VEIN: Rgb = (95, 175, 255)
TISSUE: Rgb = (225, 225, 225)
TURNED: Rgb = (190, 150, 255)
SOLID: tuple[int, ...] = ()
DASHED, DOTTED = (9, 5), (2, 4)  # drawn and left out [pixel]
_FACTORS = (1, 2, 5, 10, 20, 50)


@dataclass(frozen=True, eq=False)
class Trace:
    """One line of a chart.

    Parameters
    ----------
    name
        For the legend.
    time_s, values
        (N,) float64 each.
    colour, dash
        Both tell it from the others.
    right
        Whether the axis on the right is its own.
    """

    name: str
    time_s: NDArray[np.float64]
    values: NDArray[np.float64]
    colour: Rgb
    dash: tuple[int, ...] = SOLID
    right: bool = False


@dataclass(frozen=True, eq=False)
class Chart:
    """A chart over time.

    Parameters
    ----------
    title
        What it is.
    unit, right_unit
        Of the axes; no unit, no axis.
    traces
        The lines; none where there is nothing to show, which ``remark`` explains.
    remark
        A sentence instead of the lines.
    left_out_s
        Times that are marked, because they were left out [s].
    least
        What the axes reach at least.
    """

    title: str
    unit: str
    traces: tuple[Trace, ...]
    right_unit: str = ""
    remark: str = ""
    left_out_s: tuple[float, ...] = ()
    least: float = 1.0


def bolus_chart(courses: TimeCourses | None) -> Chart:
    """Artery and vein with their slices, and the tissue's mean, magnified to be seen."""
    title = "Contrast in artery, vein and tissue"
    if courses is None:
        return Chart(title, "HU", (), remark="Curves are not known.")
    time_s, inputs = courses.clock.times_s, courses.inputs
    traces = []
    if inputs is not None:
        traces.append(Trace(_site("Artery", inputs.artery), time_s, inputs.artery.hu, ARTERY))
    if inputs is not None and inputs.vein is not None:
        traces.append(Trace(_site("Vein", inputs.vein), time_s, inputs.vein.hu, VEIN, DASHED))
    highest = max((float(t.values.max()) for t in traces), default=0.0)
    peak = max(float(courses.tissue_hu.max()), 1e-3)
    factor = max((f for f in _FACTORS if f * peak <= 0.8 * highest), default=1)
    named = f"Tissue{f' × {factor}' if factor > 1 else ''}, peak {peak:.0f} HU"
    traces.append(Trace(named, time_s, factor * courses.tissue_hu, TISSUE, DOTTED))
    remark = "" if inputs else "No artery was found."
    return Chart(title, "HU", tuple(traces), remark=remark, least=10.0)


def motion_chart(motion: Motion | None) -> Chart:
    """How far the head was moved and turned; frames left out are marked."""
    title = "Movement of the head"
    if motion is None:
        return Chart(title, "mm", (), remark="Movement was not measured.")
    if not motion.measured:
        return Chart(title, "mm", (), remark="Movement is not known: no skull is seen.")
    kept = ~motion.excluded
    time_s = motion.time_s[kept]
    out = motion.time_s[motion.excluded]
    moved = f"Moved, at most {motion.most_mm:.1f} mm"
    turned = f"Turned, at most {motion.most_deg:.1f}°"
    traces = (
        Trace(moved, time_s, motion.moved_mm[kept], AMBER),
        Trace(turned, time_s, motion.turned_deg[kept], TURNED, DASHED, right=True),
    )
    remark = f"× {len(out)} of {len(motion.time_s)} time points left out" if len(out) else ""
    return Chart(title, "mm", traces, "°", remark, tuple(map(float, out)), least=2.0)


def site_slices(curve: VesselCurve) -> NDArray[np.intp]:
    """Indices of the slices in which a vessel was read."""
    return np.flatnonzero(curve.site.any(axis=(1, 2)))


def _site(name: str, curve: VesselCurve) -> str:
    slices = site_slices(curve) + 1
    where = ""
    if len(slices):
        where = f"{slices[0]}" if len(slices) == 1 else f"{slices[0]}–{slices[-1]}"
        where = f", slice {where}"
    return f"{name}{where}, peak {curve.peak_hu:.0f} HU"
