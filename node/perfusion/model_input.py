"""What the network is given: enhancement on the model's own time and pixel grid."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from node.perfusion.dynamic import DynamicCt
from node.perfusion.sampling import MIN_POINTS, Clock
from node.perfusion.timing import imaged_points
from node.perfusion.vessel_voxels import Shape

# How long before ``arrival_s`` the network's time grid begins.
LEAD_S = 4.0


@dataclass(frozen=True)
class ModelGrid:
    """The grid a model wants its input on, as its manifest says.

    Parameters
    ----------
    time_points
        Samples in time.
    interval_s
        Time between them [s].
    pixel_mm
        In-plane distance between pixel centres [mm].
    multiple
        Rows and columns are padded to a multiple of this.
    """

    time_points: int
    interval_s: float
    pixel_mm: float
    multiple: int


@dataclass(frozen=True, eq=False)
class ModelInput:
    """One scan, ready for the network.

    Parameters
    ----------
    enhancement
        (Z, N, H, W) float32 [HU] above baseline, N the model's time points; padded with 0.
    baseline_hu
        (Z, H, W) float32 [HU] on the model's pixels; padded with air.
    brain
        (Z, Y, X) bool on the scan's own grid: where maps are wanted.
    scan_baseline_hu
        (Z, Y, X) float32 [HU] on the scan's own grid.
    scan
        The scan it was made from.
    arrival_s
        Time from which contrast is surely in the head [s] on the scan's clock: what the model's
        time grid is laid by, and what TTP counts from inside the network.
    grid
        The model grid it was made for.
    origin_px
        The scan's row and column at which the model's grid begins.
    vessels_hu
        (2, N) float32 [HU], the curves of the likeliest artery and vein on the model's time
        grid; (2, 0) where none were looked for.
    """

    enhancement: NDArray[np.float32]
    baseline_hu: NDArray[np.float32]
    brain: NDArray[np.bool_]
    scan_baseline_hu: NDArray[np.float32]
    scan: DynamicCt
    arrival_s: float
    grid: ModelGrid
    origin_px: tuple[int, int] = (0, 0)
    vessels_hu: NDArray[np.float32] = field(default_factory=lambda: np.zeros((2, 0), np.float32))

    def __post_init__(self) -> None:
        z, n, h, w = self.enhancement.shape
        if n != self.grid.time_points or self.baseline_hu.shape != (z, h, w):
            raise ValueError(
                f"enhancement {self.enhancement.shape} and baseline {self.baseline_hu.shape} "
                "disagree"
            )
        if h % self.grid.multiple or w % self.grid.multiple:
            raise ValueError(f"{h} x {w} is no multiple of {self.grid.multiple}")
        if self.brain.shape != self.scan.shape[1:]:
            raise ValueError(
                f"brain {self.brain.shape} is not on the scan's grid {self.scan.shape}"
            )
        if not np.isfinite(self.enhancement).all():
            raise ValueError("enhancement holds values that are not finite")

    @property
    def early_s(self) -> float:
        """How long before ``arrival_s`` the likeliest artery begins to fill [s].

        The head's strongest vessels rise clearly only some time after the first contrast; how
        long depends on the bolus. 0 where no vessel rises.
        """
        points = imaged_points(self.enhancement)
        artery = self.vessels_hu[:1, :points].T
        if len(artery) < MIN_POINTS or np.ptp(artery) <= 0:
            return 0.0
        clock = Clock(-LEAD_S, self.grid.interval_s, len(artery))
        return -float(Shape.of(artery, clock).arrival_s[0])
