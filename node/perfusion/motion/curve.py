"""How a head moved during a scan: the motion curve, a result of its own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.perfusion.motion.rigid import Transform, pose_of

# A head at rest is measured to within a hundredth of this; it is a third of a pixel.
STILL_MM = 0.3


@dataclass(frozen=True, eq=False)
class Motion:
    """Where the head was in every frame, seen from where it was in the reference frame.

    Frames are those of the scan before its correction.

    Parameters
    ----------
    time_s
        (T,) float64, mean time of the frame's images [s].
    reference
        The frame that the others are brought to.
    transforms
        (T, G, 4, 4) float64: where a point (z, y, x) [mm] from the scan's centre lay; one for
        each slab of a shuttle, whose slabs are imaged in turn, a single one for other scans.
    moved_mm
        (T,) float64, how far the skull was moved, root mean square over it [mm].
    turned_deg
        (T,) float64, how far the head was turned [degrees].
    left_mm
        (T,) float64, how far the skull's edges are still apart after registration [mm].
    excluded
        (T,) bool, frames beyond repair; what their movement says is no measurement.
    measured
        False where no skull was seen: nothing is known, and all else says that the head rests.
    """

    time_s: NDArray[np.float64]
    reference: int
    transforms: Transform
    moved_mm: NDArray[np.float64]
    turned_deg: NDArray[np.float64]
    left_mm: NDArray[np.float64]
    excluded: NDArray[np.bool_]
    measured: bool = True

    @property
    def poses(self) -> NDArray[np.float64]:
        """(T, G, 6): moved along Z, Y and X [mm], and the rotation vector about them [degrees]."""
        return pose_of(self.transforms)

    @property
    def corrected(self) -> NDArray[np.bool_]:
        """(T,) bool: the frames that are brought back."""
        return (self.moved_mm >= STILL_MM) & ~self.excluded

    @property
    def most_mm(self) -> float:
        """The farthest that the head was moved in a frame that is analysed [mm]."""
        return float(self.moved_mm[~self.excluded].max(initial=0.0))

    @property
    def most_deg(self) -> float:
        """The farthest that the head was turned in a frame that is analysed [degrees]."""
        return float(self.turned_deg[~self.excluded].max(initial=0.0))
