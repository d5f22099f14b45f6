"""What the numbers of an analysis are, what they are called, and their units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from node.ports.curves import recorded
from node.ports.records import CheckRecord, ReadingRecord, Reason, ResultRecord
from node.ports.work import Outcome

if TYPE_CHECKING:  # a port only names them: whoever asks for a name need not load the science
    from node.perfusion import Findings, Lesion, Motion, QualityCheck


@dataclass(frozen=True)
class Measure:
    """A number of ``Outcome.summary``: its name for people and its unit, empty for a ratio."""

    name: str
    unit: str


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "core_ml": Measure("Core", "ml"),
        "hypoperfusion_ml": Measure("Hypoperfusion", "ml"),
        "mismatch_ml": Measure("Mismatch", "ml"),
        "mismatch_ratio": Measure("Mismatch ratio", ""),
        "hypoperfusion_intensity_ratio": Measure("Hypoperfusion intensity ratio", ""),
        "normal_cbf": Measure("CBF that counted as normal", "ml/100 g/min"),
        "tmax_above_4_s_ml": Measure("Tmax > 4 s", "ml"),
        "tmax_above_6_s_ml": Measure("Tmax > 6 s", "ml"),
        "tmax_above_8_s_ml": Measure("Tmax > 8 s", "ml"),
        "tmax_above_10_s_ml": Measure("Tmax > 10 s", "ml"),
        "cbf_below_20_percent_ml": Measure("CBF < 20 % of normal", "ml"),
        "cbf_below_30_percent_ml": Measure("CBF < 30 % of normal", "ml"),
        "cbf_below_34_percent_ml": Measure("CBF < 34 % of normal", "ml"),
        "cbf_below_38_percent_ml": Measure("CBF < 38 % of normal", "ml"),
        "core_least_ml": Measure("Core, at least", "ml"),
        "core_most_ml": Measure("Core, at most", "ml"),
        "hypoperfusion_least_ml": Measure("Hypoperfusion, at least", "ml"),
        "hypoperfusion_most_ml": Measure("Hypoperfusion, at most", "ml"),
        "moved_mm": Measure("Movement of the head, at most", "mm"),
        "turned_deg": Measure("Turn of the head, at most", "degrees"),
    }
)
"""Every number of an analysis, by its key in ``Outcome.summary``, in the order of reading."""


def summarised(lesion: Lesion, motion: Motion | None) -> dict[str, float | None]:
    """The numbers of an analysis by their keys in :data:`MEASURES`; None what is not known."""
    moved = motion if motion is not None and motion.measured else None
    return {
        "core_ml": lesion.core_ml,
        "hypoperfusion_ml": lesion.hypoperfusion_ml,
        "mismatch_ml": lesion.mismatch_ml,
        "mismatch_ratio": lesion.mismatch_ratio,
        "hypoperfusion_intensity_ratio": lesion.hypoperfusion_intensity_ratio,
        "normal_cbf": lesion.normal_cbf,
        **{f"tmax_above_{s:g}_s_ml": ml for s, ml in lesion.tmax_above_ml.items()},
        **{f"cbf_below_{100 * r:g}_percent_ml": ml for r, ml in lesion.rcbf_below_ml.items()},
        **_ranges(lesion),
        "moved_mm": None if moved is None else moved.most_mm,
        "turned_deg": None if moved is None else moved.most_deg,
    }


def concluded(
    found: Findings, results: tuple[ResultRecord, ...], stages_s: dict[str, float]
) -> Outcome:
    """What an analysis came to: its results, numbers, flags and checks as they are kept."""
    return Outcome(
        results=results,
        summary=summarised(found.lesion, found.motion),
        flags=tuple(Reason(f.code, f.found, f"Grade: {f.grade}.") for f in found.flags),
        checks=tuple(map(checked, found.checks)),
        stages_s=stages_s,
        curves=recorded(found.courses, found.motion),
    )


def checked(check: QualityCheck) -> CheckRecord:
    """A check as it is kept and shown."""
    readings = tuple(
        ReadingRecord(each.name, _rounded(each.value), each.unit, each.measured, each.limit)
        for each in check.readings
    )
    return CheckRecord(check.code, str(check.grade), check.found, readings)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)


def _ranges(lesion: Lesion) -> dict[str, float | None]:
    """The least and the most of the volumes; None where the network does not know its errors."""
    between = lesion.range_ml
    core = (None, None) if between is None else between.core_ml
    slow = (None, None) if between is None else between.hypoperfusion_ml
    return {
        "core_least_ml": core[0],
        "core_most_ml": core[1],
        "hypoperfusion_least_ml": slow[0],
        "hypoperfusion_most_ml": slow[1],
    }
