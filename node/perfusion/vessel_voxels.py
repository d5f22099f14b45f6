"""The voxels that may be vessels: where contrast rises most, and how."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from node.perfusion.dynamic import DynamicCt
from node.perfusion.flanks import rises
from node.perfusion.sampling import Clock

# SCIENCE.md section 2: arteries are among the highest 5 %. The first choice is wider, since
# it is made before the median filter.
HIGHEST_FRACTION = 0.05
FIRST_FRACTION = 0.15
MIN_VOXELS = 60
# Vessels are looked for on pixels of about this size: smaller ones only add noise.
PIXEL_MM = 0.9
# The sinuses run just outside the brain, against the skull.
RIM_MM = 4.0
BONE_HU = 200.0
# A head that moves by that much brings no bone into the voxels looked at.
OFF_BONE_MM = 3.6
KERNEL = (0.25, 0.5, 0.25)
# A bolus leaves the baseline hardly below it; a voxel that a moving head brings bone or air
# into steps and dips.
MAX_DIP = 0.25
MAX_LEFT = 0.85
HIGHEST_HU = 700.0
# Of x^3 exp(3 (1 - x)): x = 0.46 at half its height and 0.28 at a fifth; 0.46 / (0.46 - 0.28).
ONSET = 2.6


@dataclass(frozen=True, eq=False)
class Shape:
    """When and how wide (N, V) curves are, each (V,) float64 [s] on the scan's clock."""

    half_rise_s: NDArray[np.float64]
    arrival_s: NDArray[np.float64]
    fwhm_s: NDArray[np.float64]

    @classmethod
    def of(cls, curves: NDArray[np.floating], clock: Clock) -> "Shape":
        """Read off the flanks of each curve's highest peak.

        The arrival is extrapolated from the rise between 20 and 50 % of the height, as a gamma
        variate of the usual shape (t^3 exp(-t)) begins: earlier than the eye sees it. A flank
        that the scan does not show ends with the scan.
        """
        top = curves.argmax(axis=0)
        height = curves.max(axis=0)
        half = rises(curves, top, 0.5 * height)
        low = rises(curves, top, 0.2 * height)
        fall = (len(curves) - 1) - rises(curves[::-1], len(curves) - 1 - top, 0.5 * height)
        arrival = np.maximum(half - (half - low) * ONSET, 0.0)
        step, start = clock.interval_s, clock.start_s
        return cls(start + step * half, start + step * arrival, step * (fall - half))


@dataclass(frozen=True, eq=False)
class Candidates:
    """The strongest enhancers, V of them.

    Parameters
    ----------
    curves
        (N, V) float32 [HU] on the scan's clock, unfiltered.
    place
        (3, V) voxel of each on the search grid.
    factor
        How many of the scan's pixels one of the search grid's spans.
    height_hu, half_rise_s, fwhm_s
        (V,) float64, read off the filtered curves.
    """

    curves: NDArray[np.float32]
    place: NDArray[np.intp]
    factor: int
    height_hu: NDArray[np.float64]
    half_rise_s: NDArray[np.float64]
    fwhm_s: NDArray[np.float64]

    def only(self, which: NDArray[np.bool_]) -> "Candidates":
        """Those that are True."""
        return Candidates(
            self.curves[:, which],
            self.place[:, which],
            self.factor,
            self.height_hu[which],
            self.half_rise_s[which],
            self.fwhm_s[which],
        )

    def clusters(self, voxels: NDArray[np.intp]) -> NDArray[np.intp]:
        """(len(voxels),) number of the connected part, from 1, that each voxel lies in."""
        place = self.place[:, voxels]
        mask = np.zeros(tuple(place.max(axis=1) + 1), bool)
        mask[tuple(place)] = True
        labels, _ = scipy.ndimage.label(mask, structure=np.ones((3, 3, 3)))
        return np.asarray(labels[tuple(place)], np.intp)

    def site(self, voxels: NDArray[np.intp], shape: tuple[int, int, int]) -> NDArray[np.bool_]:
        """(Z, Y, X) bool, the voxels on the scan's own grid."""
        mask = np.zeros(shape, bool)
        for z, y, x in self.place[:, voxels].T * np.array([[1, self.factor, self.factor]]):
            mask[z, y : y + self.factor, x : x + self.factor] = True
        return mask


def strong_voxels(
    scan: DynamicCt, brain: NDArray[np.bool_], clock: Clock, baseline: NDArray[np.float32]
) -> Candidates:
    """The highest 5 % of the voxels in and around the brain that rise and fall once.

    Parameters
    ----------
    scan
        The scan.
    brain
        (Z, Y, X) bool.
    clock
        Where the curves are wanted.
    baseline
        (T, Z) float32, weights of the images before contrast.
    """
    factor = max(1, round(PIXEL_MM / scan.spacing_mm[2]))
    slices = [_slice_curves(scan, brain, clock, baseline, z, factor) for z in range(scan.shape[1])]
    curves = np.concatenate([mine for mine, _ in slices], axis=1)
    region = np.stack([inside for _, inside in slices])
    smooth = scipy.ndimage.convolve1d(curves, KERNEL, axis=0, mode="nearest")
    first = _highest(smooth.max(axis=0), FIRST_FRACTION)
    filtered = _median_filtered(smooth, region, first)
    kept = _highest(filtered.max(axis=0), HIGHEST_FRACTION / FIRST_FRACTION)
    kept = kept[_like_a_bolus(filtered[:, kept])]
    shape = Shape.of(filtered[:, kept], clock)
    return Candidates(
        curves[:, first[kept]],
        np.stack(np.nonzero(region))[:, first[kept]],
        factor,
        filtered[:, kept].max(axis=0).astype(np.float64),
        shape.half_rise_s,
        shape.fwhm_s,
    )


def _slice_curves(
    scan: DynamicCt,
    brain: NDArray[np.bool_],
    clock: Clock,
    baseline: NDArray[np.float32],
    z: int,
    factor: int,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(N, V) enhancement of one slice's brain and rim, and (h, w) where on the search grid."""
    inside = _blocks(brain[None, z].astype(np.float32), factor)[0] > 0
    hu = _blocks(scan.hu[:, z], factor)
    rest = np.tensordot(baseline[:, z], hu, axes=1)
    # The least of three means: vessels full of contrast are no bone.
    resting = np.minimum.reduce([third.mean(axis=0) for third in np.array_split(hu, 3)])
    rim, near = (
        [2 * round(reach / (mm * factor)) + 1 for mm in scan.spacing_mm[1:]]
        for reach in (RIM_MM, OFF_BONE_MM)
    )
    off_bone = scipy.ndimage.maximum_filter(resting, size=near) < BONE_HU
    region = scipy.ndimage.maximum_filter(inside, size=rim) & off_bone
    curves = clock.weights(scan.time_s[:, z]) @ (hu[:, region] - rest[region])
    return curves, region


def _blocks(planes: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """(T, Y, X) averaged over blocks of pixels; what is left over at the edge is dropped."""
    if factor == 1:
        return planes
    frames, rows, columns = planes.shape
    h, w = rows // factor, columns // factor
    cut = planes[:, : h * factor, : w * factor]
    means: NDArray[np.float32] = cut.reshape(frames, h, factor, w, factor).mean(axis=(2, 4))
    return means


def _highest(height: NDArray[np.float32], fraction: float) -> NDArray[np.intp]:
    """Indices of the highest, the highest first."""
    wanted = max(MIN_VOXELS, int(fraction * len(height)))
    return np.argsort(-height, kind="stable")[:wanted]


def _median_filtered(
    curves: NDArray[np.float32], region: NDArray[np.bool_], voxels: NDArray[np.intp]
) -> NDArray[np.float32]:
    """(N, len(voxels)) each voxel's median with its four neighbours in-plane.

    ``curves`` (N, V) are those of ``region`` (Z, h, w); a neighbour outside of it is left to
    the voxel itself.
    """
    number = np.pad(np.where(region, np.cumsum(region).reshape(region.shape), 0) - 1, 1)
    number[0] = number[-1] = number[:, 0] = number[:, -1] = number[:, :, 0] = number[:, :, -1] = -1
    z, y, x = np.stack(np.nonzero(region))[:, voxels] + 1
    around = [number[z, y + dy, x + dx] for dy, dx in ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0))]
    stacked = np.stack([curves[:, np.where(other < 0, voxels, other)] for other in around])
    stacked.partition(2, axis=0)
    middle: NDArray[np.float32] = stacked[2]
    return middle


def _like_a_bolus(curves: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(V,) bool, the curves that rise, fall again and hardly dip below the baseline."""
    height = np.maximum(curves.max(axis=0), np.float32(1e-6))
    plausible: NDArray[np.bool_] = (
        (height < HIGHEST_HU)
        & (curves.min(axis=0) > -MAX_DIP * height)
        & (curves[-3:].mean(axis=0) < MAX_LEFT * height)
    )
    return plausible
