"""Enhancement over time: of the artery, the vein and the tissue, kept for people to look at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.perfusion.dynamic import DynamicCt
from node.perfusion.enhancement import baseline_weights
from node.perfusion.input_functions import InputFunctions
from node.perfusion.sampling import Clock
from node.refusals import Refusal


@dataclass(frozen=True, eq=False)
class TimeCourses:
    """What a reader checks a bolus by.

    Parameters
    ----------
    clock
        Times of all samples.
    tissue_hu
        (N,) float64 [HU], mean enhancement of grey and white matter.
    inputs
        Curves and sites of the artery and the vein; None where no artery was found.
    arrival_s
        When contrast arrives in the head [s] on the scan's clock.
    """

    clock: Clock
    tissue_hu: NDArray[np.float64]
    inputs: InputFunctions | None
    arrival_s: float


def time_courses(
    scan: DynamicCt,
    tissue: NDArray[np.bool_],
    arrival_s: float,
    inputs: InputFunctions | Refusal,
) -> TimeCourses | None:
    """The curves of a scan on one clock; None where its slices share too short a time.

    Parameters
    ----------
    scan
        As it was analysed.
    tissue
        (Z, Y, X) bool, grey and white matter; may be empty.
    arrival_s
        When contrast arrives in the head [s] on the scan's clock.
    inputs
        What :func:`find_inputs` says of the scan.
    """
    found = None if isinstance(inputs, Refusal) else inputs
    try:
        clock = found.clock if found else Clock.of(scan)
    except ValueError:
        return None
    return TimeCourses(clock, _mean_course(scan, tissue, arrival_s, clock), found, arrival_s)


def _mean_course(
    scan: DynamicCt, tissue: NDArray[np.bool_], arrival_s: float, clock: Clock
) -> NDArray[np.float64]:
    """(N,) mean enhancement of a region [HU], each slice from its own times."""
    weights = baseline_weights(scan.time_s, arrival_s)
    total = np.zeros(clock.points)
    for z in np.flatnonzero(tissue.any(axis=(1, 2))):
        summed = scan.hu[:, z].reshape(len(scan.hu), -1) @ tissue[z].ravel().astype(np.float32)
        total += clock.weights(scan.time_s[:, z]) @ (summed - weights[:, z] @ summed)
    return total / max(int(tissue.sum()), 1)
