"""Scans and maps for the science's tests, small and quick."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from node.perfusion import (
    DynamicCt,
    Estimator,
    ModelGrid,
    ModelInput,
    PerfusionMaps,
    Quantity,
    prepare,
)
from tests.support.ctp import CtpSpec, head_scan
from tests.support.phantom import regions

GRID = ModelGrid(time_points=32, interval_s=2.0, pixel_mm=3.6, multiple=8)
SPEC = CtpSpec(rows=64, pixel_mm=3.125, frames=25, interval_s=2.0)
ESTIMATOR = Estimator("test", "1", "0" * 64)


def scan_of(**changes: object) -> DynamicCt:
    """The synthetic head of the tests, with fields of its specification changed."""
    return head_scan(replace(SPEC, **changes))  # type: ignore[arg-type]  # fields of any type


def prepared_of(scan: DynamicCt, grid: ModelGrid = GRID) -> ModelInput:
    """The model's input of a scan that must not be refused."""
    prepared = prepare(scan, grid)
    assert isinstance(prepared, ModelInput), prepared
    return prepared


def with_hu(scan: DynamicCt, hu: NDArray[np.floating]) -> DynamicCt:
    """The scan with other attenuation."""
    return replace(scan, hu=hu.astype(np.float32))


def maps_of(
    tmax: NDArray[np.floating],
    cbf: NDArray[np.floating],
    *,
    cbv: float | NDArray[np.floating] = 3.0,
    baseline_hu: float | NDArray[np.floating] = 35.0,
) -> PerfusionMaps:
    """Maps with the given Tmax and CBF in a brain that fills an ellipse of the picture."""
    shape = tmax.shape
    y, x = np.mgrid[-1 : 1 : shape[1] * 1j, -1 : 1 : shape[2] * 1j]
    brain = np.broadcast_to((y / 0.95) ** 2 + (x / 0.75) ** 2 <= 1, shape)
    fill = {
        Quantity.TMAX: tmax,
        Quantity.CBF: cbf,
        Quantity.CBV: cbv,
        Quantity.MTT: 5.0,
        Quantity.TTP: 9.0,
    }
    return PerfusionMaps(
        values={
            q: (np.broadcast_to(np.asarray(v), shape) * brain).astype(np.float32)
            for q, v in fill.items()
        },
        brain=brain,
        baseline_hu=np.broadcast_to(np.float32(baseline_hu), shape).astype(np.float32),
        spacing_mm=(5.0, 2.0, 2.0),
        estimator=ESTIMATOR,
    )


def phantom_maps(prepared: ModelInput) -> PerfusionMaps:
    """What a perfect network would make of :func:`scan_of`'s head: the late lesion is slow."""
    slices, rows, _ = prepared.brain.shape
    late = np.stack([regions(rows, z, slices).lesion for z in range(slices)])
    maps = maps_of(np.where(late, 10.0, 3.0), np.where(late, 20.0, 40.0))
    return replace(maps, spacing_mm=prepared.scan.spacing_mm, baseline_hu=prepared.scan_baseline_hu)
