"""Every method obeys the model of SCIENCE.md section 2."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.perfusion import METHODS, BlockCirculantSvd, BoxRegression, Method

INTERVAL_S, POINTS = 1.0, 60
TIMES_S = INTERVAL_S * np.arange(POINTS)
FINE_S = np.arange(0.0, POINTS * INTERVAL_S, 0.02)
SHIFT_SAFE = ("bcSVD", "oSVD", "NLR")

every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def bolus(time_s: np.ndarray, arrival_s: float = 8.0) -> np.ndarray:
    """A gamma variate of 200 HU, 7 s to its peak."""
    late = np.clip(time_s - arrival_s, 0.0, None) / 7.0
    return 200.0 * late**3 * np.exp(3.0 * (1.0 - late))


AIF = bolus(TIMES_S)


def tissue(cbv: float, mtt_s: float, delay_s: float, residue: str = "box") -> np.ndarray:
    """(N, 1) curve of tissue with a volume fraction, finely integrated."""
    late = FINE_S
    kernel = (late < mtt_s) / mtt_s if residue == "box" else np.exp(-late / mtt_s) / mtt_s
    fine = np.convolve(bolus(FINE_S - delay_s), kernel)[: len(FINE_S)] * 0.02
    return (cbv * np.interp(TIMES_S, FINE_S, fine)[:, None]).astype(np.float32)


def noisy(seed: int, voxels: int = 40) -> np.ndarray:
    """(N, V) curves of many tissues with noise."""
    rng = np.random.default_rng(seed)
    curves = [
        tissue(rng.uniform(0.01, 0.06), rng.uniform(3, 12), rng.uniform(0, 8))
        for _ in range(voxels)
    ]
    return np.hstack(curves) + rng.normal(0.0, 0.5, (POINTS, voxels)).astype(np.float32)


NOISY = noisy(7)


@every_method
@given(scale=st.floats(0.05, 20.0))
@settings(max_examples=10, deadline=None)
def test_artery_and_tissue_scaled_together_leave_everything_unchanged(method: Method, scale: float):
    """More contrast changes no map."""
    one = method.solve(AIF, NOISY, INTERVAL_S)
    other = method.solve(AIF * scale, (NOISY * scale).astype(np.float32), INTERVAL_S)
    for name in ("flow", "volume", "mtt_s", "delay_s", "tmax_s"):
        close = np.isclose(getattr(one, name), getattr(other, name), rtol=0.02, atol=0.02)
        # A voxel on a knife's edge (which peak, which cut-off) may fall to either side.
        assert close.mean() > 0.9, name


@every_method
@given(scale=st.floats(0.2, 5.0))
@settings(max_examples=10, deadline=None)
def test_flow_and_volume_are_linear_in_the_tissue(method: Method, scale: float):
    """Twice the curve is twice the flow and the volume; times stay."""
    one = method.solve(AIF, tissue(0.03, 5.0, 2.0), INTERVAL_S)
    other = method.solve(AIF, tissue(0.03 * scale, 5.0, 2.0), INTERVAL_S)
    assert other.flow == pytest.approx(one.flow * scale, rel=0.01)
    assert other.volume == pytest.approx(one.volume * scale, rel=0.01)
    assert other.mtt_s == pytest.approx(one.mtt_s, rel=0.01)
    assert other.tmax_s == pytest.approx(one.tmax_s, abs=0.05)


@pytest.mark.parametrize("name", SHIFT_SAFE)
@given(mtt_s=st.floats(3.0, 8.0), later=st.integers(1, 8))
@settings(max_examples=12, deadline=None)
def test_a_later_tissue_has_a_longer_delay_and_nothing_else(name: str, mtt_s: float, later: int):
    """A shift moves delay and Tmax by itself; flow, volume and MTT stay."""
    one = METHODS[name].solve(AIF, tissue(0.04, mtt_s, 1.0), INTERVAL_S)
    other = METHODS[name].solve(AIF, tissue(0.04, mtt_s, 1.0 + later), INTERVAL_S)
    assert other.delay_s - one.delay_s == pytest.approx(later, abs=0.15)
    assert other.tmax_s - one.tmax_s == pytest.approx(later, abs=0.15)
    assert other.flow == pytest.approx(one.flow, rel=0.04)
    assert other.mtt_s == pytest.approx(one.mtt_s, rel=0.04)


def test_standard_svd_mistakes_a_delay_for_a_lower_flow():
    """The known fault of sSVD is there: that is why bcSVD exists."""
    prompt = METHODS["sSVD"].solve(AIF, tissue(0.04, 4.0, 0.0), INTERVAL_S)
    late = METHODS["sSVD"].solve(AIF, tissue(0.04, 4.0, 5.0), INTERVAL_S)
    assert abs(late.flow / prompt.flow - 1.0) > 0.05


@every_method
def test_volume_is_flow_times_transit_time_everywhere(method: Method):
    """CBV = CBF x MTT / 60 in every voxel, noise and all."""
    found = method.solve(AIF, NOISY, INTERVAL_S)
    assert found.flow * found.mtt_s == pytest.approx(found.volume, rel=1e-4, abs=1e-7)
    assert (found.flow >= 0).all()
    assert (found.tmax_s >= 0).all()


@pytest.mark.parametrize("residue", ["box", "exponential"])
@pytest.mark.parametrize("name", ["sSVD", "bcSVD", "oSVD"])
def test_the_ratio_of_areas_is_the_volume(name: str, residue: str):
    """CBV is the tissue's area over the artery's, whatever the residue function."""
    found = METHODS[name].solve(AIF, tissue(0.035, 5.0, 3.0, residue), INTERVAL_S)
    assert found.volume == pytest.approx(0.035, rel=0.01)


@given(cbv=st.floats(0.005, 0.06), mtt_s=st.floats(2.5, 16.0), delay_s=st.floats(0.0, 10.0))
@settings(max_examples=30, deadline=None)
def test_box_regression_finds_a_box_again(cbv: float, mtt_s: float, delay_s: float):
    """Volume, MTT and delay of noise-free box-shaped tissue come back."""
    found = BoxRegression().solve(AIF, tissue(cbv, mtt_s, delay_s), INTERVAL_S)
    assert found.volume == pytest.approx(cbv, rel=0.03)
    assert found.mtt_s == pytest.approx(mtt_s, abs=0.35)
    assert found.delay_s == pytest.approx(delay_s, abs=0.2)
    assert found.tmax_s == pytest.approx(delay_s + mtt_s / 2.0, abs=0.1)


@pytest.mark.parametrize("residue", ["box", "exponential"])
def test_the_residue_functions_area_gives_the_transit_time(residue: str):
    """With next to nothing truncated, bcSVD reads MTT off area and height."""
    found = BlockCirculantSvd(cutoff=0.01).solve(AIF, tissue(0.04, 10.0, 2.0, residue), INTERVAL_S)
    assert found.mtt_s == pytest.approx(10.0, rel=0.15)


@pytest.mark.parametrize(("mtt_s", "delay_s"), [(4.0, 0.0), (4.0, 5.0), (12.0, 2.0), (12.0, 6.0)])
@pytest.mark.parametrize("name", SHIFT_SAFE)
def test_tmax_is_delay_plus_half_the_transit_time(name: str, mtt_s: float, delay_s: float):
    """Every method speaks of Tmax in the project's convention, to 0.7 s."""
    found = METHODS[name].solve(AIF, tissue(0.04, mtt_s, delay_s), INTERVAL_S)
    assert found.tmax_s == pytest.approx(delay_s + mtt_s / 2.0, abs=0.7)


@every_method
def test_tissue_without_contrast_has_no_flow_and_raises_no_warning(method: Method):
    """Zeros, and curves that only fall, give zeros in silence."""
    curves = np.zeros((POINTS, 3), np.float32)
    curves[:, 1] = -AIF / 10.0
    with np.errstate(all="raise", under="ignore"):
        found = method.solve(AIF, curves, INTERVAL_S)
    assert found.volume == pytest.approx(0.0)
    assert found.mtt_s == pytest.approx(0.0)
    assert np.isfinite(found.tmax_s).all()
