"""The generator for evaluation alone: its physics, its noise, and a truth by the same rule."""

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from models.procedural import KINDS, procedural_scan
from models.procedural.circulation import TRANSITS, Circulation, lagged_normal, retained
from models.procedural.grain import grain, spectrum, strength
from models.simulator import RHO_OVER_KH, Acquisition, SimulatedScan, lesion
from node.perfusion import Quantity

SMALL = Acquisition.regular("small", slices=4, frames=12, interval_s=3.0).at(48)
ROOM = Path(__file__).parents[3] / "models" / "procedural"


@pytest.fixture(scope="module")
def stroke() -> SimulatedScan:
    return procedural_scan(3, SMALL, pathology="sector")


def test_only_nouns_and_constants_come_from_the_simulator():
    """What the network trained on and what judges it share no anatomy, curve or noise."""
    allowed = {"Acquisition", "Curves", "Masks", "SimulatedScan", "Truth", "RHO_OVER_KH", "lesion"}
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            module = getattr(node, "module", None) or ""
            if isinstance(node, ast.ImportFrom) and module.startswith("models."):
                inside = module.startswith("models.procedural")
                names = {alias.name for alias in node.names}
                assert inside or (module == "models.simulator" and names <= allowed), (path, names)


def test_the_same_seed_gives_the_same_scan(stroke):
    """A head is named by its seed and its acquisition."""
    again = procedural_scan(3, SMALL, pathology="sector")
    assert np.array_equal(again.scan.hu, stroke.scan.hu)
    assert not np.array_equal(procedural_scan(4, SMALL).scan.hu, stroke.scan.hu)


def test_its_truth_obeys_the_central_volume_theorem_and_the_lesion_rule(stroke):
    """MTT = 60 CBV/CBF, Tmax = delay + MTT/2, and core and hypoperfusion by the same rule."""
    truth = stroke.truth
    inside, maps = truth.masks.brain & (truth.maps[Quantity.MTT] > 0.6), truth.maps
    cbf, cbv, mtt = (maps[q][inside] for q in (Quantity.CBF, Quantity.CBV, Quantity.MTT))
    assert np.allclose(cbf * mtt, 60.0 * cbv, rtol=1e-4)
    assert np.allclose(maps[Quantity.TMAX], truth.delay_s + maps[Quantity.MTT] / 2, atol=1e-5)
    core, hypoperfusion, normal = lesion(maps[Quantity.CBF], maps[Quantity.TMAX], truth.masks)
    assert np.array_equal(core, truth.core)
    assert np.array_equal(hypoperfusion, truth.hypoperfusion)
    assert normal == truth.normal_cbf
    assert truth.hypoperfusion_ml > truth.core_ml > 1.0
    for values in maps.values():
        assert values.dtype == np.float32
        assert not values[~truth.masks.brain].any()


def test_its_tissue_is_perfused_as_in_people():
    """Grey and white matter lie in SCIENCE.md section 3's ranges."""
    truth = procedural_scan(5, SMALL, pathology="none").truth
    grey, white = (truth.maps[Quantity.CBF][m] for m in (truth.masks.grey, truth.masks.white))
    assert 40 < np.median(grey) < 70
    assert 16 < np.median(white) < 35
    assert 3.0 < np.median(truth.maps[Quantity.MTT][truth.masks.grey]) < 6.5
    assert not truth.hypoperfusion.any()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_asked_for(kind):
    """What was asked is what is simulated, on the side it names."""
    truth = procedural_scan(1, SMALL, pathology=kind).truth
    assert truth.pathology == kind
    assert (truth.side != "") == (kind not in ("none", "low_output"))
    if kind not in ("sector", "focal"):
        assert not truth.core.any()
    elif truth.hypoperfusion.any():
        on_left = (truth.hypoperfusion & truth.masks.left).sum() / truth.hypoperfusion.sum()
        assert on_left > 0.9 if truth.side == "left" else on_left < 0.1


def test_an_unknown_kind_is_refused():
    """A typing error must not become a healthy head."""
    with pytest.raises(ValueError, match="no kind 'mca'"):
        procedural_scan(1, SMALL, pathology="mca")


@pytest.mark.parametrize("transit", TRANSITS)
@pytest.mark.parametrize("shape", [0.5, 0.9, 2.0])
def test_a_residue_function_starts_at_one_and_its_area_is_the_transit_time(transit, shape):
    """All contrast is there at first, and the area is the mean transit time."""
    t_s = np.arange(0.0, 2000.0, 0.01)
    left = retained(transit, shape, 5.0, t_s)
    assert left[0] == pytest.approx(1.0, abs=0.01)
    assert np.all(np.diff(left) <= 0)
    assert left.sum() * 0.01 == pytest.approx(5.0, rel=0.01)


def test_an_unknown_transit_is_refused():
    """A typing error must not become another physics."""
    with pytest.raises(ValueError, match="no transit 'gamma'"):
        retained("gamma", 1.0, 5.0, np.zeros(1))


def test_a_lagged_normal_bolus_has_unit_area_and_the_sum_of_its_means():
    """The normal part's centre and the exponential part's lag add."""
    t_s = np.arange(0.0, 120.0, 0.01)
    curve = lagged_normal(t_s, 12.0, 2.0, 3.0)
    assert curve.sum() * 0.01 == pytest.approx(1.0, abs=1e-3)
    assert (t_s * curve).sum() * 0.01 == pytest.approx(15.0, abs=0.02)
    assert np.isfinite(curve).all()


@pytest.mark.parametrize("mtt_s", [3.0, 6.0, 12.0])
def test_tissue_in_a_steady_state_holds_its_blood_volume_of_contrast(mtt_s):
    """CBV = 100 kH/rho C / AIF once a recirculating bolus no longer changes, for any MTT."""
    flow = Circulation.drawn(np.random.default_rng(2), 400.0, 1.0)
    row, nearest_s = flow.nearest(np.array([mtt_s], np.float32))
    assert nearest_s[0] == pytest.approx(mtt_s, rel=0.01)
    held = flow.tissue_hu[row[0], -300] / (RHO_OVER_KH * flow.aif_hu[-300])
    assert held == pytest.approx(1.0, abs=0.01)


def test_a_delay_shifts_a_curve_and_changes_nothing_else():
    """The curve of delayed tissue is the undelayed one, later."""
    flow = Circulation.drawn(np.random.default_rng(2), 60.0, 1.0)
    row, t_s = np.array([120]), np.arange(10.0, 40.0, 0.5)
    late, prompt = flow.tissue_at(row, (t_s - 2.0)[None]), flow.tissue_at(row, t_s[None])
    assert np.allclose(late[0, 4:], prompt[0, :-4], atol=1e-3 * prompt.max())


@pytest.mark.parametrize("pixel_mm", [0.45, 0.9, 1.8])
def test_noise_has_the_spectrum_asked_for(pixel_mm):
    """Unit variance at the native pixel, less where pixels average, and a ramp's shape."""
    power = spectrum(128, pixel_mm)
    values = grain(np.random.default_rng(1), 12, power)
    assert values.var() == pytest.approx(
        (2 * power.sum() - power[:, 0].sum() - power[:, -1].sum()) / 128**2, rel=0.03
    )
    if pixel_mm == 0.45:
        assert values.std() == pytest.approx(1.0, rel=0.02)
        # A ramp has hardly any slow noise, unlike the simulator's.
        assert power[0, 1] < 0.2 * power[0, 20]


def test_coarse_noise_is_the_mean_of_native_noise():
    """Simulating at 1.8 mm is as noisy as averaging 4 x 4 pixels of 0.45 mm."""
    rng = np.random.default_rng(2)
    native = grain(rng, 8, spectrum(256, 0.45))
    mean = native.reshape(8, 64, 4, 64, 4).mean(axis=(2, 4))
    assert grain(rng, 8, spectrum(64, 1.8)).std() == pytest.approx(mean.std(), rel=0.08)


def test_noise_is_strongest_in_the_middle():
    """Rays through the middle cross more of the head, and fewer photons come out."""
    noisier = strength(np.array([85.0, 70.0]), SMALL)
    assert noisier[24, 24] > 1.1 * noisier[24, 12]
    assert noisier[24, 24] > 1.1 * noisier[10, 24]


def test_a_nodding_head_is_stored_with_the_truth():
    """Motion is as far as asked, and nothing moves unasked."""
    quiet = dataclasses.replace(SMALL, noise_hu=0.0)
    still, moving = (
        procedural_scan(1, dataclasses.replace(quiet, motion_mm=mm)) for mm in (0.0, 3.0)
    )
    assert not still.truth.motion.any()
    assert np.abs(moving.truth.motion).max() == pytest.approx(3.0)
    assert np.array_equal(moving.scan.hu[0], still.scan.hu[0])
    assert not np.array_equal(moving.scan.hu[6], still.scan.hu[6])
