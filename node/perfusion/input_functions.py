"""Arterial input and venous output: curves, where they were measured, how well."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.perfusion.flanks import rises
from node.perfusion.sampling import Clock


@dataclass(frozen=True, eq=False)
class ArterialInput:
    """The curve that tissue is deconvolved with.

    Parameters
    ----------
    clock
        Times of its samples.
    hu
        (N,) float64 [HU], enhancement of arterial blood.
    arrival_s
        When contrast arrives [s] on the scan's clock.

    Raises
    ------
    ValueError
        If the curve is not on the clock, not finite, or has no area.
    """

    clock: Clock
    hu: NDArray[np.float64]
    arrival_s: float

    def __post_init__(self) -> None:
        if self.hu.shape != (self.clock.points,):
            raise ValueError(f"the artery has {self.hu.shape} samples, not {self.clock.points}")
        if not np.isfinite(self.hu).all():
            raise ValueError("the artery's curve holds values that are not finite")
        if self.hu.sum() <= 0 or np.ptp(self.hu) <= 0:
            raise ValueError("the artery's curve does not rise: nothing can be deconvolved")

    @property
    def contrast_s(self) -> float:
        """When the artery has risen to a tenth [s]: until then tissue shows no contrast."""
        curve = self.hu[:, None]
        place = rises(curve, curve.argmax(axis=0), 0.1 * curve.max(axis=0))
        return self.clock.start_s + float(place[0]) * self.clock.interval_s


@dataclass(frozen=True, eq=False)
class VesselCurve:
    """One vessel's curve as measured, and where.

    Parameters
    ----------
    hu
        (N,) float64 [HU] on the scan's :class:`Clock`.
    site
        (Z, Y, X) bool on the scan's grid, the voxels averaged.
    peak_hu, fwhm_s
        Height [HU] and full width at half of it [s].
    arrival_s, half_rise_s
        When it leaves the baseline and when it has reached half its height [s], on the scan's
        clock.
    noise_hu
        Noise of the averaged curve [HU].
    """

    hu: NDArray[np.float64]
    site: NDArray[np.bool_]
    peak_hu: float
    fwhm_s: float
    arrival_s: float
    half_rise_s: float
    noise_hu: float


@dataclass(frozen=True, eq=False)
class InputFunctions:
    """The arterial input function (AIF) and the venous output function (VOF) of a scan.

    Parameters
    ----------
    clock
        The times of both curves.
    artery
        As measured, lowered by partial volume.
    vein
        As measured; None where no vein fills clearly later than the artery.
    partial_volume
        k_av = AUC(VOF)/AUC(AIF), at least 1: what the artery's curve is multiplied with.
    """

    clock: Clock
    artery: VesselCurve
    vein: VesselCurve | None
    partial_volume: float

    @property
    def arterial_input(self) -> ArterialInput:
        """The artery's curve, corrected for partial volume."""
        return ArterialInput(
            self.clock, self.artery.hu * self.partial_volume, self.artery.arrival_s
        )
