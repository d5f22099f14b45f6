"""The curves of an analysis, as they are kept for people to look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a port only names them: whoever reads a curve need not load the science
    from node.perfusion import Motion, TimeCourses


@dataclass(frozen=True)
class Curve:
    """One curve over time: ``values`` in ``unit`` at ``time_s``; marks where it has no values.

    ``name``: ``artery``, ``vein``, ``tissue`` [HU]; ``moved`` [mm], ``turned`` [degrees]; and
    ``left_out``, the times of frames that were beyond repair.
    """

    name: str
    unit: str
    time_s: tuple[float, ...]
    values: tuple[float, ...] = ()


def recorded(courses: TimeCourses | None, motion: Motion | None) -> tuple[Curve, ...]:
    """The curves of an analysis; what is not known is not among them."""
    return (*_of_bolus(courses), *_of_motion(motion))


def _of_bolus(courses: TimeCourses | None) -> Iterable[Curve]:
    if courses is None:
        return
    times = _rounded(courses.clock.times_s)
    if courses.inputs is not None:
        yield Curve("artery", "HU", times, _rounded(courses.inputs.artery.hu))
        if courses.inputs.vein is not None:
            yield Curve("vein", "HU", times, _rounded(courses.inputs.vein.hu))
    yield Curve("tissue", "HU", times, _rounded(courses.tissue_hu))


def _of_motion(motion: Motion | None) -> Iterable[Curve]:
    if motion is None or not motion.measured:
        return
    kept = ~motion.excluded
    times = _rounded(motion.time_s[kept])
    yield Curve("moved", "mm", times, _rounded(motion.moved_mm[kept]))
    yield Curve("turned", "degrees", times, _rounded(motion.turned_deg[kept]))
    if motion.excluded.any():
        yield Curve("left_out", "", _rounded(motion.time_s[motion.excluded]))


def _rounded(values: Iterable[float]) -> tuple[float, ...]:
    """To a hundredth: finer than any picture shows."""
    return tuple(round(float(value), 2) for value in values)
