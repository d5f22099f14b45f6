"""A scan in, the network's input out: the very same code feeds training and serving."""

import numpy as np
import scipy
from numpy.typing import NDArray

from node.perfusion.brain import find_brain
from node.perfusion.dynamic import DynamicCt
from node.perfusion.enhancement import baseline_weights
from node.perfusion.model_input import LEAD_S, ModelGrid, ModelInput
from node.perfusion.pixels import Window, to_model, window_around
from node.perfusion.timing import Arrival, find_arrival, to_grid
from node.perfusion.vessels import vessel_curves
from node.refusals import Refusal, RefusalCode

MIN_BRAIN_ML = 40.0
MIN_RISE_HU = 5.0
MIN_RISE_TO_NOISE = 6.0
MIN_AFTER_ARRIVAL_S = 12.0
MAX_INTERVAL_S = 6.0
# The sagittal and transverse sinuses lie just outside the brain mask, against the skull.
RIM_MM = 4.0
# Arrival and vessels are read where a head that moves by 2 mm changes nothing.
INTERIOR_MM = 5.0
OFF_BONE_MM = 3.6
BONE_HU = 200.0
MIN_REGION_PIXELS = 50
AIR_HU = -1000.0


def prepare(scan: DynamicCt, grid: ModelGrid) -> ModelInput | Refusal:
    """The network's input for a scan, or the reason why there can be none.

    Finds the brain, averages to the model's pixels, finds when contrast arrives, takes the
    baseline off and brings every slice from its own times to one time grid that begins
    :data:`LEAD_S` before the arrival.

    Parameters
    ----------
    scan
        Of any frame count and sampling; slices may have different times.
    grid
        The grid the model wants.

    Returns
    -------
    ModelInput or Refusal
        ``NO_BRAIN``, ``NO_BOLUS``, ``TOO_SPARSE``, ``TOO_SHORT`` or ``UNREADABLE_PIXELS``.
    """
    if refusal := _unusable(scan):
        return refusal
    brain = find_brain(_resting(scan.hu), scan.spacing_mm)
    if refusal := _brainless(brain, scan.voxel_ml):
        return refusal
    rim = _with_rim(brain, scan.spacing_mm)
    window = window_around(rim > 0, scan.spacing_mm, grid.pixel_mm)
    curves = to_model(scan.hu, window)
    inside = to_model(brain.astype(np.float32), window) > 0.5
    arrival = find_arrival(curves, scan.time_s, _interior(inside, grid.pixel_mm))
    if refusal := _bolusless(arrival, scan):
        return refusal
    return _assembled(scan, grid, brain, (curves, to_model(rim, window) > 0.5), window, arrival)


def _unusable(scan: DynamicCt) -> Refusal | None:
    """A refusal for what no later step could make sense of."""
    # One sum over all pixels is finite only if each of them is.
    if not np.isfinite(scan.hu.sum()):
        bad = int((~np.isfinite(scan.hu)).sum())
        return Refusal(
            RefusalCode.UNREADABLE_PIXELS,
            found=f"{bad} pixel values are not finite",
            remedy="Send the series again from the scanner.",
        )
    if scan.shape[0] < 3:
        return Refusal(
            RefusalCode.TOO_FEW_FRAMES,
            found=f"the series has {scan.shape[0]} time points",
            remedy="Send a CT perfusion series with its full course over time.",
        )
    if scan.interval_s > MAX_INTERVAL_S:
        return Refusal(
            RefusalCode.TOO_SPARSE,
            found=f"one image every {scan.interval_s:.1f} s, the limit is {MAX_INTERVAL_S:.1f} s",
            remedy="Acquire CT perfusion with an image at least every 3.5 s.",
        )
    return None


def _resting(hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture with least contrast: each voxel's lowest mean over a third of the scan.

    A mean has little noise, and whenever the scan began, vessels that are full of contrast in
    one third are emptier in another.
    """
    thirds = [third.mean(axis=0) for third in np.array_split(hu, 3)]
    resting: NDArray[np.float32] = np.minimum.reduce(thirds)
    return resting


def _interior(brain: NDArray[np.bool_], pixel_mm: float) -> NDArray[np.bool_]:
    """The brain well inside the skull, where a moving head brings no bone into a voxel."""
    size = 2 * round(INTERIOR_MM / pixel_mm) + 1
    interior: NDArray[np.bool_] = scipy.ndimage.minimum_filter(brain, size=(1, size, size))
    return interior if interior.sum() >= MIN_REGION_PIXELS else brain


def _off_bone(
    region: NDArray[np.bool_], resting_hu: NDArray[np.float32], pixel_mm: float
) -> NDArray[np.bool_]:
    """The region without what lies so near bone that movement would bring it in."""
    size = 2 * round(OFF_BONE_MM / pixel_mm) + 1
    clear: NDArray[np.bool_] = region & (
        scipy.ndimage.maximum_filter(resting_hu, size=(1, size, size)) < BONE_HU
    )
    return clear if clear.sum() >= MIN_REGION_PIXELS else region


def _brainless(brain: NDArray[np.bool_], voxel_ml: float) -> Refusal | None:
    brain_ml = float(brain.sum()) * voxel_ml
    if brain_ml >= MIN_BRAIN_ML:
        return None
    return Refusal(
        RefusalCode.NO_BRAIN,
        found=f"{brain_ml:.0f} ml of brain were found, {MIN_BRAIN_ML:.0f} ml are needed",
        remedy="Send a CT perfusion series of the head.",
    )


def _bolusless(arrival: Arrival, scan: DynamicCt) -> Refusal | None:
    needed = max(MIN_RISE_HU, MIN_RISE_TO_NOISE * arrival.noise_hu)
    if arrival.rise_hu < needed:
        return Refusal(
            RefusalCode.NO_BOLUS,
            found=f"the strongest vessels rise by {arrival.rise_hu:.1f} HU, "
            f"{needed:.1f} HU are needed to tell contrast from noise",
            remedy="Check that contrast was given and that the scan ran during its passage.",
        )
    after_s = float(scan.time_s.max()) - arrival.time_s
    if after_s < MIN_AFTER_ARRIVAL_S:
        return Refusal(
            RefusalCode.TOO_SHORT,
            found=f"the series ends {after_s:.0f} s after contrast arrived",
            remedy="Acquire for at least 40 s after contrast arrives.",
        )
    return None


def _with_rim(
    brain: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.float32]:
    """The brain and the rim around it, where the sinuses run, as 0 and 1."""
    steps = [round(RIM_MM / spacing) for spacing in spacing_mm[1:]]
    size = (1, 2 * steps[0] + 1, 2 * steps[1] + 1)
    rim: NDArray[np.float32] = scipy.ndimage.maximum_filter(brain.astype(np.float32), size=size)
    return rim


def _assembled(
    scan: DynamicCt,
    grid: ModelGrid,
    brain: NDArray[np.bool_],
    on_model: tuple[NDArray[np.float32], NDArray[np.bool_]],
    window: Window,
    arrival: Arrival,
) -> ModelInput:
    """The model's input from curves and rim on the model's pixels."""
    curves, rim = on_model
    weights = baseline_weights(scan.time_s, arrival.time_s)
    baseline = np.einsum("tz,tzhw->zhw", weights, curves)
    start_s = arrival.time_s - LEAD_S
    onto = to_grid(curves - baseline, scan.time_s, start_s, grid.interval_s, grid.time_points)
    clear = _off_bone(rim, _resting(curves), grid.pixel_mm)
    vessels = vessel_curves(onto, clear, grid.interval_s)
    onto *= rim[:, None]
    return ModelInput(
        enhancement=_padded(onto, grid.multiple, 0.0),
        baseline_hu=_padded(np.where(rim, baseline, AIR_HU), grid.multiple, AIR_HU),
        brain=brain,
        scan_baseline_hu=np.einsum("tz,tzyx->zyx", weights, scan.hu),
        scan=scan,
        arrival_s=arrival.time_s,
        grid=grid,
        origin_px=window.first,
        vessels_hu=vessels,
    )


def _padded(planes: NDArray[np.float32], multiple: int, value: float) -> NDArray[np.float32]:
    """Planes (..., H, W) with H and W brought up to a multiple."""
    widths = [(0, 0)] * (planes.ndim - 2) + [(0, -n % multiple) for n in planes.shape[-2:]]
    return np.pad(planes, widths, constant_values=value).astype(np.float32)
