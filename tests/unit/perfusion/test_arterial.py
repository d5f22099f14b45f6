"""Artery and vein are found where they are, on every kind of scan."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from models.simulator import ACQUISITIONS, SimulatedScan, simulate
from node.perfusion import DynamicCt, InputFunctions, ModelGrid, ModelInput, find_inputs, prepare
from node.perfusion.timing import find_arrival
from node.refusals import Refusal, RefusalCode
from tests.support.science import prepared_of, scan_of, with_hu

GRID = ModelGrid(time_points=32, interval_s=2.0, pixel_mm=3.6, multiple=8)
CASES = [
    (1, "standard", None),
    (2, "shuttle", "mca"),
    (3, "fast", None),
    (4, "wide", "low_output"),
    (5, "sparse", "aca"),
    (6, "shuttle", "none"),
    (108, "sparse", "none"),  # a bolus 20 s wide
    (116, "sparse", "mca", 0.25),
    (101, "wide", "stenosis", 0.25),
]


@cache
def _found(
    seed: int, scheme: str, pathology: str | None, dose: float = 1.0
) -> tuple[SimulatedScan, InputFunctions]:
    acquisition = dataclasses.replace(ACQUISITIONS[scheme].at(128), slices=8, dose=dose)
    simulated = simulate(seed, acquisition, pathology=pathology)
    prepared = prepare(simulated.scan, GRID)
    assert isinstance(prepared, ModelInput), prepared
    inputs = find_inputs(simulated.scan, prepared.brain, prepared.arrival_s)
    assert isinstance(inputs, InputFunctions), inputs
    return simulated, inputs


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_artery_lies_in_an_artery_and_begins_when_contrast_arrives(case):
    """Nine voxels in ten are arterial; the arrival is right to 2 s."""
    simulated, inputs = _found(*case)
    artery, truth = inputs.artery, simulated.truth
    assert (artery.site & truth.masks.arteries).sum() >= 0.9 * artery.site.sum()
    assert artery.site.sum() >= 3
    assert artery.arrival_s == pytest.approx(truth.arrival_s, abs=2.0)
    assert artery.peak_hu > 5 * artery.noise_hu


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_vein_lies_in_a_vein_and_fills_later(case):
    """The vein is later than the artery, and venous."""
    simulated, inputs = _found(*case)
    vein = inputs.vein
    assert vein is not None
    assert (vein.site & simulated.truth.masks.veins).sum() >= 0.9 * vein.site.sum()
    assert vein.half_rise_s >= inputs.artery.half_rise_s + 2.0


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_veins_area_corrects_the_arterys_partial_volume(case):
    """The corrected artery's area is the true one's within a fifth."""
    simulated, inputs = _found(*case)
    truth, clock = simulated.truth.curves, inputs.clock
    true = np.interp(clock.times_s, truth.time_s, truth.aif_hu)
    assert inputs.partial_volume >= 1.0
    assert inputs.arterial_input.hu.sum() == pytest.approx(true.sum(), rel=0.2)


def test_a_smaller_artery_is_corrected_by_more():
    """An artery that shows a third of its enhancement is scaled up by the vein's area."""
    scan = scan_of()
    prepared = prepared_of(scan)
    whole = find_inputs(scan, prepared.brain, prepared.arrival_s)
    assert isinstance(whole, InputFunctions)
    column = ndimage.binary_dilation(whole.artery.site.any(axis=0), iterations=4)
    weak, rest = scan.hu.copy(), scan.hu[:1, :, column]
    weak[:, :, column] = rest + 0.3 * (weak[:, :, column] - rest)
    inputs = find_inputs(with_hu(scan, weak), prepared.brain, prepared.arrival_s)
    assert isinstance(inputs, InputFunctions)
    assert inputs.partial_volume > 2.0 * whole.partial_volume


def test_more_contrast_finds_the_same_vessels():
    """Scaling all enhancement moves no site and scales both curves."""
    scan = scan_of()
    prepared = prepared_of(scan)
    more = with_hu(scan, scan.hu[:1] + 1.5 * (scan.hu - scan.hu[:1]))
    one, other = (find_inputs(s, prepared.brain, prepared.arrival_s) for s in (scan, more))
    assert isinstance(one, InputFunctions)
    assert isinstance(other, InputFunctions)
    assert np.array_equal(one.artery.site, other.artery.site)
    assert other.artery.hu == pytest.approx(1.5 * one.artery.hu, rel=0.05, abs=1.0)
    assert other.partial_volume == pytest.approx(one.partial_volume, rel=0.02)


def _noise(shape: tuple[int, ...]) -> np.ndarray:
    return 40.0 + np.random.default_rng(3).normal(0.0, 5.0, shape)


@pytest.mark.parametrize(
    "hu", [lambda shape: np.full(shape, 40.0), _noise], ids=["constant", "noise"]
)
def test_a_scan_without_a_bolus_has_no_artery(hu):
    """Nothing rises and falls: a refusal that says what was looked for."""
    scan = scan_of()
    still = with_hu(scan, hu(scan.shape))
    brain = prepared_of(scan).brain
    with np.errstate(all="raise", under="ignore"):
        answer = find_inputs(still, brain, find_arrival(still.hu, still.time_s, brain).time_s)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.NO_BOLUS
    assert "no artery was found" in answer.found


def test_an_empty_brain_has_no_artery():
    """Where there is nowhere to look nothing is found."""
    scan = scan_of()
    answer = find_inputs(scan, np.zeros(scan.shape[1:], bool), 8.0)
    assert isinstance(answer, Refusal)


def test_what_is_no_scan_of_this_brain_is_an_error():
    """Values that are not finite and a brain of another grid are named."""
    scan = scan_of()
    brain = np.ones(scan.shape[1:], bool)
    broken = scan.hu.copy()
    broken[0, 0, 0, 0] = np.inf
    with pytest.raises(ValueError, match="not finite"):
        find_inputs(with_hu(scan, broken), brain, 8.0)
    with pytest.raises(ValueError, match="not on the scan's grid"):
        find_inputs(scan, brain[:, 1:], 8.0)


@pytest.mark.parametrize(("frames", "why"), [(1, "1 frames"), (5, "5 times")])
def test_a_scan_too_short_to_show_a_bolus_is_refused(frames: int, why: str):
    """Too few time points are a verdict about the scan, with their number."""
    scan = scan_of()
    short = DynamicCt(
        scan.hu[:frames], scan.time_s[:frames], scan.spacing_mm, scan.missing[:frames]
    )
    answer = find_inputs(short, np.ones(scan.shape[1:], bool), 8.0)
    assert isinstance(answer, Refusal)
    assert (answer.code, why in answer.found) == (RefusalCode.TOO_FEW_FRAMES, True)
