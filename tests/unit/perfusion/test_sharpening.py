import numpy as np
import pytest
from numpy.typing import NDArray

from node.perfusion import Quantity
from node.perfusion.sharpening import sharpened

SHAPE = (2, 24, 24)
Maps = dict[Quantity, NDArray[np.float32]]
Planes = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], Maps]


@pytest.fixture
def brain() -> Planes:
    """Tissue of 32 HU with a furrow of fluid, which the network is unsure of, down the middle."""
    rng = np.random.default_rng(5)
    likely = np.full(SHAPE, 0.98, np.float32)
    likely[:, :, 9:15] = 0.6
    baseline = np.full(SHAPE, 32.0, np.float32)
    baseline[:, :, 11:13] = 12.0
    baseline += rng.normal(0.0, 2.0, SHAPE).astype(np.float32)
    sound = {Quantity.CBF: np.full(SHAPE, 40.0), Quantity.TMAX: np.full(SHAPE, 2.0)}
    maps = {quantity: values.astype(np.float32) for quantity, values in sound.items()}
    return likely, baseline, np.ones(SHAPE, bool), maps


def test_fluid_that_the_network_saw_blurred_is_told_from_tissue(brain: Planes) -> None:
    """On the scan's own pixels the furrow is as wide as it is dark."""
    found = sharpened(*brain) > 0.5
    assert not found[:, :, 11:13].any()
    assert found[:, :, 9:11].mean() > 0.95
    assert found[:, :, 13:15].mean() > 0.95


def test_dark_tissue_that_the_network_is_sure_of_stays(brain: Planes) -> None:
    """An infarct is up to 8 HU darker than healthy tissue, and no fluid."""
    likely, baseline, inside, maps = brain
    baseline[:, :, :6] -= 8.0
    assert (sharpened(likely, baseline, inside, maps)[:, :, :6] > 0.5).mean() > 0.98


def test_an_infarct_may_be_darker_than_other_tissue(brain: Planes) -> None:
    """Where blood comes late and little, tissue of 24 HU that the network doubts stays tissue."""
    likely, baseline, inside, maps = brain
    likely[:, :, :6], baseline[:, :, :6] = 0.5, 24.0
    assert not (sharpened(likely, baseline, inside, maps)[:, :, :6] > 0.5).any()
    maps[Quantity.TMAX][:, :, :6], maps[Quantity.CBF][:, :, :6] = 12.0, 5.0
    assert (sharpened(likely, baseline, inside, maps)[:, :, :6] > 0.5).all()


def test_a_vessel_is_no_tissue_for_being_bright(brain: Planes) -> None:
    """Blood is brighter than tissue before contrast: what the network says of it stands."""
    likely, baseline, inside, maps = brain
    likely[:, 4:8, :8], baseline[:, 4:8, :8] = 0.05, 44.0
    assert not (sharpened(likely, baseline, inside, maps)[:, 4:8, :8] > 0.5).any()


def test_the_more_noise_the_less_the_attenuation_says(brain: Planes) -> None:
    """A voxel that is a little dark is less surely fluid in a noisy picture."""
    likely, baseline, inside, maps = brain
    noise = np.random.default_rng(6).normal(0.0, 8.0, SHAPE).astype(np.float32)
    clear, noisy = (sharpened(likely, hu, inside, maps) for hu in (baseline, baseline + noise))
    assert np.median(clear[:, :, 11:13]) < np.median(noisy[:, :, 11:13])


def test_a_shifted_scale_changes_nothing(brain: Planes) -> None:
    """Attenuation counts relative to the scan's own tissue."""
    likely, baseline, inside, maps = brain
    moved = sharpened(likely, baseline + np.float32(6.0), inside, maps)
    np.testing.assert_allclose(moved, sharpened(likely, baseline, inside, maps), atol=1e-4)


def test_without_sure_tissue_the_network_has_the_last_word(brain: Planes) -> None:
    """Where nothing surely is tissue there is no attenuation to go by."""
    likely, baseline, inside, maps = brain
    doubtful = np.minimum(likely, np.float32(0.9))
    np.testing.assert_array_equal(sharpened(doubtful, baseline, inside, maps), doubtful)


def test_bone_and_air_do_not_overflow(brain: Planes) -> None:
    """Outside the brain attenuation is anything at all."""
    likely, baseline, inside, maps = brain
    baseline[:, 0], baseline[:, -1] = -1000.0, 3000.0
    assert np.isfinite(sharpened(likely, baseline, inside, maps)).all()
