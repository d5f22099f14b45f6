"""``numbers.json``: what was measured in one series, with units; no patient identity."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from node import __version__
from node.perfusion import Estimator
from node.ports import MEASURES, Outcome
from node.series import Instance
from node.settings import Settings


def numbers(
    instances: Sequence[Instance], outcome: Outcome, estimator: Estimator, settings: Settings
) -> dict[str, Any]:
    """Measurements, flags, checks and reason of one series, and what they depend on.

    A measurement without a value is not defined in this series: a mismatch ratio without a
    core, for example. A ratio has the unit ``1``, as in UCUM.
    """
    header = instances[0].header
    limits = settings.analysis
    return {
        "not_for_diagnostic_use": True,
        "software": f"perfusion-node {__version__}",
        "study_instance_uid": header.study_instance_uid,
        "series_instance_uid": header.series_instance_uid,
        "series_description": header.series_description,
        "images": sum(i.header.images for i in instances),
        "model": asdict(estimator),
        "thresholds": {
            "tmax_hypoperfusion_s": limits.tmax_hypoperfusion_s,
            "relative_cbf_core": limits.rcbf_core,
            "smallest_lesion_ml": limits.min_lesion_ml,
        },
        "measurements": {
            key: {"name": m.name, "value": _rounded(outcome.summary[key]), "unit": m.unit or "1"}
            for key, m in MEASURES.items()
            if key in outcome.summary
        },
        "flags": [asdict(flag) for flag in outcome.flags],
        "checks": [asdict(check) for check in outcome.checks],
        "reason": asdict(outcome.reason) if outcome.reason else None,
    }


def _rounded(value: float | None) -> float | None:
    """To a thousandth: a microlitre, far below what a voxel holds."""
    return None if value is None else round(value, 3)
