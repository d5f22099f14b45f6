"""What the numbers of an analysis are called, and their units."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


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
