"""What is asked for besides a plain scan does what it says, and nothing else."""

import dataclasses

import numpy as np
import pytest

from models.simulator import (
    ACQUISITIONS,
    FAMILIES,
    FURTHER,
    Acquisition,
    Faults,
    Movement,
    Realism,
    SimulatedScan,
    simulate,
)
from models.simulator.bolus import Bolus
from models.simulator.hardening import hardened
from models.simulator.imaging import rotation
from models.simulator.residue import RHO_OVER_KH, TissueTable
from node.perfusion import Quantity

SMALL = Acquisition.regular("small", slices=4, frames=16, interval_s=3.0).at(48)
QUIET = dataclasses.replace(SMALL, noise_hu=0.0)
SEED = 29


def _with(**faults: float) -> SimulatedScan:
    return simulate(SEED, QUIET, realism=Realism(faults=Faults(**faults)))


@pytest.fixture(scope="module")
def plain() -> SimulatedScan:
    return simulate(SEED, QUIET)


def test_an_empty_realism_is_a_plain_scan(plain):
    """What is not asked for is not drawn either: the shipped weights know this simulator."""
    again = simulate(SEED, QUIET, realism=Realism())
    assert np.array_equal(again.scan.hu, plain.scan.hu)
    assert np.array_equal(again.truth.motion, plain.truth.motion)


# --- dispersion and residue functions


def _moments(dispersion_s: float, delay_s: float) -> tuple[float, float, float]:
    """Area, mean time and variance of a tissue curve less the artery's."""
    drawn = Bolus.drawn(np.random.default_rng(3), end_s=200.0)
    bolus = dataclasses.replace(drawn, plateau=0.0, arrival_s=8.0)
    table = TissueTable.of(bolus, np.array([0.0, 1.0, 0.0, 0.0]), dispersion_s)
    at = table.sampled(bolus.time_s)
    curve = at.curves(np.array([4.0], np.float32), np.array([delay_s], np.float32))[0]
    found = []
    for each in (curve, bolus.aif):
        mean = float((bolus.time_s * each).sum() / each.sum())
        spread = float(((bolus.time_s - mean) ** 2 * each).sum() / each.sum())
        found.append((float(each.sum()), mean, spread))
    (area, mean, spread), (area_0, mean_0, spread_0) = found
    return area / area_0, mean - mean_0, spread - spread_0


@pytest.mark.parametrize("dispersion_s", [1.0, 3.0])
def test_dispersion_widens_an_arrival_and_moves_neither_its_mean_nor_its_volume(dispersion_s):
    """CBV and mean delay stay; the variance grows by the square of the exponential's mean."""
    area, mean_s, spread = _moments(dispersion_s, delay_s=6.0)
    plain_area, plain_mean_s, plain_spread = _moments(0.0, delay_s=6.0)
    assert area == pytest.approx(plain_area, rel=0.005)
    assert area == pytest.approx(RHO_OVER_KH, rel=0.005)
    assert mean_s == pytest.approx(plain_mean_s, abs=0.06)
    assert spread - plain_spread == pytest.approx(dispersion_s**2, rel=0.05)


def test_tissue_that_is_in_time_is_not_dispersed():
    """Healthy collaterals do not smear what they bring."""
    assert _moments(3.0, delay_s=0.0) == pytest.approx(_moments(0.0, delay_s=0.0))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_residue_function_can_be_asked_for(family, plain):
    """Another residue function changes curves, never the truth of flow, volume and delay."""
    scan = simulate(SEED, QUIET, residue=family)
    assert scan.residue == family
    assert not np.array_equal(scan.scan.hu, plain.scan.hu)
    for quantity in (Quantity.CBF, Quantity.CBV, Quantity.MTT, Quantity.TMAX):
        assert np.array_equal(scan.truth.maps[quantity], plain.truth.maps[quantity])


# --- faults


def test_a_late_start_leaves_no_baseline(plain):
    """The first image is taken after contrast arrived; curves and truth move together."""
    late = _with(baseline_s=-3.0)
    assert late.truth.arrival_s == pytest.approx(-3.0)
    assert late.scan.time_s.min() == 0.0
    shift_s = plain.truth.arrival_s + 3.0
    now, then = late.truth.curves, plain.truth.curves
    assert np.allclose(
        np.interp(np.arange(0, 30.0), now.time_s, now.aif_hu),
        np.interp(np.arange(0, 30.0) + shift_s, then.time_s, then.aif_hu),
    )
    assert np.allclose(late.truth.maps[Quantity.TTP], plain.truth.maps[Quantity.TTP])


def test_a_truncated_scan_ends_early(plain):
    """No image is later after the arrival than asked; those before it stay what they were."""
    short = _with(kept_s=20.0)
    assert short.scan.time_s.max() <= short.truth.arrival_s + 20.0
    frames = short.scan.shape[0]
    assert frames < plain.scan.shape[0]
    assert np.array_equal(short.scan.hu, plain.scan.hu[:frames])


def test_a_weak_bolus_enhances_in_proportion_and_a_missing_one_not_at_all(plain):
    """Half the contrast, half the enhancement; the truth maps stay."""
    weak, none = _with(bolus=0.5), _with(bolus=0.0)
    grey = plain.truth.masks.grey
    rise, half = (
        s.scan.hu[:, grey].mean(axis=1) - s.scan.hu[0, grey].mean() for s in (plain, weak)
    )
    assert half.max() == pytest.approx(rise.max() / 2, rel=0.05)
    assert np.ptp(none.scan.hu, axis=0).max() == 0
    assert np.array_equal(none.truth.maps[Quantity.CBF], plain.truth.maps[Quantity.CBF])


def test_lost_frames_leave_a_gap(plain):
    """A pass that was never acquired is absent from images and times alike."""
    gappy = _with(lost_frames=0.4)
    kept = np.isin(plain.scan.time_s[:, 0], gappy.scan.time_s[:, 0])
    assert 2 <= kept.sum() < len(kept)
    assert np.array_equal(gappy.scan.hu, plain.scan.hu[kept])
    assert not gappy.scan.missing.any()


def test_lost_images_are_flagged_and_interpolated(plain):
    """What never arrived lies between its neighbours in time; what arrived is untouched."""
    holes = _with(lost_images=0.2)
    missing = holes.scan.missing
    assert 0.05 < missing.mean() < 0.4
    assert not missing[[0, -1]].any()
    assert np.array_equal(holes.scan.hu[~missing], plain.scan.hu[~missing])
    frame, z = (int(index[0]) for index in np.nonzero(missing))
    around = holes.scan.hu[[frame - 1, frame + 1], z]
    if not missing[frame + 1, z]:
        assert np.allclose(holes.scan.hu[frame, z], around.mean(axis=0), atol=1e-3)


@pytest.mark.parametrize(
    "wrong", [{"bolus": 1.5}, {"bolus": -0.1}, {"lost_images": 1.0}, {"lost_frames": -0.1}]
)
def test_impossible_faults_are_refused(wrong):
    """A share beyond all is a programming error."""
    with pytest.raises(ValueError, match="must lie"):
        Faults(**wrong)


# --- movement


def test_heads_move_as_far_as_measured_in_patients():
    """70 % under 2 mm, 20 % 2-5 mm, 10 % more, to 6.5 mm and degrees (SCIENCE.md section 3)."""
    drawn = [Movement.drawn(np.random.default_rng(seed)) for seed in range(800)]
    far = np.array([m.farthest_mm for m in drawn])
    assert (far < 2.0).mean() == pytest.approx(0.7, abs=0.06)
    assert (far > 5.0).mean() == pytest.approx(0.1, abs=0.04)
    assert far.max() <= 6.5
    assert max(m.farthest_deg for m in drawn) <= 6.5
    assert any(m.jumps for m in drawn)


def test_poses_reach_exactly_as_far_as_asked_and_jumps_are_sudden():
    """A drift is gradual; a jump is most of the way between two passes."""
    drift, jump = (
        Movement(4.0, 3.0, jumps).poses(np.random.default_rng(5), 60) for jumps in (0, 1)
    )
    for poses in (drift, jump):
        assert not poses[0].any()
        assert np.linalg.norm(poses[:, [0, 1, 3]], axis=1).max() == pytest.approx(4.0)
        assert np.abs(poses[:, [2, 4, 5]]).max() == pytest.approx(3.0)
    steps = [np.linalg.norm(np.diff(p[:, [0, 1, 3]], axis=0), axis=1).max() for p in (drift, jump)]
    assert steps[1] > 2 * steps[0]


def test_a_head_that_moves_a_slice_up_shows_the_next_slice(monkeypatch):
    """Through-plane movement brings in tissue from the neighbours, from beyond the slab too."""
    up = np.zeros((16, 6))
    up[8:, 3] = 5.0
    monkeypatch.setattr(Movement, "poses", lambda self, rng, frames: up)
    moved = simulate(SEED, QUIET, realism=Realism(movement=Movement(5.0)))
    wide = simulate(SEED, dataclasses.replace(QUIET, slices=6))
    assert np.array_equal(moved.scan.hu[:8], wide.scan.hu[:8, 1:5])
    assert np.abs(moved.scan.hu[8:] - wide.scan.hu[8:, 0:4]).max() <= 1.0
    assert moved.truth.motion.shape == (16, 6)


def test_a_turned_head_is_turned_about_its_middle():
    """A pose's rotation is a rotation: a quarter turn in-plane swaps the axes."""
    quarter = rotation(np.array([0, 0, 90.0, 0, 0, 0]))
    assert np.allclose(quarter @ [0, 0, 1.0], [0, -1.0, 0], atol=1e-12)
    any_pose = rotation(np.array([0, 0, 10.0, 0, 20.0, 30.0]))
    assert np.allclose(any_pose @ any_pose.T, np.eye(3))
    assert np.linalg.det(any_pose) == pytest.approx(1.0)


# --- beam hardening


def test_beam_hardening_is_as_strong_as_asked_and_darkest_between_bones():
    """Two dense bones have a dark band between them (Hounsfield's bar)."""
    hu = np.full((1, 96, 96), 30.0, np.float32)
    y, x = np.mgrid[:96, :96] - 47.5
    brain = np.hypot(y, x) < 40
    hu[0, np.hypot(y, np.abs(x) - 22) < 7] = 1300.0
    added = hardened(hu, brain[None], 3.0, 1.8)[0]
    assert added[brain].std() == pytest.approx(3.0, rel=0.01)
    assert added[brain].mean() == pytest.approx(0.0, abs=0.01)
    between, beside = added[46:50, 40:56].mean(), added[20:24, 40:56].mean()
    assert between < beside - 3.0


def test_a_hardened_scan_has_a_skull_base_and_is_the_same_patient_above(plain):
    """Bone displaces brain below; the truth above stays, and enhancement is not touched."""
    whole = dataclasses.replace(ACQUISITIONS["standard"].at(48), frame_times_s=(0.0, 2.0))
    soft = simulate(SEED, dataclasses.replace(whole, noise_hu=0.0))
    hard = simulate(
        SEED, dataclasses.replace(whole, noise_hu=0.0), realism=Realism(hardening_hu=4.0)
    )
    lost = soft.truth.masks.parenchyma & ~hard.truth.masks.parenchyma
    assert lost[:5].sum() > lost[8:].sum() == 0
    assert np.array_equal(soft.truth.maps[Quantity.CBF][8:], hard.truth.maps[Quantity.CBF][8:])
    added = (hard.scan.hu - soft.scan.hu)[0]
    brain = soft.truth.masks.parenchyma & hard.truth.masks.parenchyma
    assert added[brain].std() > 1.0


# --- further pathologies


@pytest.fixture(scope="module")
def further() -> dict[str, SimulatedScan]:
    whole = dataclasses.replace(ACQUISITIONS["standard"].at(64), frame_times_s=(0.0, 2.0))
    return {name: simulate(4, whole, pathology=name) for name in FURTHER}


def test_further_pathologies_are_asked_for_by_name(further):
    """Each is what it says; only the basilar artery has no side."""
    for name, scan in further.items():
        assert scan.truth.pathology == name
        assert (scan.truth.side == "") == (name == "basilar")


@pytest.mark.parametrize("name", ["oligaemia", "old_infarct", "luxury", "lacunes"])
def test_what_is_no_penumbra_is_hardly_hypoperfused(name, further):
    """Tmax stays under 6 s outside a lacune's few millilitres."""
    assert further[name].truth.hypoperfusion_ml < 8.0


def test_benign_oligaemia_has_less_flow_and_a_tmax_of_4_to_6_s(further):
    """60-80 % of the flow (SCIENCE.md section 3), grey matter of one side against the other."""
    truth = further["oligaemia"].truth
    late = truth.masks.grey & (truth.maps[Quantity.TMAX] > 4.0)
    half = truth.masks.left if truth.side == "left" else ~truth.masks.left
    other = truth.masks.grey & ~half
    assert late.sum() > 100
    assert (late & half).sum() > 0.95 * late.sum()
    cbf = truth.maps[Quantity.CBF]
    assert 0.55 < np.median(cbf[late]) / np.median(cbf[other]) < 0.85


def test_posterior_strokes_keep_to_their_territories(further):
    """A basilar stroke is on both sides and behind; a distal one spares the thalamus' side."""
    basilar = further["basilar"].truth
    on_left = (basilar.hypoperfusion & basilar.masks.left).sum() / basilar.hypoperfusion.sum()
    assert 0.3 < on_left < 0.7
    for name in ("pca_proximal", "pca_distal", "basilar", "cerebellar"):
        rows = np.nonzero(further[name].truth.hypoperfusion)[1]
        assert np.median(rows) > 32
    low = np.nonzero(further["cerebellar"].truth.hypoperfusion)[0]
    assert np.median(low) < 6


def test_an_old_infarct_is_fluid_and_luxury_perfusion_is_dark_with_much_flow(further):
    """Old tissue has gone; reopened tissue has more blood than its neighbours."""
    healthy = simulate(4, further["luxury"].acquisition, pathology="none")
    old, luxury = further["old_infarct"], further["luxury"]
    gained = old.truth.masks.csf & ~healthy.truth.masks.csf
    assert gained.sum() * old.truth.voxel_ml > 2.0
    ratio = luxury.truth.maps[Quantity.CBF] / np.maximum(healthy.truth.maps[Quantity.CBF], 1e-3)
    fed = luxury.truth.masks.parenchyma & (ratio > 1.1)
    assert fed.sum() * luxury.truth.voxel_ml > 2.0
    assert (luxury.scan.hu[0] - healthy.scan.hu[0])[fed].mean() < -1.0


def test_a_patient_may_have_an_older_trouble_besides(plain):
    """Both show, and the scan is named for the first."""
    both = simulate(SEED, QUIET, realism=Realism(beside="stenosis"))
    assert both.truth.pathology == plain.truth.pathology
    assert (both.truth.delay_s >= plain.truth.delay_s - 1e-5).all()
    assert (both.truth.delay_s > plain.truth.delay_s + 0.5).sum() > 100


@pytest.mark.parametrize("wrong", [{"dispersion_s": 4.0}, {"hardening_hu": -1.0}])
def test_impossible_realism_is_refused(wrong):
    """A number beyond what is known of patients is a programming error."""
    with pytest.raises(ValueError, match="must"):
        Realism(**wrong)


def test_a_movement_backwards_is_refused():
    """Distances are not negative."""
    with pytest.raises(ValueError, match="must not be negative"):
        Movement(-1.0)
