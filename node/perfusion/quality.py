"""Checks of quality: what a reader must know about a scan before trusting its maps."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from node.perfusion.arterial import find_inputs
from node.perfusion.check import Grade, QualityCheck, Reading, caution_if, gravest_first
from node.perfusion.enhancement import frames_before
from node.perfusion.input_functions import InputFunctions
from node.perfusion.lesion import Lesion
from node.perfusion.maps import PerfusionMaps
from node.perfusion.model_input import ModelInput
from node.perfusion.motion import Motion
from node.perfusion.trust import of_network
from node.perfusion.vessel_checks import of_vessels
from node.refusals import Refusal

MIN_COVERAGE_MM = 40.0
MIN_BASELINE_FRAMES = 2
MIN_ARTERY_HU = 15.0
MIN_VEIN_HU = 60.0
# Recirculation alone leaves up to 0.38 of the peak (SCIENCE.md section 3).
MAX_LAST_TO_PEAK = 0.4
# 1.6 times the common width of the venous curve, 13 s.
MIN_AFTER_ARRIVAL_S = 21.0
MAX_INTERVAL_S = 3.5
# SCIENCE.md section 4 allows 15 HU a voxel at 0.45 mm and 5 mm; averaging two by two pixels
# of a CT kernel's correlated noise (lag-1 correlation 0.75) leaves 0.8 of it.
MAX_NOISE_HU = 12.0
MAX_MISSING_FRACTION = 0.1
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
) -> tuple[QualityCheck, ...]:
    """Every check with what was measured, its threshold and its grade, the gravest first.

    What could not be measured is left out, unless that is itself to be known
    (SCIENCE.md section 4).

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
    checks = (
        _weak_bolus(prepared),
        _normal_tissue(lesion),
        _baseline(prepared),
        _truncation(prepared),
        of_coverage(maps.brain.shape[0] * maps.spacing_mm[0]),
        of_sampling(prepared.scan.interval_s),
        _noise(prepared),
        of_missing(prepared.scan.missing),
        _motion(motion),
        *of_vessels(inputs, maps),
        *of_network(prepared, maps, lesion, familiar),
    )
    return gravest_first(check for check in checks if check is not None)


def of_coverage(coverage_mm: float) -> QualityCheck:
    """How much of the head the slices cover [mm]."""
    reading = Reading("height of the slices", coverage_mm, "mm", f"at least {MIN_COVERAGE_MM:g} mm")
    found = f"the scan covers {coverage_mm:.0f} mm (at least {MIN_COVERAGE_MM:.0f} mm)"
    grade = caution_if(coverage_mm < MIN_COVERAGE_MM)
    return QualityCheck("coverage", grade, found, (reading,))


def of_sampling(interval_s: float) -> QualityCheck:
    """How often a slice is imaged [s]."""
    reading = Reading("time between images", interval_s, "s", f"at most {MAX_INTERVAL_S:g} s")
    found = f"one image every {interval_s:.1f} s (at most {MAX_INTERVAL_S:.1f} s)"
    return QualityCheck("sampling", caution_if(interval_s > MAX_INTERVAL_S), found, (reading,))


def of_missing(missing: NDArray[np.bool_]) -> QualityCheck:
    """How many images never arrived; (T, Z) bool."""
    count, share = int(missing.sum()), float(missing.mean())
    limit = f"at most 0 %, fail above {_percent_missing()}"
    reading = Reading("images missing", 100 * share, "%", limit)
    found = f"{count} of {missing.size} images are missing"
    if not count:
        return QualityCheck("missing_images", Grade.OK, f"{found} (at most 0)", (reading,))
    found += f" and were interpolated (at most 0; not to be relied on above {_percent_missing()})"
    grade = Grade.FAIL if share > MAX_MISSING_FRACTION else Grade.CAUTION
    return QualityCheck("missing_images", grade, found, (reading,))


def noise_hu(prepared: ModelInput) -> float | None:
    """Noise of a voxel of one image on the scan's grid, brought to 5 mm slices [HU].

    From second differences over time, in which slow enhancement cancels; every fourth pixel
    is plenty. None where there is no brain or too little time.
    """
    inside = prepared.brain[:, ::4, ::4]
    curves = prepared.scan.hu[:, :, ::4, ::4][:, inside]
    if not curves.size or len(curves) < 3:
        return None
    bends = np.abs(np.diff(curves, n=2, axis=0))
    thickness_mm = prepared.scan.spacing_mm[0]
    return float(1.4826 * np.median(bends) / np.sqrt(6.0) * np.sqrt(thickness_mm / 5.0))


def _percent_missing() -> str:
    return f"{100 * MAX_MISSING_FRACTION:g} %"


def _weak_bolus(prepared: ModelInput) -> QualityCheck | None:
    if not prepared.vessels_hu.size:
        return None
    artery, vein = (float(peak) for peak in prepared.vessels_hu.max(axis=1))
    found = (
        f"the artery peaks at {artery:.0f} HU (at least {MIN_ARTERY_HU:.0f} HU), "
        f"the vein at {vein:.0f} HU (at least {MIN_VEIN_HU:.0f} HU)"
    )
    grade = caution_if(artery < MIN_ARTERY_HU or vein < MIN_VEIN_HU)
    readings = (
        Reading("the artery's peak", artery, "HU", f"at least {MIN_ARTERY_HU:g} HU"),
        Reading("the vein's peak", vein, "HU", f"at least {MIN_VEIN_HU:g} HU"),
    )
    return QualityCheck("weak_bolus", grade, found, readings)


def _normal_tissue(lesion: Lesion) -> QualityCheck:
    cbf, unit = lesion.normal_cbf, "ml/100 g/min"
    readings = (Reading("CBF of normal tissue", cbf, unit, "above 0"),)
    if cbf > 0:
        found = f"normal tissue has a CBF of {cbf:.0f} {unit} (above 0)"
        return QualityCheck("no_normal_tissue", Grade.OK, found, readings)
    found = "no tissue with normal perfusion to compare the core with"
    return QualityCheck("no_normal_tissue", Grade.FAIL, found, readings)


def _baseline(prepared: ModelInput) -> QualityCheck:
    before = frames_before(prepared.scan.time_s, prepared.arrival_s)
    fewest = int(before.sum(axis=0).min())
    limit = f"at least {MIN_BASELINE_FRAMES}"
    reading = Reading("images of a slice before contrast", fewest, "", limit)
    found = f"{fewest} images before contrast ({limit})"
    grade = caution_if(fewest < MIN_BASELINE_FRAMES)
    return QualityCheck("no_baseline", grade, found, (reading,))


def _truncation(prepared: ModelInput) -> QualityCheck:
    """Too early an end, or the vein's level at the scan's last image."""
    after_s = float(prepared.scan.time_s.max()) - prepared.arrival_s
    limit = f"at least {MIN_AFTER_ARRIVAL_S:.0f} s"
    readings = [Reading("time imaged after contrast arrived", after_s, "s", limit)]
    ends = f"the scan ends {after_s:.0f} s after contrast arrived ({limit})"
    grade, found = caution_if(after_s < MIN_AFTER_ARRIVAL_S), ends
    if prepared.vessels_hu.size:
        vein = prepared.vessels_hu[1]
        # The curve is held level after the last image, so its last sample is the scan's last.
        ratio = float(vein[-2:].mean() / max(float(vein.max()), 1e-6))
        limit = f"at most {100 * MAX_LAST_TO_PEAK:.0f} %"
        readings.append(Reading("the vein's end over its peak", 100 * ratio, "%", limit))
        level = f"the vein ends at {100 * ratio:.0f} % of its peak ({limit})"
        if grade is Grade.OK:
            grade = caution_if(ratio > MAX_LAST_TO_PEAK)
            found = level if grade is Grade.CAUTION else f"{ends}, {level}"
    return QualityCheck("truncation", grade, found, tuple(readings))


def _noise(prepared: ModelInput) -> QualityCheck | None:
    noise = noise_hu(prepared)
    if noise is None:
        return None
    reading = Reading("noise of a voxel at 5 mm", noise, "HU", f"at most {MAX_NOISE_HU:g} HU")
    found = f"noise of {noise:.0f} HU at 5 mm (at most {MAX_NOISE_HU:.0f} HU)"
    return QualityCheck("noise", caution_if(noise > MAX_NOISE_HU), found, (reading,))


def _motion(motion: Motion | None) -> QualityCheck | None:
    """Movement beyond what leaves no trace, corrected or not."""
    if motion is None:
        return None
    frames, excluded = len(motion.excluded), int(motion.excluded.sum())
    if not motion.measured:
        found = "movement of the head is not known: 0 of its poses could be measured, without skull"
        reading = Reading("poses of the head measured", 0.0, "", f"{frames}, one a time point")
        return QualityCheck("motion_unknown", Grade.CAUTION, found, (reading,))
    mm, deg = motion.most_mm, motion.most_deg
    most_mm, most_deg = f"at most {MAX_MOVED_MM:g} mm", f"at most {MAX_TURNED_DEG:g}°"
    allowed = f"at most 0 %, fail above {100 * MAX_EXCLUDED_FRACTION:g} %"
    readings = (
        Reading("the head's movement", mm, "mm", most_mm),
        Reading("its turn", deg, "°", most_deg),
        Reading("time points left out", 100 * excluded / frames, "%", allowed),
    )
    found = f"the head moved by {mm:.1f} mm ({most_mm}) and turned by {deg:.1f}° ({most_deg})"
    if mm <= MAX_MOVED_MM and deg <= MAX_TURNED_DEG and not excluded:
        return QualityCheck("motion", Grade.OK, found, readings)
    found += (
        f" and was brought back; {excluded} of {frames} time points could not be and were left out"
    )
    grade = Grade.FAIL if excluded > MAX_EXCLUDED_FRACTION * frames else Grade.CAUTION
    return QualityCheck("motion", grade, found, readings)
