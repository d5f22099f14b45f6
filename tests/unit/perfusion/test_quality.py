import re
from dataclasses import replace

import numpy as np
import pytest

from node.perfusion import (
    DynamicCt,
    Grade,
    InputFunctions,
    LesionThresholds,
    ModelInput,
    Motion,
    assess,
    find_inputs,
    find_lesion,
    raised,
)
from node.perfusion.quality import noise_hu
from node.refusals import Refusal
from tests.support.phantom import ARRIVAL_S
from tests.support.science import maps_of, phantom_maps, prepared_of, scan_of, with_hu

GOOD = {"slices": 10}


def _codes(prepared: ModelInput) -> set[str]:
    maps = phantom_maps(prepared)
    checks = assess(prepared, maps, find_lesion(maps, LesionThresholds()))
    assert all(any(c.isdigit() for c in check.found) for check in checks)
    return {flag.code for flag in raised(checks)}


def _weak(scan: DynamicCt) -> DynamicCt:
    return with_hu(scan, scan.hu[:1] + 0.15 * (scan.hu - scan.hu[:1]))


def _late(scan: DynamicCt) -> DynamicCt:
    kept = scan.time_s[:, 0] > ARRIVAL_S - 1.0
    return DynamicCt(scan.hu[kept], scan.time_s[kept], scan.spacing_mm, scan.missing[kept])


def _cut(scan: DynamicCt) -> DynamicCt:
    kept = scan.time_s[:, 0] < ARRIVAL_S + 16.0
    return DynamicCt(scan.hu[kept], scan.time_s[kept], scan.spacing_mm, scan.missing[kept])


def _gappy(scan: DynamicCt) -> DynamicCt:
    missing = scan.missing.copy()
    missing[3, 2] = True
    return replace(scan, missing=missing)


def _slower(scan: DynamicCt) -> DynamicCt:
    return replace(scan, time_s=scan.time_s * 1.9)


def test_a_good_scan_has_no_flags() -> None:
    """Nothing is to be known where nothing is wrong."""
    assert _codes(prepared_of(scan_of(**GOOD))) == set()


def test_every_check_of_a_good_scan_tells_its_numbers() -> None:
    """What is ok is told as well: what was measured, and the threshold that it kept."""
    prepared = prepared_of(scan_of(noise_hu=4.0, **GOOD))
    maps = phantom_maps(prepared)
    lesion = find_lesion(maps, LesionThresholds())
    known = {"vein_peak_hu": (50.0, 500.0)}
    checks = assess(prepared, maps, lesion, motion=_moved(0.4, 0.2, 0), familiar=known)
    assert {check.grade for check in checks} == {Grade.OK}
    readings = {str(r) for check in checks for r in check.readings}
    assert "height of the slices: 50 mm (at least 40 mm)" in readings
    assert "the head's movement: 0.4 mm (at most 2 mm)" in readings
    assert "its turn: 0.2° (at most 1°)" in readings
    assert "features out of the range learned, of 1: 0 (at most 0)" in readings
    assert {check.code for check in checks} == {
        *("weak_bolus", "no_normal_tissue", "no_baseline", "truncation", "coverage", "sampling"),
        *("noise", "missing_images", "motion", "no_artery", "wide_bolus", "late_artery"),
        *("no_vein", "partial_volume", "unfamiliar", "disagreement"),
    }
    for check in checks:
        assert check.readings, check.code
        for reading in check.readings:
            assert re.search(r"\d", reading.measured), reading
            assert re.search(r"\d", reading.limit), reading


def test_what_is_not_there_is_no_number() -> None:
    """The lag of a vein that was not found is none, and not 0 s."""
    prepared = prepared_of(scan_of(**GOOD))
    maps = phantom_maps(prepared)
    lesion = find_lesion(maps, LesionThresholds())
    checks = assess(prepared, maps, lesion, _without_vein(_found(prepared)))
    (reading,) = next(check for check in checks if check.code == "no_vein").readings
    assert str(reading) == "the vein's lag behind the artery: none (at least 2 s)"
    assert "partial_volume" not in {check.code for check in checks}


@pytest.mark.parametrize(
    ("spoilt", "code"),
    [
        (_weak, "weak_bolus"),
        (_late, "no_baseline"),
        (_cut, "truncation"),
        (_gappy, "missing_images"),
        (_slower, "sampling"),
    ],
)
def test_every_weakness_of_a_scan_is_named(spoilt, code: str) -> None:
    """A spoilt scan is analysed and carries the flag of what is wrong, with numbers."""
    assert code in _codes(prepared_of(spoilt(scan_of(noise_hu=1.0, **GOOD))))


@pytest.mark.parametrize(
    ("lost", "grade"), [(20, Grade.CAUTION), (30, Grade.FAIL)], ids=["a tenth less", "more"]
)
def test_many_missing_images_are_a_failure(lost: int, grade: Grade) -> None:
    """Above a tenth of the images the maps are not to be relied on."""
    scan = scan_of(noise_hu=1.0, **GOOD)
    missing = scan.missing.copy()
    missing.ravel()[:: missing.size // lost] = True
    prepared = prepared_of(replace(scan, missing=missing))
    maps = phantom_maps(prepared)
    flags = assess(prepared, maps, find_lesion(maps, LesionThresholds()))
    assert [f.grade for f in flags if f.code == "missing_images"] == [grade]


def _found(prepared: ModelInput) -> InputFunctions:
    inputs = find_inputs(prepared.scan, prepared.brain, prepared.arrival_s)
    assert isinstance(inputs, InputFunctions), inputs
    return inputs


def _wide(inputs: InputFunctions) -> InputFunctions:
    return replace(inputs, artery=replace(inputs.artery, fwhm_s=22.4))


def _without_vein(inputs: InputFunctions) -> InputFunctions:
    return replace(inputs, vein=None, partial_volume=1.0)


def _behind(inputs: InputFunctions) -> InputFunctions:
    late = np.roll(inputs.artery.hu, round(20.0 / inputs.clock.interval_s))
    return replace(inputs, artery=replace(inputs.artery, hu=late))


def _small(inputs: InputFunctions) -> InputFunctions:
    return replace(inputs, partial_volume=3.26)


def _without_artery(_: InputFunctions) -> Refusal:
    nothing = np.zeros((1, 4, 4), bool)
    answer = find_inputs(scan_of(slices=1, rows=4), nothing, ARRIVAL_S)
    assert isinstance(answer, Refusal)
    return answer


@pytest.mark.parametrize(
    ("spoilt", "code", "words"),
    [
        (_wide, "wide_bolus", "22 s wide (at most 19 s)"),
        (_behind, "late_artery", "s after contrast arrives (tissue after"),
        (_without_vein, "no_vein", "at least 2 s after the artery"),
        (_small, "partial_volume", "3.3 times the artery's (at most 2.5 times)"),
        (_without_artery, "no_artery", "no artery was found"),
    ],
)
def test_what_is_doubtful_about_artery_and_vein_is_named(spoilt, code: str, words: str) -> None:
    """A flag says what was measured and the threshold; without a weakness there is none."""
    prepared = prepared_of(scan_of(**GOOD))
    maps = phantom_maps(prepared)
    lesion = find_lesion(maps, LesionThresholds())
    sound = _found(prepared)
    assert assess(prepared, maps, lesion, sound) == assess(prepared, maps, lesion)
    assert raised(assess(prepared, maps, lesion)) == ()
    (flag,) = raised(assess(prepared, maps, lesion, spoilt(sound)))
    assert (flag.code, flag.grade) == (code, Grade.CAUTION)
    assert words in flag.found


def test_few_slices_and_much_noise_are_named() -> None:
    """Coverage below 40 mm and noise above the limit are cautions."""
    assert {"coverage", "noise"} <= _codes(prepared_of(scan_of(slices=4, noise_hu=20.0)))


def test_noise_is_measured_as_it_was_made() -> None:
    """Second differences over time give the noise back, enhancement or not."""
    prepared = prepared_of(scan_of(noise_hu=9.0, **GOOD))
    assert noise_hu(prepared) == pytest.approx(9.0, rel=0.15)


def test_the_gravest_flag_comes_first() -> None:
    """A failure stands before cautions."""
    prepared = prepared_of(scan_of(slices=4))
    shape = prepared.brain.shape
    maps = maps_of(np.full(shape, 9.0), np.full(shape, 5.0))
    flags = assess(prepared, maps, find_lesion(maps, LesionThresholds()))
    assert [flag.grade for flag in flags][:2] == [Grade.FAIL, Grade.CAUTION]


def _moved(moved_mm: float, turned_deg: float, excluded: int, *, measured: bool = True) -> Motion:
    """How a head moved in the second of ten frames, some of the last of them beyond repair."""
    frames = np.arange(10)
    return Motion(
        time_s=2.0 * frames,
        reference=0,
        transforms=np.tile(np.eye(4), (10, 1, 1, 1)),
        moved_mm=moved_mm * (frames == 1),
        turned_deg=turned_deg * (frames == 1),
        left_mm=np.zeros(10),
        excluded=frames >= 10 - excluded,
        measured=measured,
    )


@pytest.mark.parametrize(
    ("motion", "expected"),
    [
        (_moved(1.9, 0.9, 0), {}),
        (_moved(2.1, 0.0, 0), {"motion": Grade.CAUTION}),
        (_moved(0.0, 1.1, 0), {"motion": Grade.CAUTION}),
        (_moved(0.0, 0.0, 1), {"motion": Grade.CAUTION}),
        (_moved(0.0, 0.0, 2), {"motion": Grade.FAIL}),
        (_moved(0.0, 0.0, 0, measured=False), {"motion_unknown": Grade.CAUTION}),
    ],
    ids=["still", "moved", "turned", "one left out", "many left out", "not seen"],
)
def test_movement_is_told_with_its_numbers(motion: Motion, expected: dict[str, Grade]) -> None:
    """Above 2 mm or 1 degree, corrected or not, and wherever time points had to be left out."""
    prepared = prepared_of(scan_of(slices=10))
    maps = phantom_maps(prepared)
    lesion = find_lesion(maps, LesionThresholds())
    checks = raised(assess(prepared, maps, lesion, motion=motion))
    flags = [flag for flag in checks if "motion" in flag.code]
    assert {f.code: f.grade for f in flags} == expected
    assert all(any(c.isdigit() for c in f.found) for f in flags)
