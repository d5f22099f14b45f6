"""What a deconvolution finds in each voxel, before units."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Solution:
    """Transport of contrast through V voxels, each (V,) float32.

    Parameters
    ----------
    flow
        Height of the flow-scaled residue function [1/s].
    volume
        Its area, the fraction of arterial contrast that the voxel holds.
    mtt_s
        ``volume / flow`` [s], 0 where nothing flows.
    delay_s
        Arrival behind the artery [s].
    tmax_s
        delay + MTT/2 [s].
    """

    flow: NDArray[np.float32]
    volume: NDArray[np.float32]
    mtt_s: NDArray[np.float32]
    delay_s: NDArray[np.float32]
    tmax_s: NDArray[np.float32]


class Method(Protocol):
    """A way to deconvolve: :class:`StandardSvd`, :class:`BoxRegression` and so on."""

    @property
    def name(self) -> str:
        """What results call it."""

    @property
    def version(self) -> str:
        """Changes whenever its results do."""

    def solve(
        self, aif: NDArray[np.float64], curves: NDArray[np.float32], interval_s: float
    ) -> Solution:
        """What every voxel's curve tells about its transport.

        Parameters
        ----------
        aif
            (N,) arterial enhancement [HU].
        curves
            (N, V) tissue enhancement [HU].
        interval_s
            Time between samples [s].
        """
