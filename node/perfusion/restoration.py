"""From the network's pixels back to the scan's."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from node.perfusion.maps import Estimator, PerfusionMaps
from node.perfusion.model_input import ModelInput
from node.perfusion.pixels import area_weights, linear_weights, weighted
from node.perfusion.quantities import Quantity
from node.perfusion.sharpening import sharpened


def restore(
    outputs: Mapping[Quantity, NDArray[np.float32]],
    prepared: ModelInput,
    estimator: Estimator,
    *,
    uncertainty: Mapping[Quantity, NDArray[np.float32]] = MappingProxyType({}),
    parenchyma: NDArray[np.float32] | None = None,
) -> PerfusionMaps:
    """The network's maps on the scan's grid, 0 outside the brain.

    The network counts TTP from the arrival that ``prepare`` found; here it is brought to where
    the artery begins to fill. Where tissue ends is decided on the scan's pixels.

    Parameters
    ----------
    outputs
        One (Z, H, W) float32 array for every quantity, in the quantity's unit, on the pixels
        of ``prepared.enhancement``; TTP from ``prepared.arrival_s``.
    prepared
        The input that the outputs were computed from.
    estimator
        What computed them.
    uncertainty
        The absolute error to be expected of a quantity, as ``outputs``; may lack some or all.
    parenchyma
        (Z, H, W) float32, the probability that a voxel is grey or white matter; None where the
        network does not say.
    """
    _, rows, columns = prepared.brain.shape
    _, height, width = prepared.baseline_hu.shape
    _, dy, dx = prepared.scan.spacing_mm
    (y, x), pixel_mm = prepared.origin_px, prepared.grid.pixel_mm
    down = linear_weights(height, rows, y, pixel_mm / dy)
    across = linear_weights(width, columns, x, pixel_mm / dx)
    values, doubts = (
        {
            quantity: weighted(planes, down, across) * prepared.brain
            for quantity, planes in each.items()
        }
        for each in (outputs, uncertainty)
    )
    likely = None if parenchyma is None else weighted(parenchyma, down, across)
    baseline_hu = prepared.scan_baseline_hu
    from_artery_s = np.maximum(values[Quantity.TTP] + np.float32(prepared.early_s), 0.0)
    values[Quantity.TTP] = (from_artery_s * prepared.brain).astype(np.float32)
    if likely is not None:
        likely = sharpened(likely, baseline_hu, prepared.brain, values)
    return PerfusionMaps(
        values=values,
        brain=prepared.brain,
        baseline_hu=baseline_hu,
        spacing_mm=prepared.scan.spacing_mm,
        estimator=estimator,
        uncertainty=doubts,
        parenchyma=likely,
    )


def onto_model(values: NDArray[np.float32], prepared: ModelInput) -> NDArray[np.float32]:
    """Values of the scan's grid averaged onto the network's pixels, as ``prepare`` does it.

    Training and evaluation bring a simulated scan's truth to the network's outputs with it.

    Parameters
    ----------
    values
        (Z, Y, X) float32 on the scan's grid.
    prepared
        The input whose pixels are wanted.

    Returns
    -------
    (Z, H, W) float32, 0 where the network's grid leaves the scan
    """
    _, height, width = prepared.baseline_hu.shape
    (y, x), (_, dy, dx) = prepared.origin_px, prepared.scan.spacing_mm
    down = _area_from(values.shape[1], height, y, prepared.grid.pixel_mm / dy)
    across = _area_from(values.shape[2], width, x, prepared.grid.pixel_mm / dx)
    return weighted(values, down, across)


def _area_from(source: int, target: int, first: int, ratio: float) -> NDArray[np.float32]:
    """Area weights of a grid that begins at pixel ``first``; 0 where it leaves the source."""
    inside = min(target, int(np.ceil((source - first) / ratio)))
    weights = np.zeros((target, source), np.float32)
    weights[:inside, first:] = area_weights(source - first, inside, ratio)
    return weights
