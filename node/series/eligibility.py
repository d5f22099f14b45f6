"""What a series must have to be analysed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.refusals import Refusal, RefusalCode
from node.series.rules import Rule

# Two or three phases are an angiography or a dual-energy pair; nobody meant them as perfusion.
FEWEST_DYNAMIC_FRAMES = 5
# Slabs in turn share nearly all of a scan's time, slabs one after the other none of it.
LEAST_SHARED_FRACTION = 0.5


@dataclass(frozen=True)
class Eligibility:
    """The limits of what is analysed.

    Parameters
    ----------
    min_frames
        Time points.
    min_coverage_s
        Time from the first to the last image [s].
    min_slices
        Slice positions.
    max_interval_s
        Median time between images of one slice [s]; a single gap may be twice as long.
    max_missing_fraction
        Images absent from the grid of time points and slices.
    index_interval_s
        How long a step takes where images carry no clock but a count of the time points [s];
        None: such a series is refused.
    accept_derived
        Whether images of type DERIVED (such as motion-corrected ones) are taken.
    rules
        What the site leaves out or takes; the first that matches a series decides.
    peer
        The AE title that sent the series, for rules that speak of it.
    """

    min_frames: int = 10
    min_coverage_s: float = 30.0
    min_slices: int = 2
    max_interval_s: float = 6.0
    max_missing_fraction: float = 0.1
    index_interval_s: float | None = None
    accept_derived: bool = False
    rules: tuple[Rule, ...] = ()
    peer: str = ""

    def verdict(self, time_s: NDArray[np.float64], missing: NDArray[np.bool_]) -> Refusal | None:
        """Why a grid of these times, both (T, Z), cannot be analysed; None where it can."""
        frames, slices = time_s.shape
        return (
            not_perfusion(frames, slices)
            or self._too_few(frames, slices)
            or self._too_incomplete(missing)
            or self._too_short_or_sparse(time_s)
            or _slabs_apart(time_s)
        )

    def _too_few(self, frames: int, slices: int) -> Refusal | None:
        if frames < self.min_frames:
            return Refusal(
                RefusalCode.TOO_FEW_FRAMES,
                found=f"the series has {frames} time points",
                remedy=f"Send a CT perfusion series of at least {self.min_frames} time points.",
            )
        if slices < self.min_slices:
            return Refusal(
                RefusalCode.TOO_FEW_SLICES,
                found=f"the series has {slices} slice position(s)",
                remedy=f"Send a CT perfusion series of at least {self.min_slices} slices.",
            )
        return None

    def _too_incomplete(self, missing: NDArray[np.bool_]) -> Refusal | None:
        if missing.mean() <= self.max_missing_fraction:
            return None
        return Refusal(
            RefusalCode.INCOMPLETE,
            found=f"{missing.sum()} of {missing.size} images are missing",
            remedy="Send the whole series again.",
        )

    def _too_short_or_sparse(self, time_s: NDArray[np.float64]) -> Refusal | None:
        coverage_s = float(time_s.max() - time_s.min())
        if coverage_s < self.min_coverage_s:
            return Refusal(
                RefusalCode.TOO_SHORT,
                found=f"the series covers {coverage_s:.1f} s",
                remedy=f"Send a CT perfusion series of at least {self.min_coverage_s:.0f} s.",
            )
        intervals_s = np.diff(time_s, axis=0)
        typical_s, longest_s = float(np.median(intervals_s)), float(intervals_s.max())
        if typical_s > self.max_interval_s or longest_s > 2 * self.max_interval_s:
            return Refusal(
                RefusalCode.TOO_SPARSE,
                found=f"a slice is imaged every {typical_s:.1f} s, with a gap of {longest_s:.1f} s",
                remedy=f"Send a series that images each slice every {self.max_interval_s:.0f} s.",
            )
        return None


def _slabs_apart(time_s: NDArray[np.float64]) -> Refusal | None:
    """The refusal of slices that were not imaged over the same time: no one bolus is in all."""
    first_s, last_s = time_s[0], time_s[-1]
    shared_s = float(last_s.min() - first_s.max())
    if shared_s >= LEAST_SHARED_FRACTION * float(np.median(last_s - first_s)):
        return None
    early, late = int(first_s.argmin()), int(first_s.argmax())
    return Refusal(
        RefusalCode.SLABS_APART,
        found=f"some slices were imaged from {first_s[early]:.0f} to {last_s[early]:.0f} s, others "
        f"from {first_s[late]:.0f} to {last_s[late]:.0f} s: slabs one after the other",
        remedy="Send each slab as a series of its own; each needs contrast of its own.",
    )


def not_perfusion(frames: int, slices: int) -> Refusal | None:
    """The refusal of a series that was never meant as CT perfusion; None where it may be one."""
    if frames >= FEWEST_DYNAMIC_FRAMES:
        return None
    return Refusal(
        RefusalCode.NOT_PERFUSION,
        found=f"{slices} slice position(s) with {frames} time point(s) each",
        remedy="Nothing: this is no CT perfusion series.",
    )
