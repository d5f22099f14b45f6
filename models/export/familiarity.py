"""What the patients looked like that a network learned from: the ranges in its manifest."""

from collections.abc import Iterable

import numpy as np

from models.training import GRID, Case, plan
from node.perfusion import FEATURES, Seen, features

# One scan in a hundred has a value beyond these, on either side half of them.
OUTSIDE = 0.005


def familiar_ranges(patients: Iterable[tuple[int, Case]]) -> dict[str, tuple[float, float]]:
    """Between which values the features of nearly all patients lie, by the features' keys.

    Parameters
    ----------
    patients
        Seed and case of each, as :func:`models.training.plan` had them scanned.

    Raises
    ------
    ValueError
        If there is no patient.
    """
    found = [features(_seen(seed, case)) for seed, case in patients]
    if not found:
        raise ValueError("no patient to read familiar ranges from")
    return {key: _range([each[key] for each in found if key in each]) for key in FEATURES}


def _seen(seed: int, case: Case) -> Seen:
    scanned = plan(seed).acquisition
    return Seen(
        enhancement=case.enhancement,
        baseline_hu=case.baseline_hu,
        vessels_hu=case.vessels_hu,
        step_s=GRID.interval_s,
        interval_s=float(np.median(np.diff(scanned.frame_times_s))),
        slice_mm=scanned.thickness_mm,
    )


def _range(values: list[float]) -> tuple[float, float]:
    low, high = np.quantile(values, [OUTSIDE, 1.0 - OUTSIDE])
    return float(f"{low:.4g}"), float(f"{high:.4g}")
