from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from node.perfusion import LesionThresholds, PerfusionMaps, Quantity, find_lesion, parenchyma
from node.perfusion.lesion import EXPECTED_ERRORS, left_half
from tests.support.science import maps_of

SHAPE = (6, 64, 64)
RULE = LesionThresholds()


def _box(rows: slice, columns: slice) -> NDArray[np.bool_]:
    box = np.zeros(SHAPE, bool)
    box[1:5, rows, columns] = True
    return box


SLOW = _box(slice(20, 44), slice(12, 26))
POOR = _box(slice(26, 36), slice(14, 22))
ML = 5.0 * 2.0 * 2.0 / 1000.0


def _maps(slow: NDArray[np.bool_] = SLOW, poor: NDArray[np.bool_] = POOR, **rest: object):
    tmax = np.where(slow, 9.0, 3.0) + np.where(poor, 3.0, 0.0)
    return maps_of(tmax, np.where(poor, 8.0, 40.0), **rest)


def test_core_and_hypoperfusion_have_the_volumes_they_were_given() -> None:
    """Tmax above 6 s and CBF below 30 % of normal are counted voxel by voxel."""
    lesion = find_lesion(_maps(), RULE)
    assert lesion.hypoperfusion_ml == pytest.approx(SLOW.sum() * ML)
    assert lesion.core_ml == pytest.approx(POOR.sum() * ML)
    assert lesion.normal_cbf == pytest.approx(40.0)
    assert lesion.hypoperfusion_intensity_ratio == pytest.approx(POOR.sum() / SLOW.sum())
    assert not (lesion.core & ~lesion.hypoperfusion).any()


def test_the_threshold_table_counts_what_other_software_counts() -> None:
    """At the default limits it has the lesion's volumes; elsewhere the voxels beyond the limit."""
    cbf = np.where(POOR, 14.0, 40.0)  # 35 % of normal
    tmax = np.where(SLOW, 7.0, 3.0) + np.where(POOR, 2.0, 0.0)
    lesion = find_lesion(maps_of(tmax, cbf), RULE)
    slow_ml, poor_ml = SLOW.sum() * ML, POOR.sum() * ML
    assert lesion.tmax_above_ml == pytest.approx({4: slow_ml, 6: slow_ml, 8: poor_ml, 10: 0.0})
    assert lesion.rcbf_below_ml == pytest.approx({0.2: 0.0, 0.3: 0.0, 0.34: 0.0, 0.38: poor_ml})
    assert lesion.tmax_above_ml[RULE.tmax_s] == lesion.hypoperfusion_ml
    assert lesion.rcbf_below_ml[RULE.rcbf] == lesion.core_ml


def test_low_flow_without_delay_is_no_core() -> None:
    """The core is counted inside the hypoperfusion only."""
    tmax = np.full(SHAPE, 3.0)
    lesion = find_lesion(maps_of(tmax, np.where(POOR, 5.0, 40.0)), RULE)
    assert lesion.core_ml == 0
    assert lesion.hypoperfusion_intensity_ratio is None
    assert lesion.mismatch_ratio is None


def test_normal_flow_is_the_other_hemispheres() -> None:
    """Low flow on the ill side does not lower what counts as normal."""
    cbf = np.where(np.arange(64) < 32, 20.0, 50.0) * np.ones(SHAPE)
    lesion = find_lesion(maps_of(np.where(SLOW, 9.0, 3.0), cbf), RULE)
    assert lesion.normal_cbf == pytest.approx(50.0, abs=0.5)


def test_vessels_and_fluid_are_left_out() -> None:
    """A voxel with much blood, or as dark as fluid, is no parenchyma."""
    cbv = np.where(_box(slice(28, 30), slice(16, 18)), 20.0, 3.0)
    dark = np.where(_box(slice(36, 44), slice(12, 26)), 2.0, 35.0)
    lesion = find_lesion(_maps(cbv=cbv, baseline_hu=dark), RULE)
    assert not lesion.hypoperfusion[2, 28, 16]
    assert not lesion.hypoperfusion[2, 42, 20]
    assert lesion.hypoperfusion[2, 24, 20]


def test_specks_are_dropped() -> None:
    """What is smaller than a millilitre is noise, and can be asked for."""
    speck = _box(slice(30, 34), slice(40, 44))
    assert speck.sum() * ML < 1.5
    both = SLOW | speck
    kept = find_lesion(_maps(both), LesionThresholds(min_lesion_ml=0.0))
    dropped = find_lesion(_maps(both), LesionThresholds(min_lesion_ml=1.5))
    assert kept.hypoperfusion_ml == pytest.approx(both.sum() * ML)
    assert dropped.hypoperfusion_ml == pytest.approx(SLOW.sum() * ML)


def test_a_brain_that_is_all_slow_has_no_normal_flow() -> None:
    """Without normal tissue the core cannot be told, and none is claimed."""
    lesion = find_lesion(maps_of(np.full(SHAPE, 9.0), np.full(SHAPE, 5.0)), RULE)
    assert lesion.normal_cbf == 0
    assert lesion.core_ml == 0


def test_an_empty_brain_has_no_lesion() -> None:
    """Maps without a brain give volumes of nought, not an error."""
    maps = maps_of(np.zeros(SHAPE), np.zeros(SHAPE))
    empty = type(maps)(
        {q: np.zeros(SHAPE, np.float32) for q in maps.values},
        np.zeros(SHAPE, bool),
        maps.baseline_hu,
        maps.spacing_mm,
        maps.estimator,
    )
    assert find_lesion(empty, RULE).hypoperfusion_ml == 0


@pytest.mark.parametrize("turn_deg", [-20.0, 0.0, 20.0])
def test_a_turned_head_is_still_parted_into_hemispheres(turn_deg: float) -> None:
    """The midline follows the head's longer axis."""
    y, x = np.mgrid[-1:1:96j, -1:1:96j]
    angle = np.deg2rad(turn_deg)
    along, across = (
        y * np.cos(angle) - x * np.sin(angle),
        y * np.sin(angle) + x * np.cos(angle),
    )
    brain = ((along / 0.9) ** 2 + (across / 0.7) ** 2 <= 1)[None]
    left = left_half(brain)
    assert ((left == (across < 0)) & brain).sum() > 0.97 * brain.sum()


def _doubtful(lesion_maps: PerfusionMaps, tmax_s: float, cbf: float) -> PerfusionMaps:
    """Maps whose voxels share such errors."""
    errors = {Quantity.TMAX: tmax_s, Quantity.CBF: cbf}
    doubt = {q: np.full(SHAPE, error / EXPECTED_ERRORS, np.float32) for q, error in errors.items()}
    return replace(lesion_maps, uncertainty=doubt)


def test_without_expected_errors_the_volumes_have_no_range() -> None:
    """An estimator that does not know its errors leaves the range open."""
    assert find_lesion(_maps(), RULE).range_ml is None


def test_errors_that_cross_no_threshold_leave_the_volumes_settled() -> None:
    """Slow voxels have 9 s, others 3 s: an error of 2 s moves none of them across 6 s."""
    lesion = find_lesion(_doubtful(_maps(), 2.0, 3.0), RULE)
    assert lesion.range_ml is not None
    assert lesion.range_ml.hypoperfusion_ml == (lesion.hypoperfusion_ml, lesion.hypoperfusion_ml)
    assert lesion.range_ml.core_ml == (lesion.core_ml, lesion.core_ml)


def test_voxels_within_their_error_of_a_threshold_are_in_the_most_alone() -> None:
    """An error of 4 s and 5 ml/100 g/min: slow voxels may be normal, and core may be none."""
    lesion = find_lesion(_doubtful(_maps(), 4.0, 5.0), RULE)
    assert lesion.range_ml is not None
    tissue_ml = float(parenchyma(_maps()).sum()) * ML
    # With their core, slow voxels have 12 s: these stay above 6 s.
    assert lesion.range_ml.hypoperfusion_ml == pytest.approx((POOR.sum() * ML, tissue_ml))
    assert lesion.range_ml.core_ml == pytest.approx((0.0, lesion.core_ml))


def test_an_estimator_that_knows_the_parenchyma_is_believed() -> None:
    """Neither blood volume nor attenuation then decide: a sulcus it names is left out."""
    sulcus = _box(slice(28, 30), slice(16, 18))
    likely = np.where(sulcus, 0.2, 0.9).astype(np.float32)
    dark = np.where(_box(slice(36, 44), slice(12, 26)), 2.0, 35.0)
    maps = replace(_maps(baseline_hu=dark), parenchyma=likely)
    np.testing.assert_array_equal(parenchyma(maps), maps.brain & ~sulcus)
    np.testing.assert_array_equal(find_lesion(maps, RULE).hypoperfusion, SLOW & ~sulcus)


@given(st.floats(0.0, 8.0), st.floats(0.0, 30.0))
@settings(max_examples=20, deadline=None)
def test_the_volumes_lie_within_their_range(tmax_s: float, cbf: float) -> None:
    """Whatever the expected errors are."""
    lesion = find_lesion(_doubtful(_maps(), tmax_s, cbf), RULE)
    assert lesion.range_ml is not None
    least, most = lesion.range_ml.hypoperfusion_ml
    assert least <= lesion.hypoperfusion_ml <= most
    least, most = lesion.range_ml.core_ml
    assert least <= lesion.core_ml <= most
