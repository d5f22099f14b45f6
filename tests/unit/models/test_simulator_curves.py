"""Bolus and residue functions obey the model of SCIENCE.md section 2."""

import dataclasses

import numpy as np
import pytest

from models.simulator.bolus import STEP_S, Bolus
from models.simulator.residue import FAMILIES, RHO_OVER_KH, TissueTable, transported

# Mean lag of the tissue curve behind the artery, in mean transit times, from each residue
# function's first moment.
LAG = {"exponential": 1.0, "box": 0.5, "linear": 2 / 3, "gamma": 2 / 3}


@pytest.fixture(scope="module")
def first_pass() -> Bolus:
    drawn = Bolus.drawn(np.random.default_rng(3), end_s=200.0)
    return dataclasses.replace(drawn, plateau=0.0, arrival_s=8.0)


def _table(bolus: Bolus, family: str) -> TissueTable:
    return TissueTable.of(bolus, np.array([float(name == family) for name in FAMILIES]))


def _curve(table: TissueTable, bolus: Bolus, mtt_s: float, delay_s: float) -> np.ndarray:
    at = table.sampled(bolus.time_s)
    return at.curves(np.array([mtt_s], np.float32), np.array([delay_s], np.float32))[0]


def _centroid(time_s: np.ndarray, curve: np.ndarray) -> float:
    return float((time_s * curve).sum() / curve.sum())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("mtt_s", "delay_s"), [(3.5, 0.3), (6.0, 2.25), (12.0, 7.0)])
def test_the_area_under_a_tissue_curve_gives_the_blood_volume(family, mtt_s, delay_s, first_pass):
    """CBV = 100 kH/rho integral C / integral AIF, whatever the transit time and the delay."""
    curve = _curve(_table(first_pass, family), first_pass, mtt_s, delay_s)
    cbv = 100.0 / RHO_OVER_KH * curve.sum() / first_pass.aif.sum()
    assert cbv == pytest.approx(100.0, rel=0.005)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("mtt_s", "delay_s"), [(3.5, 0.0), (8.0, 3.0)])
def test_the_mean_lag_is_the_delay_plus_the_residue_functions_own(
    family, mtt_s, delay_s, first_pass
):
    """No sample is gained or lost between artery and tissue."""
    curve = _curve(_table(first_pass, family), first_pass, mtt_s, delay_s)
    lag_s = _centroid(first_pass.time_s, curve) - _centroid(first_pass.time_s, first_pass.aif)
    assert lag_s == pytest.approx(delay_s + LAG[family] * mtt_s, abs=0.06)


def test_a_delay_shifts_a_curve_and_changes_nothing_else(first_pass):
    """The curve of delayed tissue is the undelayed one, later."""
    table = _table(first_pass, "gamma")
    prompt, late = (_curve(table, first_pass, 5.0, delay_s) for delay_s in (0.0, 4.0))
    steps = round(4.0 / STEP_S)
    assert np.allclose(late[steps:], prompt[:-steps], atol=0.002 * prompt.max())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_residue_function_starts_at_one_and_has_its_mean_transit_time_as_area(family):
    """All contrast is there at time 0 and all of it has left in the end."""
    t_s = np.array([-1.0, 0.0, 0.01, 400.0])
    before, start, soon, end = transported(family, t_s, 5.0)
    assert before == start == 0.0
    assert soon == pytest.approx(0.01 / 5.0, rel=0.01)
    assert end == pytest.approx(1.0, abs=1e-6)


def test_an_unknown_residue_family_is_refused():
    """A typing error must not become another physics."""
    with pytest.raises(ValueError, match="no residue family 'boxy'"):
        transported("boxy", np.zeros(1), 4.0)


def test_the_peak_of_the_table_is_the_peak_of_its_curve(first_pass):
    """TTP is read off the same curve that the scan shows."""
    table = _table(first_pass, "exponential")
    for mtt_s, delay_s in [(3.3, 0.4), (5.1, 1.7), (11.0, 6.2)]:
        peak_s = first_pass.time_s[_curve(table, first_pass, mtt_s, delay_s).argmax()]
        read = table.peaks(np.array([mtt_s], np.float32), np.array([delay_s], np.float32))[0]
        assert read == pytest.approx(peak_s, abs=2 * STEP_S)


def test_the_vein_follows_the_artery_lower_and_with_the_same_area(first_pass):
    """Blood that went in comes out, later and dispersed."""
    aif, vof = first_pass.aif, first_pass.vof
    later_s = first_pass.time_s[vof.argmax()] - first_pass.time_s[aif.argmax()]
    assert 3.0 < later_s < 10.0
    assert 0.75 < vof.max() / aif.max() < 1.0
    assert vof.sum() == pytest.approx(aif.sum(), rel=0.005)


def test_boluses_are_drawn_as_measured_in_patients():
    """Arrival 4-16 s and widths and heights within SCIENCE.md section 3's ranges."""
    drawn = [Bolus.drawn(np.random.default_rng(i), 60.0) for i in range(300)]
    arrivals = [b.arrival_s for b in drawn]
    veins = [b.vof.max() for b in drawn]
    widths = [STEP_S * float((b.vof > b.vof.max() / 2).sum()) for b in drawn]
    assert min(arrivals) >= 4.0
    assert max(arrivals) <= 16.0
    assert np.median(arrivals) == pytest.approx(8.0, abs=0.8)
    assert np.median(veins) == pytest.approx(148.0, rel=0.15)
    assert np.median(widths) == pytest.approx(13.0, abs=2.0)
