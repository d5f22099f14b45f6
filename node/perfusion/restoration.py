"""From the network's pixels back to the scan's."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from node.perfusion.maps import Estimator, PerfusionMaps
from node.perfusion.model_input import ModelInput
from node.perfusion.pixels import linear_weights
from node.perfusion.quantities import Quantity


def restore(
    outputs: Mapping[Quantity, NDArray[np.float32]], prepared: ModelInput, estimator: Estimator
) -> PerfusionMaps:
    """The network's maps on the scan's grid, 0 outside the brain.

    Parameters
    ----------
    outputs
        One (Z, H, W) float32 array for every quantity, in the quantity's unit, on the pixels
        of ``prepared.enhancement``.
    prepared
        The input that the outputs were computed from.
    estimator
        What computed them.
    """
    _, rows, columns = prepared.brain.shape
    _, height, width = prepared.baseline_hu.shape
    _, dy, dx = prepared.scan.spacing_mm
    (y, x), pixel_mm = prepared.origin_px, prepared.grid.pixel_mm
    down = linear_weights(height, rows, y, pixel_mm / dy)
    across = linear_weights(width, columns, x, pixel_mm / dx)
    values = {
        quantity: (down @ (planes @ across.T) * prepared.brain).astype(np.float32)
        for quantity, planes in outputs.items()
    }
    return PerfusionMaps(
        values=values,
        brain=prepared.brain,
        baseline_hu=prepared.scan_baseline_hu,
        spacing_mm=prepared.scan.spacing_mm,
        estimator=estimator,
    )
