"""The curves that are kept for people: tissue on the vessels' clock, from each slice's times."""

import numpy as np
import pytest

from node.perfusion import Clock, DynamicCt, InputFunctions, VesselCurve, time_courses
from node.refusals import Refusal, RefusalCode

ARRIVAL_S = 8.0
NO_ARTERY = Refusal(RefusalCode.NO_BOLUS, "no artery was found", "Check the contrast.")


def passage(time_s: np.ndarray) -> np.ndarray:
    """Enhancement [HU] that begins after the arrival."""
    return 10.0 * np.clip((time_s - ARRIVAL_S) / 6.0, 0.0, 1.0)


def scan(frames: int = 20, shift_s: float = 0.0) -> DynamicCt:
    """Two slices of 30 and 50 HU that enhance alike, the second imaged later by a shift."""
    time_s = 2.0 * np.arange(frames)[:, None] + np.array([0.0, shift_s])
    hu = np.array([30.0, 50.0]) + passage(time_s)
    whole = np.broadcast_to(hu[..., None, None], (frames, 2, 8, 8)).astype(np.float32)
    return DynamicCt(whole.copy(), time_s, (5.0, 1.0, 1.0), np.zeros((frames, 2), bool))


@pytest.mark.parametrize("shift_s", [0.0, 1.3])
def test_the_tissues_mean_is_on_the_clock(shift_s: float) -> None:
    """Slices with times of their own and other attenuation give one curve above baseline."""
    kept = time_courses(scan(shift_s=shift_s), np.ones((2, 8, 8), bool), ARRIVAL_S, NO_ARTERY)
    assert kept is not None
    assert kept.inputs is None
    assert kept.arrival_s == ARRIVAL_S
    expected = passage(kept.clock.times_s)
    assert np.abs(kept.tissue_hu - expected).max() < 1.2
    assert kept.tissue_hu[-1] == pytest.approx(10.0, abs=1e-3)


def test_the_vessels_clock_is_the_tissues() -> None:
    """Where an artery was found, all curves share its times."""
    clock = Clock(0.0, 1.0, 30)
    artery = VesselCurve(np.ones(30), np.zeros((2, 8, 8), bool), 1.0, 8.0, 8.0, 9.0, 0.1)
    inputs = InputFunctions(clock, artery, None, 1.0)
    kept = time_courses(scan(), np.ones((2, 8, 8), bool), ARRIVAL_S, inputs)
    assert kept is not None
    assert kept.clock is clock
    assert kept.inputs is inputs
    assert kept.tissue_hu.shape == (30,)


def test_without_tissue_the_curve_is_level() -> None:
    """No tissue divides by nothing."""
    kept = time_courses(scan(), np.zeros((2, 8, 8), bool), ARRIVAL_S, NO_ARTERY)
    assert kept is not None
    assert not kept.tissue_hu.any()


def test_too_short_a_scan_has_no_curves() -> None:
    """Fewer points than show a bolus are no clock."""
    assert time_courses(scan(frames=3), np.ones((2, 8, 8), bool), 0.0, NO_ARTERY) is None
