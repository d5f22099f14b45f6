"""Maps of a whole scan by a classical method, from the scan alone."""

from dataclasses import replace

import numpy as np
import pytest

from node.perfusion import (
    METHODS,
    ArterialInput,
    BlockCirculantSvd,
    Clock,
    Deconvolved,
    LesionThresholds,
    ModelInput,
    PerfusionMaps,
    Quantity,
    deconvolve,
    estimate,
    find_inputs,
    find_lesion,
)
from node.refusals import Refusal, RefusalCode
from tests.support.science import prepared_of, scan_of, with_hu


@pytest.fixture(scope="module")
def prepared() -> ModelInput:
    return prepared_of(scan_of())


def _deconvolved(prepared: ModelInput, **changes: object) -> Deconvolved:
    inputs = find_inputs(prepared.scan, prepared.brain, prepared.arrival_s)
    assert not isinstance(inputs, Refusal)
    given = {"scan": prepared.scan, "brain": prepared.brain, "artery": inputs.arterial_input}
    return deconvolve(**(given | {"method": METHODS["bcSVD"]} | changes))  # type: ignore[arg-type]  # of any type


@pytest.mark.parametrize("name", METHODS)
def test_a_classical_method_answers_as_a_network_does(name: str, prepared: ModelInput):
    """Maps of every quantity, 0 outside the brain, with the name of what computed them."""
    maps = estimate(prepared, METHODS[name])
    assert isinstance(maps, PerfusionMaps)
    assert maps.estimator.name == name
    assert all(not maps[q][~maps.brain].any() for q in Quantity)
    product = maps[Quantity.CBF] * maps[Quantity.MTT] / 60.0
    assert product == pytest.approx(maps[Quantity.CBV], rel=1e-3, abs=1e-4)
    assert find_lesion(maps, LesionThresholds()).hypoperfusion_ml > 1.0


def test_the_estimators_digest_tells_parameters_apart(prepared: ModelInput):
    """Two settings of one method are two estimators."""
    digests = {
        estimate(prepared, method, smoothing_mm=width).estimator.sha256  # type: ignore[union-attr]  # no refusal here
        for method, width in (
            (BlockCirculantSvd(), 5.0),
            (BlockCirculantSvd(), 6.0),
            (BlockCirculantSvd(cutoff=0.1), 5.0),
        )
    }
    assert len(digests) == 3


def test_smoothing_leaves_the_means_and_takes_the_noise(prepared: ModelInput):
    """A Gaussian over the brain changes the mean CBV hardly and its scatter much."""
    rng = np.random.default_rng(0)
    loud = with_hu(prepared.scan, prepared.scan.hu + rng.normal(0, 6, prepared.scan.shape))
    raw, smooth = (
        _deconvolved(prepared, scan=loud, smoothing_mm=width).values[Quantity.CBV][prepared.brain]
        for width in (0.0, 7.0)
    )
    assert smooth.mean() == pytest.approx(raw.mean(), rel=0.1)
    assert smooth.std() < 0.9 * raw.std()


def test_a_shuttles_slices_are_read_at_their_own_times():
    """Slices imaged half an interval later give the same maps as if they had not been."""
    together, apart = (prepared_of(scan_of(slab_offset_s=offset)) for offset in (0.0, 1.0))
    one, other = (_deconvolved(p).values[Quantity.TMAX] for p in (together, apart))
    both = together.brain & apart.brain
    assert np.median(np.abs(one - other)[both]) < 0.4


def test_impossible_arguments_are_named(prepared: ModelInput):
    """What cannot be deconvolved is a ValueError that says what is wrong."""
    scan, brain = prepared.scan, prepared.brain
    broken = scan.hu.copy()
    broken[3, 0, 20, 20] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        _deconvolved(prepared, scan=with_hu(scan, broken))
    with pytest.raises(ValueError, match="not be empty"):
        _deconvolved(prepared, brain=np.zeros_like(brain))
    with pytest.raises(ValueError, match="must be on"):
        _deconvolved(prepared, brain=brain[:, 1:])
    with pytest.raises(ValueError, match="must not be negative"):
        _deconvolved(prepared, smoothing_mm=-1.0)


@pytest.mark.parametrize(
    ("hu", "said"),
    [
        (np.zeros(10), "does not rise"),
        (np.full(10, 5.0), "does not rise"),
        (np.full(10, np.nan), "not finite"),
        (np.arange(9.0), "samples, not 10"),
    ],
    ids=["zero", "constant", "nan", "short"],
)
def test_a_curve_that_is_no_artery_cannot_be_one(hu: np.ndarray, said: str):
    """An input function is checked when it is made, and not later."""
    with pytest.raises(ValueError, match=said):
        ArterialInput(Clock(0.0, 2.0, 10), hu, 4.0)


def test_no_artery_is_a_refusal_and_no_warning(prepared: ModelInput):
    """A scan in which nothing rises has no maps, and says why."""
    still = np.broadcast_to(prepared.scan.hu[:1], prepared.scan.shape)
    with np.errstate(all="raise", under="ignore"):
        answer = estimate(replace(prepared, scan=with_hu(prepared.scan, still)), METHODS["bcSVD"])
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.NO_BOLUS
    assert "no artery" in answer.found
