"""How a network's input looks as a whole, to compare with the scans that it learned from."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from node.perfusion.model_input import ModelInput
from node.perfusion.sampling import MIN_POINTS, Clock
from node.perfusion.timing import imaged_points
from node.perfusion.vessel_voxels import Shape

# Ranges are read from some hundred scans: what lies beyond their ends by less than this part of
# them is hardly another kind of scan.
TOLERANCE = 0.1
# Brain before contrast, whatever the calibration; bone and air beside it are not.
TISSUE_HU = (15.0, 60.0)


@dataclass(frozen=True)
class Feature:
    """What a feature is called, its unit, and the digits worth reading."""

    name: str
    unit: str
    digits: int

    def said(self, value: float) -> str:
        """A value with its unit."""
        return f"{value:.{self.digits}f}{self.unit}"


FEATURES: Mapping[str, Feature] = MappingProxyType(
    {
        "vein_peak_hu": Feature("the vein's peak", " HU", 0),
        "vein_fwhm_s": Feature("the width of the vein's bolus", " s", 0),
        "vein_lag_s": Feature("the vein's lag behind the artery", " s", 1),
        "artery_to_vein": Feature("the artery's peak over the vein's", "", 2),
        "tissue_to_vein": Feature("the brain's peak over the vein's", "", 3),
        "tissue_hu": Feature("the brain before contrast", " HU", 0),
        "noise_hu": Feature("noise on the network's pixels", " HU", 1),
        "imaged_s": Feature("the time imaged from the network's first point", " s", 0),
        "interval_s": Feature("the time between images", " s", 1),
        "slice_mm": Feature("the distance between slices", " mm", 1),
    }
)
"""The features of an input by their keys, as a model's manifest names them."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network is given of one scan, and how that was sampled.

    Parameters
    ----------
    enhancement, baseline_hu, vessels_hu
        As in :class:`ModelInput`, of any float type.
    step_s
        Time between the enhancement's points [s].
    interval_s, slice_mm
        Of the scan: between images of one slice [s], between slices [mm].
    """

    enhancement: NDArray[np.floating]
    baseline_hu: NDArray[np.floating]
    vessels_hu: NDArray[np.float32]
    step_s: float
    interval_s: float
    slice_mm: float

    @classmethod
    def of(cls, prepared: ModelInput) -> "Seen":
        """What a prepared scan shows a network."""
        return cls(
            prepared.enhancement,
            prepared.baseline_hu,
            prepared.vessels_hu,
            prepared.grid.interval_s,
            prepared.scan.interval_s,
            prepared.scan.spacing_mm[0],
        )


def features(seen: Seen) -> dict[str, float]:
    """The features of an input, by the keys of :data:`FEATURES`.

    Parameters
    ----------
    seen
        The input. Without vessels or tissue in it, what they would tell is left out.
    """
    points = imaged_points(seen.enhancement)
    found = {
        "imaged_s": points * seen.step_s,
        "interval_s": seen.interval_s,
        "slice_mm": seen.slice_mm,
    }
    curves = _tissue(seen, points)
    if curves.shape[1]:
        found |= {"noise_hu": _noise(curves), "tissue_hu": _resting(seen)}
    vessels = seen.vessels_hu[:, :points]
    if vessels.shape[1] >= MIN_POINTS and np.all(np.ptp(vessels, axis=1) > 0):
        artery, vein = (float(peak) for peak in vessels.max(axis=1))
        shape = Shape.of(vessels.T, Clock(0.0, seen.step_s, vessels.shape[1]))
        found |= {
            "vein_peak_hu": vein,
            "vein_fwhm_s": float(shape.fwhm_s[1]),
            "vein_lag_s": float(shape.half_rise_s[1] - shape.half_rise_s[0]),
            "artery_to_vein": artery / vein,
        }
        if curves.shape[1]:
            found["tissue_to_vein"] = float(np.median(curves, axis=1).max()) / vein
    return found


def unfamiliar(
    found: Mapping[str, float], familiar: Mapping[str, tuple[float, float]]
) -> tuple[str, ...]:
    """What lies outside of its range by more than :data:`TOLERANCE` of it, in words.

    Parameters
    ----------
    found
        Features of an input.
    familiar
        Range of each; what has none is not asked about.
    """
    words = []
    for key, feature in FEATURES.items():
        if key not in found or key not in familiar:
            continue
        low, high = familiar[key]
        if not -TOLERANCE * (high - low) <= found[key] - low <= (1 + TOLERANCE) * (high - low):
            value, least, most = (feature.said(number) for number in (found[key], low, high))
            words.append(f"{feature.name} is {value} (known: {least} to {most})")
    return tuple(words)


def _inside(seen: Seen) -> NDArray[np.bool_]:
    """(Z, H, W) bool, tissue; every second row and column is plenty."""
    low, high = TISSUE_HU
    baseline = seen.baseline_hu[:, ::2, ::2]
    inside: NDArray[np.bool_] = (baseline > low) & (baseline < high)
    return inside


def _tissue(seen: Seen, points: int) -> NDArray[np.float32]:
    """(points, V) curves of the tissue [HU]."""
    curves = np.moveaxis(seen.enhancement[:, :points, ::2, ::2], 1, 0)
    return curves[:, _inside(seen)].astype(np.float32)


def _resting(seen: Seen) -> float:
    return float(np.median(seen.baseline_hu[:, ::2, ::2][_inside(seen)].astype(np.float32)))


def _noise(curves: NDArray[np.float32]) -> float:
    """Noise of a pixel [HU], from second differences over time less the tissue's common bend."""
    bends = np.diff(curves, n=2, axis=0)
    bends -= np.median(bends, axis=1, keepdims=True)
    return float(1.4826 * np.median(np.abs(bends)) / np.sqrt(6.0))
