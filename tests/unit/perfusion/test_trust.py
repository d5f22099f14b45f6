from dataclasses import replace

import numpy as np
import pytest

from node.perfusion import (
    Grade,
    LesionThresholds,
    ModelInput,
    PerfusionMaps,
    QualityCheck,
    Quantity,
    assess,
    find_inputs,
    find_lesion,
    raised,
    unsettled,
)
from tests.support.science import phantom_maps, prepared_of, scan_of


@pytest.fixture(scope="module")
def prepared() -> ModelInput:
    return prepared_of(scan_of(noise_hu=1.0, slices=10))


def _flags(
    prepared: ModelInput,
    maps: PerfusionMaps,
    familiar: dict[str, tuple[float, float]] | None = None,
) -> dict[str, QualityCheck]:
    inputs = find_inputs(prepared.scan, prepared.brain, prepared.arrival_s)
    lesion = find_lesion(maps, LesionThresholds())
    flags = raised(assess(prepared, maps, lesion, inputs, familiar=familiar or {}))
    return {flag.code: flag for flag in flags}


def _with_errors(maps: PerfusionMaps, tmax_s: float) -> PerfusionMaps:
    errors = {Quantity.TMAX: tmax_s, Quantity.CBF: 1.0}
    doubt = {q: np.full(maps.brain.shape, e, np.float32) for q, e in errors.items()}
    return replace(maps, uncertainty=doubt)


def test_a_network_that_is_sure_and_right_about_a_known_kind_of_scan_has_no_flag(
    prepared: ModelInput,
) -> None:
    """Small errors, every feature known, the deconvolution of the same mind."""
    known = {"vein_peak_hu": (50.0, 500.0), "interval_s": (0.5, 3.0)}
    assert _flags(prepared, _with_errors(phantom_maps(prepared), 0.5), known) == {}


def test_volumes_left_open_by_the_expected_errors_are_named(prepared: ModelInput) -> None:
    """Where all tissue might be slow, the flag gives the least and the most of both volumes."""
    maps = _with_errors(phantom_maps(prepared), 10.0)
    lesion, (flag,) = find_lesion(maps, LesionThresholds()), _flags(prepared, maps).values()
    assert (flag.code, flag.grade) == ("uncertain", Grade.CAUTION)
    assert lesion.range_ml is not None
    for least, most in (lesion.range_ml.hypoperfusion_ml, lesion.range_ml.core_ml):
        assert f"between {least:.0f} and {most:.0f} ml" in flag.found


def test_without_expected_errors_nothing_is_said_of_them(prepared: ModelInput) -> None:
    """Weights without uncertainty outputs are neither sure nor unsure."""
    maps = phantom_maps(prepared)
    assert unsettled(find_lesion(maps, LesionThresholds())) is None
    assert _flags(prepared, maps) == {}


def test_a_scan_unlike_those_of_the_training_is_named(prepared: ModelInput) -> None:
    """Each feature out of its range stands in the flag with the value and the range."""
    known = {"interval_s": (3.0, 4.0), "slice_mm": (1.0, 2.0), "vein_peak_hu": (50.0, 500.0)}
    (flag,) = _flags(prepared, phantom_maps(prepared), known).values()
    assert (flag.code, flag.grade) == ("unfamiliar", Grade.CAUTION)
    assert "the time between images is 2.0 s (known: 3.0 s to 4.0 s)" in flag.found
    assert "the distance between slices" in flag.found
    assert "vein" not in flag.found


def test_another_opinion_of_the_deconvolution_is_named(prepared: ModelInput) -> None:
    """A network that finds half of the brain slow where a deconvolution does not says both."""
    maps = phantom_maps(prepared)
    half = np.arange(maps.brain.shape[2]) > maps.brain.shape[2] // 2
    slow = np.where(half & maps.brain, 9.0, maps[Quantity.TMAX]).astype(np.float32)
    (flag,) = _flags(prepared, replace(maps, values={**maps.values, Quantity.TMAX: slow})).values()
    assert (flag.code, flag.grade) == ("disagreement", Grade.CAUTION)
    assert flag.found.count(" ml") == 2
