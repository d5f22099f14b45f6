"""Core and hypoperfusion from the maps (SCIENCE.md section 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import scipy
from numpy.typing import NDArray

from node.perfusion.maps import PerfusionMaps
from node.perfusion.quantities import Quantity


@dataclass(frozen=True)
class LesionThresholds:
    """Where hypoperfusion and core begin, and how small a speck is dropped."""

    tmax_s: float = 6.0
    rcbf: float = 0.3
    min_lesion_ml: float = 1.0


@dataclass(frozen=True)
class VolumeRange:
    """Between which volumes [ml] the lesion lies, given the maps' expected errors.

    Parameters
    ----------
    hypoperfusion_ml, core_ml
        The least and the most: as if every voxel were off by :data:`EXPECTED_ERRORS`
        times its expected error, all of them to the same side.
    """

    hypoperfusion_ml: tuple[float, float]
    core_ml: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Lesion:
    """Core and hypoperfusion of one scan.

    Parameters
    ----------
    core, hypoperfusion
        (Z, Y, X) bool; the core lies inside the hypoperfusion.
    core_ml, hypoperfusion_ml
        Their volumes [ml].
    hypoperfusion_intensity_ratio
        V(Tmax > 10 s) / V(Tmax > 6 s), None without hypoperfusion.
    normal_cbf
        The CBF that counted as normal [ml/100 g/min].
    thresholds
        The thresholds used.
    tmax_above_ml, rcbf_below_ml
        The threshold table: volumes [ml] of tissue with Tmax above each of
        :data:`TMAX_LIMITS_S`, and with CBF below each of :data:`RCBF_LIMITS` of normal inside
        the hypoperfusion, by the limit.
    range_ml
        What the volumes may be, where the maps know their errors.
    """

    core: NDArray[np.bool_]
    hypoperfusion: NDArray[np.bool_]
    core_ml: float
    hypoperfusion_ml: float
    hypoperfusion_intensity_ratio: float | None
    normal_cbf: float
    thresholds: LesionThresholds
    tmax_above_ml: Mapping[float, float] = field(default_factory=dict)
    rcbf_below_ml: Mapping[float, float] = field(default_factory=dict)
    range_ml: VolumeRange | None = None

    @property
    def penumbra(self) -> NDArray[np.bool_]:
        """Hypoperfusion without the core, (Z, Y, X) bool."""
        return self.hypoperfusion & ~self.core

    @property
    def mismatch_ml(self) -> float:
        """Hypoperfusion volume less core volume [ml]."""
        return self.hypoperfusion_ml - self.core_ml

    @property
    def mismatch_ratio(self) -> float | None:
        """Hypoperfusion over core volume; None without a core."""
        return self.hypoperfusion_ml / self.core_ml if self.core_ml > 0 else None


# Vessels and cerebrospinal fluid are no parenchyma (SCIENCE.md section 2).
LIKELY_PARENCHYMA = 0.5
VESSEL_CBV_RATIO = 2.5
# Fluid has about 12 HU and tissue 29-35: a voxel of a sulcus that is half of each reads 21.
# Infarcted tissue, up to 8 HU darker, stays above 21.
CSF_HU = 20.0
CSF_SMOOTHING_MM = 1.2
SEVERE_TMAX_S = 10.0
# How many expected errors the least and the most volume are away: the errors of neighbours are
# partly the same, partly cancel. Chosen with python -m models thresholds.
EXPECTED_ERRORS = 1.0
# What other software and trials count by (SCIENCE.md section 2).
TMAX_LIMITS_S = (4.0, 6.0, 8.0, 10.0)
RCBF_LIMITS = (0.2, 0.3, 0.34, 0.38)


def find_lesion(maps: PerfusionMaps, thresholds: LesionThresholds) -> Lesion:
    """Core and hypoperfusion, and the volumes a reader is told.

    Hypoperfusion is parenchyma whose Tmax lies above the threshold; core is the part of it
    whose CBF lies below a fraction of normal, normal being the mean CBF of the less
    hypoperfused hemisphere's parenchyma outside the hypoperfusion. Specks below
    ``min_lesion_ml`` are dropped from both.
    """
    tissue, tmax, cbf = parenchyma(maps), maps[Quantity.TMAX], maps[Quantity.CBF]
    slow = tissue & (tmax > thresholds.tmax_s)
    normal_cbf = _normal_cbf(cbf, tissue, slow)

    def parts(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return without_specks(mask, thresholds.min_lesion_ml, maps.voxel_ml)

    def ml(mask: NDArray[np.bool_]) -> float:
        return float(mask.sum()) * maps.voxel_ml

    hypoperfusion = parts(slow)
    core = parts(hypoperfusion & (cbf < thresholds.rcbf * normal_cbf))
    hypoperfusion_ml = ml(hypoperfusion)
    severe_ml = ml(hypoperfusion & (tmax > SEVERE_TMAX_S))
    low_flow = {limit: hypoperfusion & (cbf < limit * normal_cbf) for limit in RCBF_LIMITS}
    return Lesion(
        core=core,
        hypoperfusion=hypoperfusion,
        core_ml=ml(core),
        hypoperfusion_ml=hypoperfusion_ml,
        hypoperfusion_intensity_ratio=severe_ml / hypoperfusion_ml if hypoperfusion_ml else None,
        normal_cbf=normal_cbf,
        thresholds=thresholds,
        tmax_above_ml={limit: ml(parts(tissue & (tmax > limit))) for limit in TMAX_LIMITS_S},
        rcbf_below_ml={limit: ml(parts(mask)) for limit, mask in low_flow.items()},
        range_ml=_range(maps, tissue, normal_cbf, thresholds),
    )


def _range(
    maps: PerfusionMaps, tissue: NDArray[np.bool_], normal_cbf: float, thresholds: LesionThresholds
) -> VolumeRange | None:
    """The lesion's volumes with Tmax and CBF off by their expected errors, both ways."""
    if not {Quantity.TMAX, Quantity.CBF} <= maps.uncertainty.keys():
        return None
    volumes = []
    for side in (-1, 1):
        tmax, cbf = (
            maps[quantity] + np.float32(sign * side * EXPECTED_ERRORS) * maps.uncertainty[quantity]
            for quantity, sign in ((Quantity.TMAX, 1), (Quantity.CBF, -1))
        )
        small, voxel_ml = thresholds.min_lesion_ml, maps.voxel_ml
        slow = without_specks(tissue & (tmax > thresholds.tmax_s), small, voxel_ml)
        core = without_specks(slow & (cbf < thresholds.rcbf * normal_cbf), small, voxel_ml)
        volumes.append((float(slow.sum()) * voxel_ml, float(core.sum()) * voxel_ml))
    (least, least_core), (most, most_core) = volumes
    return VolumeRange((least, most), (least_core, most_core))


def parenchyma(maps: PerfusionMaps) -> NDArray[np.bool_]:
    """Brain without large vessels and without cerebrospinal fluid, (Z, Y, X) bool.

    Where the estimator does not know, vessels are told by their blood volume and fluid by its
    attenuation.
    """
    if not maps.brain.any():
        return maps.brain
    if maps.parenchyma is not None:
        likely: NDArray[np.bool_] = maps.brain & (maps.parenchyma > LIKELY_PARENCHYMA)
        return likely
    _, dy, dx = maps.spacing_mm
    cbv = maps[Quantity.CBV]
    vessels = cbv > VESSEL_CBV_RATIO * float(np.median(cbv[maps.brain]))
    sigma = (0.0, CSF_SMOOTHING_MM / dy, CSF_SMOOTHING_MM / dx)
    fluid = scipy.ndimage.gaussian_filter(maps.baseline_hu, sigma) < CSF_HU
    tissue: NDArray[np.bool_] = maps.brain & ~vessels & ~fluid
    return tissue


def left_half(brain: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(Z, Y, X) bool, the voxels on the low-column side of the brain's midline.

    The midline runs through the brain's centre along its longer in-plane axis, so that a head
    turned in the plane is still parted into hemispheres.
    """
    _, y, x = np.nonzero(brain)
    centre = np.array([y.mean(), x.mean()]) if len(y) else np.zeros(2)
    along = _longer_axis(y - centre[0], x - centre[1]) if len(y) > 2 else np.array([1.0, 0.0])
    rows = np.arange(brain.shape[1])[:, None] - centre[0]
    columns = np.arange(brain.shape[2])[None, :] - centre[1]
    left: NDArray[np.bool_] = (columns * along[0] - rows * along[1]) < 0
    return np.broadcast_to(left, brain.shape)


def _longer_axis(
    y: NDArray[np.float64], x: NDArray[np.float64], max_tilt: float = 0.6
) -> NDArray[np.float64]:
    """Unit vector (y, x) of the longer axis; along the columns where none is clearly longer."""
    values, vectors = np.linalg.eigh(np.cov(np.stack([y, x])))
    axis = vectors[:, 1] * np.sign(vectors[0, 1] or 1.0)
    clear = values[1] > 1.1 * values[0] and abs(axis[1]) < max_tilt
    return axis if clear else np.array([1.0, 0.0])


def _normal_cbf(
    cbf: NDArray[np.float32], tissue: NDArray[np.bool_], slow: NDArray[np.bool_]
) -> float:
    """Mean CBF of the less hypoperfused hemisphere's tissue outside the slow part."""
    left = left_half(tissue)
    side = left if (slow & left).sum() <= (slow & ~left).sum() else ~left
    sound = tissue & side & ~slow
    sound = sound if sound.any() else tissue & ~slow
    return float(cbf[sound].mean()) if sound.any() else 0.0


def without_specks(mask: NDArray[np.bool_], min_ml: float, voxel_ml: float) -> NDArray[np.bool_]:
    """The mask without its connected parts below a volume (corners connect).

    Parameters
    ----------
    mask
        (Z, Y, X) bool.
    min_ml, voxel_ml
        The volume, and that of a voxel [ml].
    """
    labels, count = scipy.ndimage.label(mask, structure=np.ones((3, 3, 3)))
    if not count:
        return mask
    keep = np.bincount(labels.ravel()) * voxel_ml >= min_ml
    keep[0] = False
    kept: NDArray[np.bool_] = keep[labels]
    return kept
