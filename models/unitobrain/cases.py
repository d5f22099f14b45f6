"""A subject as a case to learn from: its maps as the truth on the network's pixels."""

import numpy as np
from numpy.typing import NDArray

from models.network import SCALES
from models.training import GRID, Case
from models.unitobrain.subject import Subject
from node.perfusion import (
    Estimator,
    LesionThresholds,
    ModelInput,
    PerfusionMaps,
    Quantity,
    find_lesion,
    onto_model,
    parenchyma,
    prepare,
)
from node.refusals import Refusal

_ESTIMATOR = Estimator(name="UniToBrain NLR", version="1", sha256="0" * 64)


def case_of(subject: Subject) -> Case | Refusal:
    """The subject prepared as serving would, with its own maps as what to learn.

    Parenchyma is the prepared brain where the maps have a value, without vessels and fluid;
    the lesion is found in the maps by the node's rule. Slices whose maps are constant are
    dropped; those that lie between others stay as their neighbours, and nothing is asked there.

    Parameters
    ----------
    subject
        As read.

    Returns
    -------
    Case or Refusal
        What ``prepare`` refuses is refused.
    """
    prepared = prepare(subject.scan, GRID)
    if isinstance(prepared, Refusal):
        return prepared
    maps = _targets(subject, prepared)
    lesion = find_lesion(maps, LesionThresholds())
    regions = (parenchyma(maps), lesion.hypoperfusion, lesion.core, maps.brain)
    shares = np.stack([onto_model(region.astype(np.float32), prepared) for region in regions], 1)
    brain = np.maximum(shares[:, 3], 1e-3)
    truth = np.stack([onto_model(maps[quantity], prepared) / brain for quantity in SCALES], 1)
    varying = np.flatnonzero(subject.varies)
    kept = slice(varying[0], varying[-1] + 1)
    return Case(
        enhancement=prepared.enhancement[kept].astype(np.float16),
        baseline_hu=prepared.baseline_hu[kept].astype(np.float16),
        vessels_hu=prepared.vessels_hu,
        maps=truth[kept].astype(np.float16),
        shares=shares[kept].astype(np.float16),
    )


def _targets(subject: Subject, prepared: ModelInput) -> PerfusionMaps:
    """The maps in the project's quantities, 0 where there is no brain or no value."""
    nlr = subject.maps
    valid = (nlr["CBF"] > 0) & (nlr["MTT"] > 0) & subject.varies[:, None, None]
    brain = prepared.brain & valid
    values = {
        Quantity.CBF: nlr["CBF"],
        Quantity.CBV: nlr["CBV"],
        Quantity.MTT: nlr["MTT"],
        Quantity.TTP: nlr["TTP"] - np.float32(_ttp_starts_s(subject, prepared, brain)),
        Quantity.TMAX: nlr["Delay"] + nlr["MTT"] / 2,
    }
    return PerfusionMaps(
        values={quantity: np.maximum(each, 0) * brain for quantity, each in values.items()},
        brain=brain,
        baseline_hu=prepared.scan_baseline_hu,
        spacing_mm=subject.scan.spacing_mm,
        estimator=_ESTIMATOR,
    )


def _ttp_starts_s(subject: Subject, prepared: ModelInput, brain: NDArray[np.bool_]) -> float:
    """When the dataset's TTP counts from, after the contrast's arrival taken as 0 [s].

    The project's TTP counts from the arrival of contrast; from where the dataset's does is not
    written anywhere. Of the scan's start and the arrival the one is taken that puts the median
    of TTP nearer to the peak that the brain's own curve shows.
    """
    if not brain.any():
        return 0.0
    scan = subject.scan
    z = int(brain.sum(axis=(1, 2)).argmax())
    peak_s = float(scan.time_s[scan.hu[:, z, brain[z]].mean(axis=1).argmax(), z])
    ttp_s = float(np.median(subject.maps["TTP"][brain]))
    from_start = abs(ttp_s - peak_s) < abs(ttp_s - (peak_s - prepared.arrival_s))
    return prepared.arrival_s if from_start else 0.0
