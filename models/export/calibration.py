"""How much the network's own uncertainty is out, seen on patients it has not learned from."""

from collections.abc import Iterable, Mapping

import numpy as np
import torch

from models.network import SCALES, PerfusionNet
from models.training import Case
from node.perfusion import Quantity, averaged_alike, tolerance_hu


def calibrated(network: PerfusionNet, cases: Iterable[Case]) -> Mapping[Quantity, float]:
    """What to multiply each uncertainty with, so that it is the mean absolute error.

    Parameters
    ----------
    network
        Trained.
    cases
        Patients that it was not trained on.

    Raises
    ------
    ValueError
        If there is no tissue in the cases.
    """
    errors, doubts, voxels = np.zeros(len(SCALES)), np.zeros(len(SCALES)), 0
    network.eval()
    for case in cases:
        curves, resting_hu = (
            case.enhancement.astype(np.float32),
            case.baseline_hu.astype(np.float32),
        )
        quiet = averaged_alike(curves, resting_hu, tolerance_hu(curves, case.vessels_hu))
        arrays = (quiet, resting_hu, case.vessels_hu[None])
        enhancement, baseline, vessels = (torch.from_numpy(array) for array in arrays)
        with torch.no_grad():
            found = network(enhancement, baseline, vessels.expand(len(baseline), -1, -1))
        tissue = case.shares[:, 0] > 0.5
        off = np.abs(found.maps.numpy() - case.maps)
        errors += np.moveaxis(off, 1, -1)[tissue].sum(axis=0)
        doubts += np.moveaxis(found.doubts.numpy(), 1, -1)[tissue].sum(axis=0)
        voxels += int(tissue.sum())
    if not voxels:
        raise ValueError("no tissue to calibrate the uncertainty on")
    return {
        quantity: float(error / doubt)
        for quantity, error, doubt in zip(SCALES, errors, doubts, strict=True)
    }
