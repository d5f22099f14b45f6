from dataclasses import replace

import numpy as np
import pytest

from node.perfusion import DynamicCt, ModelGrid, ModelInput, prepare
from node.refusals import Refusal, RefusalCode
from tests.support.phantom import ARRIVAL_S
from tests.support.science import GRID, prepared_of, scan_of, with_hu


def test_contrast_is_found_when_it_arrives() -> None:
    """The arrival found lies within one frame of the bolus' first rise."""
    prepared = prepared_of(scan_of())
    assert prepared.arrival_s == pytest.approx(ARRIVAL_S + 0.5, abs=2.0)


@pytest.mark.parametrize("noise_hu", [0.0, 4.0, 12.0])
def test_arrival_hardly_moves_with_noise(noise_hu: float) -> None:
    """Noise of a quarter dose moves the arrival by less than a second."""
    quiet, noisy = (prepared_of(scan_of(noise_hu=n)).arrival_s for n in (0.0, noise_hu))
    assert noisy == pytest.approx(quiet, abs=1.0)


def test_the_input_begins_a_fixed_time_before_arrival_whatever_the_clock() -> None:
    """A scan whose clock starts elsewhere gives the very same input."""
    scan = scan_of()
    later = replace(scan, time_s=scan.time_s + 100.0)
    one, other = prepared_of(scan), prepared_of(later)
    np.testing.assert_allclose(one.enhancement, other.enhancement, atol=1e-3)
    assert other.arrival_s - one.arrival_s == pytest.approx(100.0, abs=1e-6)


def test_slices_with_their_own_times_give_the_same_curves() -> None:
    """A shuttle's second slab, sampled later, lands on the same time grid as the first."""
    together = prepared_of(scan_of(noise_hu=0.0, interval_s=1.0, frames=50))
    apart = prepared_of(scan_of(noise_hu=0.0, interval_s=1.0, frames=50, slab_offset_s=0.5))
    strong = together.enhancement.max(axis=1) > 5.0
    moved = np.abs(together.enhancement - apart.enhancement).max(axis=1)[strong]
    height = together.enhancement.max(axis=1)[strong]
    assert np.median(moved / height) < 0.08


def test_contrast_twice_as_strong_gives_twice_the_enhancement() -> None:
    """Enhancement is linear in contrast, arrival and baseline stay."""
    scan = scan_of(noise_hu=0.0)
    resting = scan.hu[:1]
    double = with_hu(scan, resting + 2.0 * (scan.hu - resting))
    one, two = prepared_of(scan), prepared_of(double)
    assert two.arrival_s == pytest.approx(one.arrival_s, abs=0.3)
    np.testing.assert_allclose(two.vessels_hu.max(axis=1), 2 * one.vessels_hu.max(axis=1), rtol=0.1)
    np.testing.assert_allclose(two.baseline_hu, one.baseline_hu, atol=1.0)


def test_a_faster_scan_is_averaged_and_so_less_noisy() -> None:
    """Four frames to a grid interval leave about half the noise of one."""
    noise = []
    for interval_s, frames in ((2.0, 25), (0.5, 100)):
        prepared = prepared_of(scan_of(noise_hu=8.0, interval_s=interval_s, frames=frames))
        quiet = prepared_of(scan_of(noise_hu=0.0, interval_s=interval_s, frames=frames))
        middle = slice(4, 20)
        difference = prepared.enhancement[:, middle] - quiet.enhancement[:, middle]
        noise.append(float(np.median(np.abs(difference[quiet.enhancement[:, middle] != 0]))))
    assert noise[1] < 0.75 * noise[0]


def test_the_model_grid_is_padded_to_its_multiple() -> None:
    """Rows and columns are multiples, whatever the head's size."""
    grid = replace(GRID, multiple=16)
    assert all(n % 16 == 0 for n in prepared_of(scan_of(), grid).enhancement.shape[2:])


def test_pixels_coarser_than_the_models_are_prepared_as_well() -> None:
    """A scan of 6 mm pixels goes onto a 1.8 mm grid without holes."""
    prepared = prepared_of(scan_of(rows=32, pixel_mm=6.25), ModelGrid(32, 2.0, 1.8, 16))
    assert np.isfinite(prepared.enhancement).all()
    assert prepared.enhancement.max() > 50


def _constant(scan: DynamicCt) -> DynamicCt:
    return with_hu(scan, np.broadcast_to(scan.hu[:1], scan.shape))


def _noise_only(scan: DynamicCt) -> DynamicCt:
    rng = np.random.default_rng(0)
    return with_hu(scan, scan.hu[:1] + 8.0 * rng.standard_normal(scan.shape))


def _air(scan: DynamicCt) -> DynamicCt:
    return with_hu(scan, np.full(scan.shape, -1000.0))


def _not_a_number(scan: DynamicCt) -> DynamicCt:
    hu = scan.hu.copy()
    hu[3, 1, 20, 20] = np.nan
    return with_hu(scan, hu)


def _sparse(scan: DynamicCt) -> DynamicCt:
    return replace(scan, time_s=scan.time_s * 4.0)


def _cut_short(scan: DynamicCt) -> DynamicCt:
    kept = scan.time_s[:, 0] < ARRIVAL_S + 9.0
    return DynamicCt(scan.hu[kept], scan.time_s[kept], scan.spacing_mm, scan.missing[kept])


@pytest.mark.parametrize(
    ("spoilt", "code"),
    [
        (_constant, RefusalCode.NO_BOLUS),
        (_noise_only, RefusalCode.NO_BOLUS),
        (_air, RefusalCode.NO_BRAIN),
        (_not_a_number, RefusalCode.UNREADABLE_PIXELS),
        (_sparse, RefusalCode.TOO_SPARSE),
        (_cut_short, RefusalCode.TOO_SHORT),
    ],
)
def test_what_cannot_be_analysed_is_refused_with_its_reason(spoilt, code: RefusalCode) -> None:
    """Each kind of unusable scan has its own refusal, with what was found and a remedy."""
    refusal = prepare(spoilt(scan_of()), GRID)
    assert isinstance(refusal, Refusal)
    assert refusal.code is code
    assert refusal.found
    assert refusal.remedy


def test_a_scan_that_starts_in_the_bolus_is_prepared_all_the_same() -> None:
    """Without a baseline the first frame stands in; a flag, not a refusal, says so."""
    scan = scan_of(frames=30)
    late = scan.time_s[:, 0] > ARRIVAL_S + 3.0
    cut = DynamicCt(scan.hu[late], scan.time_s[late], scan.spacing_mm, scan.missing[late])
    assert isinstance(prepare(cut, GRID), ModelInput)


def test_vessels_are_told_apart() -> None:
    """The artery's curve peaks before the vein's, and both are large."""
    artery, vein = prepared_of(scan_of()).vessels_hu
    assert np.argmax(artery) < np.argmax(vein)
    assert artery.max() > 150
    assert vein.max() > 150


def test_a_moving_head_upsets_neither_arrival_nor_vessels() -> None:
    """Bone that moves into a voxel is not taken for contrast."""
    still = scan_of(rows=128, pixel_mm=1.6, noise_hu=1.0)
    hu = still.hu.copy()
    for frame in range(hu.shape[0] // 2, hu.shape[0]):
        hu[frame] = np.roll(hu[frame], 1 + frame % 2, axis=-1)
    one, other = prepared_of(still), prepared_of(with_hu(still, hu))
    assert other.arrival_s == pytest.approx(one.arrival_s, abs=1.0)
    np.testing.assert_allclose(other.vessels_hu.max(axis=1), one.vessels_hu.max(axis=1), rtol=0.35)
