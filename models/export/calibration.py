"""How much the network's own uncertainty is out, seen on patients it has not learned from."""

from collections.abc import Iterable, Mapping

import numpy as np
import torch

from models.network import SCALES, PerfusionNet
from models.training import Case
from node.perfusion import Quantity


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
        arrays = (case.enhancement, case.baseline_hu, case.vessels_hu[None])
        enhancement, baseline, vessels = (
            torch.from_numpy(array.astype(np.float32)) for array in arrays
        )
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
