from dataclasses import replace

import numpy as np
import pytest

from node.perfusion import (
    CrossCheck,
    LesionThresholds,
    ModelInput,
    PerfusionMaps,
    Quantity,
    cross_check,
    find_lesion,
)
from tests.support.science import phantom_maps, prepared_of, scan_of


@pytest.fixture(scope="module")
def prepared() -> ModelInput:
    return prepared_of(scan_of(noise_hu=2.0))


def _checked(prepared: ModelInput, maps: PerfusionMaps) -> CrossCheck | None:
    return cross_check(prepared, maps, find_lesion(maps, LesionThresholds()))


def test_a_deconvolution_finds_the_lesion_that_is_there(prepared: ModelInput) -> None:
    """Where the network is right, both volumes are near one another and overlap."""
    check = _checked(prepared, phantom_maps(prepared))
    assert check is not None
    assert check.deconvolved_ml == pytest.approx(check.network_ml, rel=0.25)
    assert check.shared_ml > 0.75 * check.network_ml


def test_a_lesion_that_the_network_missed_is_found(prepared: ModelInput) -> None:
    """The deconvolution does not know what the network says."""
    maps = phantom_maps(prepared)
    blind = replace(maps, values={**maps.values, Quantity.TMAX: np.minimum(maps[Quantity.TMAX], 3)})
    check, right = _checked(prepared, blind), _checked(prepared, maps)
    assert check is not None
    assert right is not None
    assert check.network_ml == check.shared_ml == 0.0
    assert check.deconvolved_ml == pytest.approx(right.deconvolved_ml, rel=0.25)


def test_without_vessels_there_is_no_second_opinion(prepared: ModelInput) -> None:
    """A deconvolution needs an artery that rises."""
    maps = phantom_maps(prepared)
    for vessels in (np.zeros((2, 0), np.float32), np.zeros_like(prepared.vessels_hu)):
        assert _checked(replace(prepared, vessels_hu=vessels), maps) is None
