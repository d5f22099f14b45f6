from dataclasses import replace

import numpy as np
import pytest

from node.perfusion import DynamicCt, Grade, LesionThresholds, ModelInput, assess, find_lesion
from node.perfusion.quality import noise_hu
from tests.support.phantom import ARRIVAL_S
from tests.support.science import maps_of, prepared_of, scan_of, with_hu

GOOD = {"slices": 10}


def _codes(prepared: ModelInput) -> set[str]:
    shape = prepared.brain.shape
    maps = maps_of(np.full(shape, 3.0), np.full(shape, 40.0))
    maps = replace(maps, spacing_mm=prepared.scan.spacing_mm)
    flags = assess(prepared, maps, find_lesion(maps, LesionThresholds()))
    assert all(any(c.isdigit() for c in flag.found) for flag in flags)
    return {flag.code for flag in flags}


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
    """Nothing is said where nothing is wrong."""
    assert _codes(prepared_of(scan_of(**GOOD))) == set()


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
