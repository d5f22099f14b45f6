"""A model without a network: plausible maps from the brain alone."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from node.perfusion import Estimator, ModelGrid, ModelInput, PerfusionMaps, Quantity

_NORMAL = {
    Quantity.CBF: 50.0,
    Quantity.CBV: 4.0,
    Quantity.MTT: 5.0,
    Quantity.TTP: 8.0,
    Quantity.TMAX: 2.0,
}
_LATE = {**_NORMAL, Quantity.CBF: 10.0, Quantity.TMAX: 9.0}


class FakeModel:
    """Implements :class:`node.ports.Model`: one half of the brain is late and poorly perfused.

    Parameters
    ----------
    fault
        Raised by every prediction, where given.
    familiar
        What it says it has learned from.
    """

    def __init__(
        self,
        fault: Exception | None = None,
        familiar: Mapping[str, tuple[float, float]] = MappingProxyType({}),
    ) -> None:
        self.fault = fault
        self.familiar = familiar
        self.predictions = 0

    @property
    def estimator(self) -> Estimator:
        return Estimator("fake", "1.0", "0" * 64)

    @property
    def grid(self) -> ModelGrid:
        return ModelGrid(time_points=16, interval_s=2.0, pixel_mm=6.25, multiple=8)

    @property
    def provider(self) -> str:
        return "CPUExecutionProvider"

    def predict(self, prepared: ModelInput) -> PerfusionMaps:
        self.predictions += 1
        if self.fault is not None:
            raise self.fault
        brain = prepared.brain
        left = brain & (np.arange(brain.shape[2]) < brain.shape[2] // 2)
        values = {}
        for quantity, normal in _NORMAL.items():
            values[quantity] = np.where(brain, normal, 0.0).astype(np.float32)
            values[quantity][left] = _LATE[quantity]
        return PerfusionMaps(
            values=values,
            brain=brain,
            baseline_hu=prepared.scan_baseline_hu,
            spacing_mm=prepared.scan.spacing_mm,
            estimator=self.estimator,
        )
