import numpy as np
import pytest
from numpy.typing import NDArray

from node.perfusion.brain import find_brain

SPACING_MM = (5.0, 1.8, 1.8)


def _head(
    *, skull: bool = True, centre: tuple[float, float] = (0.0, 0.0), noise_hu: float = 2.0
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Three slices of a head (scalp, skull, brain, ventricle) and where its brain is."""
    y, x = np.mgrid[-115:115:128j, -115:115:128j]
    radius = np.hypot((y - centre[0]) / 90.0, (x - centre[1]) / 72.0)
    brain = radius < 0.86
    hu = np.select(
        [np.hypot(y - centre[0], x - centre[1]) < 9, brain, radius < 0.95, radius < 1.04],
        [8.0, 33.0, 900.0 if skull else 33.0, 45.0],
        -1000.0,
    )
    rng = np.random.default_rng(0)
    noisy = np.stack([hu] * 3) + noise_hu * rng.standard_normal((3, 128, 128))
    return noisy.astype(np.float32), np.stack([brain] * 3)


def _dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


@pytest.mark.parametrize("noise_hu", [0.0, 4.0, 8.0])
def test_the_brain_is_found_inside_the_skull(noise_hu: float) -> None:
    """Ventricles belong to it, skull and scalp do not."""
    hu, truth = _head(noise_hu=noise_hu)
    found = find_brain(hu, SPACING_MM)
    assert _dice(found, truth) > 0.95
    assert not (found & (hu > 300)).any()


def test_a_head_cut_off_by_the_picture_is_found_too() -> None:
    """The edge of the picture counts neither as skull nor as air."""
    hu, truth = _head(centre=(-60.0, 0.0))
    assert _dice(find_brain(hu, SPACING_MM), truth) > 0.95


def test_a_vessel_full_of_contrast_stays_inside_the_brain() -> None:
    """A small bright hole in the tissue is filled."""
    hu, truth = _head()
    hu[:, 60:63, 85:88] = 250.0
    found = find_brain(hu, SPACING_MM)
    assert found[:, 61, 86].all()
    assert _dice(found, truth) > 0.95


def test_without_a_skull_the_head_itself_is_taken() -> None:
    """A phantom without bone is no reason to find nothing."""
    hu, truth = _head(skull=False)
    assert _dice(find_brain(hu, SPACING_MM), truth) > 0.8


@pytest.mark.parametrize("value", [-1000.0, 0.0, 2000.0])
def test_a_picture_without_tissue_has_no_brain(value: float) -> None:
    """Air, water at zero and metal are not taken for a brain."""
    assert not find_brain(np.full((2, 64, 64), value, np.float32), SPACING_MM).any()
