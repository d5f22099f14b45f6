"""Quality flags: what a reader must know about a scan before trusting its maps."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from node.perfusion.arterial import MIN_VENOUS_LAG_S, find_inputs
from node.perfusion.enhancement import frames_before
from node.perfusion.flag import Grade, QualityFlag
from node.perfusion.input_functions import InputFunctions
from node.perfusion.lesion import Lesion, parenchyma
from node.perfusion.maps import PerfusionMaps
from node.perfusion.model_input import ModelInput
from node.perfusion.motion import Motion
from node.perfusion.quantities import Quantity
from node.perfusion.trust import of_network
from node.refusals import Refusal

MIN_COVERAGE_MM = 40.0
MIN_BASELINE_FRAMES = 2
MIN_ARTERY_HU = 15.0
MIN_VEIN_HU = 60.0
MAX_LAST_TO_PEAK = 0.4
# 1.6 times the common width of the venous curve, 13 s.
MIN_AFTER_ARRIVAL_S = 21.0
MAX_INTERVAL_S = 3.5
# SCIENCE.md section 4 allows 15 HU a voxel at 0.45 mm and 5 mm; averaging two by two pixels
# of a CT kernel's correlated noise (lag-1 correlation 0.75) leaves 0.8 of it.
MAX_NOISE_HU = 12.0
MAX_MISSING_FRACTION = 0.1
# Above it the artery is small against a voxel and its curve mostly a guess (SCIENCE.md section 2).
MAX_VEIN_TO_ARTERY_RATIO = 2.5
# 19 of 20 patients are below (SCIENCE.md section 3).
MAX_ARTERY_FWHM_S = 19.0
MAX_MOVED_MM = 2.0
MAX_TURNED_DEG = 1.0
MAX_EXCLUDED_FRACTION = 0.1


def assess(
    prepared: ModelInput,
    maps: PerfusionMaps,
    lesion: Lesion,
    inputs: InputFunctions | Refusal | None = None,
    motion: Motion | None = None,
    familiar: Mapping[str, tuple[float, float]] = MappingProxyType({}),
) -> tuple[QualityFlag, ...]:
    """What a reader must know before trusting the maps, most serious first.

    Every flag names what was measured and the threshold it crossed (SCIENCE.md section 4).

    Parameters
    ----------
    prepared, maps, lesion
        What was analysed, and what came of it.
    inputs
        What :func:`find_inputs` says of the prepared scan, where it was asked already; else it
        is asked here.
    motion
        How the head moved, where it was asked.
    familiar
        Between which values the features of the scans lay that the network learned from.
    """
    if inputs is None:
        inputs = find_inputs(prepared.scan, prepared.brain, prepared.arrival_s)
    flags = (
        _no_bolus_in_vessels(prepared),
        _no_normal_tissue(lesion),
        _no_baseline(prepared),
        _truncated(prepared),
        _coverage(maps),
        _sampling(prepared),
        _noise(prepared),
        _missing(prepared),
        *_of_motion(motion),
        *_of_vessels(inputs, maps),
        *of_network(prepared, maps, lesion, familiar),
    )
    found = [flag for flag in flags if flag is not None]
    return tuple(sorted(found, key=lambda flag: flag.grade is not Grade.FAIL))


def noise_hu(prepared: ModelInput) -> float:
    """Noise of a voxel of one image on the scan's grid, brought to 5 mm slices [HU].

    From second differences over time, in which slow enhancement cancels; every fourth pixel
    is plenty.
    """
    inside = prepared.brain[:, ::4, ::4]
    curves = prepared.scan.hu[:, :, ::4, ::4][:, inside]
    if not curves.size or len(curves) < 3:
        return 0.0
    bends = np.abs(np.diff(curves, n=2, axis=0))
    thickness_mm = prepared.scan.spacing_mm[0]
    return float(1.4826 * np.median(bends) / np.sqrt(6.0) * np.sqrt(thickness_mm / 5.0))


def _no_bolus_in_vessels(prepared: ModelInput) -> QualityFlag | None:
    if not prepared.vessels_hu.size:
        return None
    artery, vein = (float(peak) for peak in prepared.vessels_hu.max(axis=1))
    if artery >= MIN_ARTERY_HU and vein >= MIN_VEIN_HU:
        return None
    found = (
        f"weak bolus: artery {artery:.0f} HU (at least {MIN_ARTERY_HU:.0f} HU), "
        f"vein {vein:.0f} HU (at least {MIN_VEIN_HU:.0f} HU)"
    )
    return QualityFlag("weak_bolus", Grade.CAUTION, found)


def _no_normal_tissue(lesion: Lesion) -> QualityFlag | None:
    if lesion.normal_cbf > 0:
        return None
    return QualityFlag(
        "no_normal_tissue", Grade.FAIL, "no tissue with normal perfusion to compare the core with"
    )


def _no_baseline(prepared: ModelInput) -> QualityFlag | None:
    before = frames_before(prepared.scan.time_s, prepared.arrival_s)
    fewest = int(before.sum(axis=0).min())
    if fewest >= MIN_BASELINE_FRAMES:
        return None
    found = f"{fewest} images before contrast (at least {MIN_BASELINE_FRAMES})"
    return QualityFlag("no_baseline", Grade.CAUTION, found)


def _truncated(prepared: ModelInput) -> QualityFlag | None:
    """The vein's level at the scan's last image, or too early an end."""
    after_s = float(prepared.scan.time_s.max()) - prepared.arrival_s
    if after_s < MIN_AFTER_ARRIVAL_S:
        found = (
            f"the scan ends {after_s:.0f} s after contrast arrived "
            f"(at least {MIN_AFTER_ARRIVAL_S:.0f} s)"
        )
        return QualityFlag("truncation", Grade.CAUTION, found)
    if not prepared.vessels_hu.size:
        return None
    vein = prepared.vessels_hu[1]
    # The curve is held level after the last image, so its last sample is the scan's last.
    ratio = float(vein[-2:].mean() / max(float(vein.max()), 1e-6))
    # Recirculation alone leaves up to 0.38 of the peak (SCIENCE.md section 3).
    if ratio <= MAX_LAST_TO_PEAK:
        return None
    found = f"the vein ends at {ratio:.0%} of its peak (at most {MAX_LAST_TO_PEAK:.0%})"
    return QualityFlag("truncation", Grade.CAUTION, found)


def _coverage(maps: PerfusionMaps) -> QualityFlag | None:
    coverage_mm = maps.brain.shape[0] * maps.spacing_mm[0]
    if coverage_mm >= MIN_COVERAGE_MM:
        return None
    found = f"the scan covers {coverage_mm:.0f} mm (at least {MIN_COVERAGE_MM:.0f} mm)"
    return QualityFlag("coverage", Grade.CAUTION, found)


def _sampling(prepared: ModelInput) -> QualityFlag | None:
    interval_s = prepared.scan.interval_s
    if interval_s <= MAX_INTERVAL_S:
        return None
    found = f"one image every {interval_s:.1f} s (at most {MAX_INTERVAL_S:.1f} s)"
    return QualityFlag("sampling", Grade.CAUTION, found)


def _noise(prepared: ModelInput) -> QualityFlag | None:
    noise = noise_hu(prepared)
    if noise <= MAX_NOISE_HU:
        return None
    found = f"noise of {noise:.0f} HU at 5 mm (at most {MAX_NOISE_HU:.0f} HU)"
    return QualityFlag("noise", Grade.CAUTION, found)


def _missing(prepared: ModelInput) -> QualityFlag | None:
    missing = prepared.scan.missing
    if not missing.any():
        return None
    share = float(missing.mean())
    found = f"{int(missing.sum())} of {missing.size} images are missing and were interpolated"
    grade = Grade.FAIL if share > MAX_MISSING_FRACTION else Grade.CAUTION
    return QualityFlag("missing_images", grade, found)


def _of_vessels(
    inputs: InputFunctions | Refusal, maps: PerfusionMaps
) -> tuple[QualityFlag | None, ...]:
    """What is to be known about the artery and the vein that a deconvolution would start from."""
    if isinstance(inputs, Refusal):
        return (QualityFlag("no_artery", Grade.CAUTION, inputs.found),)
    late = _late_artery(inputs, maps)
    return _wide_bolus(inputs), late, _no_vein(inputs), _partial_volume(inputs)


def _late_artery(inputs: InputFunctions, maps: PerfusionMaps) -> QualityFlag | None:
    """Tissue peaks after the artery that feeds it, or what was found is no artery."""
    tissue = parenchyma(maps)
    if not tissue.any():
        return None
    clock, artery = inputs.clock, inputs.artery
    artery_s = clock.start_s + clock.interval_s * int(artery.hu.argmax()) - artery.arrival_s
    tissue_s = float(np.median(maps[Quantity.TTP][tissue]))
    if artery_s < tissue_s:
        return None
    found = (
        f"the artery peaks {artery_s:.0f} s after contrast arrives (tissue after {tissue_s:.0f} s)"
    )
    return QualityFlag("late_artery", Grade.CAUTION, found)


def _wide_bolus(inputs: InputFunctions) -> QualityFlag | None:
    width_s = inputs.artery.fwhm_s
    if width_s <= MAX_ARTERY_FWHM_S:
        return None
    found = f"the artery's bolus is {width_s:.0f} s wide (at most {MAX_ARTERY_FWHM_S:.0f} s)"
    return QualityFlag("wide_bolus", Grade.CAUTION, found)


def _no_vein(inputs: InputFunctions) -> QualityFlag | None:
    if inputs.vein is not None:
        return None
    found = (
        f"no vein fills at least {MIN_VENOUS_LAG_S:.0f} s after the artery "
        f"of {inputs.artery.peak_hu:.0f} HU: its partial volume is not known"
    )
    return QualityFlag("no_vein", Grade.CAUTION, found)


def _partial_volume(inputs: InputFunctions) -> QualityFlag | None:
    ratio = inputs.partial_volume
    if ratio <= MAX_VEIN_TO_ARTERY_RATIO:
        return None
    found = (
        f"the vein's area is {ratio:.1f} times the artery's "
        f"(at most {MAX_VEIN_TO_ARTERY_RATIO:g} times): the artery is small against a voxel"
    )
    return QualityFlag("partial_volume", Grade.CAUTION, found)


def _of_motion(motion: Motion | None) -> tuple[QualityFlag, ...]:
    """Movement beyond what leaves no trace, corrected or not."""
    if motion is None:
        return ()
    if not motion.measured:
        found = "movement of the head is not known: 0 of its poses could be measured, without skull"
        return (QualityFlag("motion_unknown", Grade.CAUTION, found),)
    excluded, frames = int(motion.excluded.sum()), len(motion.excluded)
    moved_mm, turned_deg = motion.most_mm, motion.most_deg
    if moved_mm <= MAX_MOVED_MM and turned_deg <= MAX_TURNED_DEG and not excluded:
        return ()
    found = (
        f"the head moved by {moved_mm:.1f} mm (at most {MAX_MOVED_MM:.0f} mm) and turned by "
        f"{turned_deg:.1f}° (at most {MAX_TURNED_DEG:.0f}°) and was brought back; "
        f"{excluded} of {frames} time points could not be and were left out"
    )
    grade = Grade.FAIL if excluded > MAX_EXCLUDED_FRACTION * frames else Grade.CAUTION
    return (QualityFlag("motion", grade, found),)
