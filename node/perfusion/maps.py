"""The perfusion maps of one scan, and what computed them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from node.perfusion.quantities import Quantity


@dataclass(frozen=True)
class Estimator:
    """What computed the maps: written into every result.

    Parameters
    ----------
    name, version
        As in the model's manifest.
    sha256
        Digest of the .onnx file, 64 hexadecimal digits.
    """

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, eq=False)
class PerfusionMaps:
    """Perfusion maps on the scan's analysis grid.

    Parameters
    ----------
    values
        One (Z, Y, X) float32 array for every :class:`Quantity`, in the quantity's unit;
        finite, and 0 outside ``brain``.
    brain
        (Z, Y, X) bool, the voxels that were analysed.
    baseline_hu
        (Z, Y, X) float32 [HU], mean of the frames before contrast.
    spacing_mm
        Distance between voxel centres along (Z, Y, X) [mm].
    estimator
        What computed them.
    uncertainty
        (Z, Y, X) float32, the absolute error to be expected of a quantity's map, in its unit;
        empty where the estimator does not know.
    parenchyma
        (Z, Y, X) float32, the probability that a voxel is grey or white matter rather than
        fluid or a large vessel; None where the estimator does not know.

    Raises
    ------
    ValueError
        If a quantity is missing, or a shape, a type or a value is wrong.
    """

    values: Mapping[Quantity, NDArray[np.float32]]
    brain: NDArray[np.bool_]
    baseline_hu: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]
    estimator: Estimator
    uncertainty: Mapping[Quantity, NDArray[np.float32]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    parenchyma: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if absent := set(Quantity) - set(self.values):
            raise ValueError(f"maps are missing for {sorted(absent)}")
        if self.brain.ndim != 3 or self.brain.shape != self.baseline_hu.shape:
            raise ValueError(
                f"brain {self.brain.shape} and baseline {self.baseline_hu.shape} differ"
            )
        arrays: list[tuple[str, NDArray[np.float32]]]
        arrays = [*self.values.items(), *self.uncertainty.items()]
        if self.parenchyma is not None:
            arrays += [("parenchyma", self.parenchyma)]
        for name, values in arrays:
            if values.shape != self.brain.shape or values.dtype != np.float32:
                raise ValueError(f"{name} is {values.shape} {values.dtype}")
            if not np.isfinite(values).all():
                raise ValueError(f"{name} holds values that are not finite")

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel [ml]."""
        z, y, x = self.spacing_mm
        return z * y * x / 1000.0

    def __getitem__(self, quantity: Quantity) -> NDArray[np.float32]:
        return self.values[quantity]
