"""A simulated scan is repeatable, and its truth is consistent with itself."""

import dataclasses

import numpy as np
import pytest

from models.simulator import ACQUISITIONS, DEMO_SEED, PATHOLOGIES, Acquisition, simulate
from models.simulator.residue import RHO_OVER_KH
from node.perfusion import Quantity

SMALL = Acquisition.regular("small", slices=4, frames=12, interval_s=3.0).at(48)
QUIET = dataclasses.replace(SMALL, noise_hu=0.0)


@pytest.fixture(scope="module")
def stroke():
    return simulate(DEMO_SEED, SMALL)


def test_the_same_seed_gives_the_same_scan(stroke):
    """A scan is named by its seed and its acquisition."""
    again = simulate(DEMO_SEED, SMALL)
    assert np.array_equal(again.scan.hu, stroke.scan.hu)
    assert np.array_equal(again.truth.core, stroke.truth.core)
    other = simulate(DEMO_SEED + 1, SMALL)
    assert not np.array_equal(other.scan.hu, stroke.scan.hu)


def test_the_patient_does_not_depend_on_the_sampling(stroke):
    """Another scheme scans the same patient: maps and masks stay."""
    faster = Acquisition.regular("faster", slices=4, frames=40, interval_s=1.0).at(48)
    truth = simulate(DEMO_SEED, faster).truth
    for quantity in Quantity:
        assert np.allclose(truth.maps[quantity], stroke.truth.maps[quantity], atol=0.02)
    assert np.array_equal(truth.hypoperfusion, stroke.truth.hypoperfusion)


def test_attenuation_is_whole_hu_in_a_scanners_range(stroke):
    """A scanner stores integers from -1024 HU."""
    hu = stroke.scan.hu
    assert hu.dtype == np.float32
    assert np.array_equal(hu, np.rint(hu))
    assert hu.min() >= -1024
    assert hu.max() <= 3071


def test_the_maps_obey_the_central_volume_theorem(stroke):
    """MTT = 60 CBV/CBF and Tmax = delay + MTT/2, everywhere in the brain; 0 outside."""
    truth = stroke.truth
    brain, maps = truth.masks.brain, truth.maps
    cbf, cbv, mtt = (maps[q][brain] for q in (Quantity.CBF, Quantity.CBV, Quantity.MTT))
    assert np.allclose(cbf * mtt, 60.0 * cbv, rtol=1e-4)
    assert np.allclose(maps[Quantity.TMAX][brain], truth.delay_s[brain] + mtt / 2, atol=1e-4)
    for values in maps.values():
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        assert not values[~brain].any()


@pytest.mark.parametrize("seed", range(4))
def test_the_lesion_follows_the_rule_from_the_truth_maps(seed):
    """Tmax > 6 s in parenchyma; in it CBF < 30 % of the less affected half's healthy mean."""
    truth = simulate(seed, SMALL, pathology="stroke").truth
    cbf, tmax = truth.maps[Quantity.CBF], truth.maps[Quantity.TMAX]
    parenchyma, left = truth.masks.parenchyma, truth.masks.left
    late = parenchyma & (tmax > 6.0)
    spared = left if (late & left).sum() < (late & ~left).sum() else ~left
    normal = cbf[parenchyma & spared & ~late].mean()
    assert np.array_equal(truth.hypoperfusion, late)
    assert np.array_equal(truth.core, late & (cbf < 0.3 * normal))
    assert truth.normal_cbf == pytest.approx(normal)
    assert truth.core_ml == pytest.approx(truth.core.sum() * 5.0 * 4.8**2 / 1000)


def test_tissue_is_perfused_as_in_people():
    """Grey and white matter away from a lesion lie in SCIENCE.md section 3's ranges."""
    truth = simulate(5, SMALL, pathology="none").truth
    grey, white = truth.masks.grey, truth.masks.white
    cbf, cbv, mtt = (truth.maps[q] for q in (Quantity.CBF, Quantity.CBV, Quantity.MTT))
    assert 40 < np.median(cbf[grey]) < 70
    assert 17 < np.median(cbf[white]) < 35
    assert 2.5 < np.median(cbv[grey]) < 5.5
    assert 1.4 < np.median(cbv[white]) < 3.0
    assert 3.3 < np.median(mtt[grey]) < 6.0
    assert not truth.hypoperfusion.any()


def test_the_area_under_a_measured_curve_gives_the_true_blood_volume():
    """What the scan shows is what its truth says."""
    long = Acquisition.regular("long", slices=3, frames=110, interval_s=2.0).at(48)
    made = simulate(5, dataclasses.replace(long, noise_hu=0.0), pathology="none")
    grey, truth = made.truth.masks.grey, made.truth
    curve = made.scan.hu[:, grey].mean(axis=1)
    time_s = made.scan.time_s[:, 0]
    artery = np.interp(time_s, truth.curves.time_s, truth.curves.aif_hu)
    cbv = 100.0 / RHO_OVER_KH * (curve - curve[0]).sum() / artery.sum()
    assert cbv == pytest.approx(float(truth.maps[Quantity.CBV][grey].mean()), rel=0.05)


def test_nothing_enhances_before_the_contrast_arrives():
    """Frames before arrival are the baseline."""
    made = simulate(DEMO_SEED, QUIET)
    before = made.scan.time_s[:, 0] < made.truth.arrival_s
    assert before.sum() >= 2
    assert np.ptp(made.scan.hu[before], axis=0).max() == 0
    assert 4.0 <= made.truth.arrival_s <= 16.0


def test_the_noise_in_the_brain_is_what_the_acquisition_says():
    """Two baseline frames differ by noise alone, at the native pixel by noise_hu."""
    native = Acquisition("native", 1, 5.0, 256, 0.45, (0.0, 1.0), noise_hu=9.0)
    made = simulate(DEMO_SEED, native)
    brain = made.truth.masks.brain
    difference = made.scan.hu[1][brain] - made.scan.hu[0][brain]
    assert difference.std() / np.sqrt(2) == pytest.approx(9.0, rel=0.04)


def test_a_head_that_moves_starts_at_rest_and_stays_within_reach():
    """Motion is off by default; asked for, it is stored with the truth."""
    moving = simulate(DEMO_SEED, dataclasses.replace(QUIET, motion_mm=2.0))
    still = simulate(DEMO_SEED, QUIET)
    assert not still.truth.motion.any()
    assert not moving.truth.motion[0].any()
    assert np.abs(moving.truth.motion).max() == pytest.approx(2.0)
    assert np.array_equal(moving.scan.hu[0], still.scan.hu[0])
    assert not np.array_equal(moving.scan.hu[-1], still.scan.hu[-1])


@pytest.mark.parametrize("pathology", PATHOLOGIES)
def test_every_pathology_can_be_asked_for(pathology):
    """What was asked is what is simulated."""
    truth = simulate(2, SMALL, pathology=pathology).truth
    assert truth.pathology == pathology
    assert (truth.side != "") == (pathology not in ("none", "low_output"))


def test_a_stroke_lies_on_the_side_it_names(stroke):
    """The affected half holds the hypoperfusion."""
    truth = stroke.truth
    on_left = (truth.hypoperfusion & truth.masks.left).sum() / truth.hypoperfusion.sum()
    assert on_left > 0.95 if truth.side == "left" else on_left < 0.05


def test_an_unknown_pathology_is_refused():
    """A typing error must not become a healthy patient."""
    with pytest.raises(ValueError, match="no pathology 'strok'"):
        simulate(0, SMALL, pathology="strok")


def test_the_demo_patient_has_a_clear_stroke():
    """Core 15-60 ml and hypoperfusion 60-150 ml on the standard slices, arteries in the slab."""
    standard = dataclasses.replace(ACQUISITIONS["standard"].at(96), frame_times_s=(0.0, 2.0))
    truth = simulate(DEMO_SEED, standard).truth
    assert truth.pathology == "mca"
    assert 15 < truth.core_ml < 60
    assert 60 < truth.hypoperfusion_ml < 150
    assert truth.masks.arteries.sum() * truth.voxel_ml > 2
    assert truth.masks.veins.sum() * truth.voxel_ml > 5
