import numpy as np
import pytest
from numpy.typing import NDArray

from node.perfusion.brain import find_brain

SPACING_MM = (5.0, 1.8, 1.8)


def _head(
    *,
    skull: bool = True,
    centre: tuple[float, float] = (0.0, 0.0),
    noise_hu: float = 2.0,
    rows: int = 128,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Three slices of a head (scalp, skull, brain, ventricle) and where its brain is."""
    y, x = np.mgrid[-115 : 115 : rows * 1j, -115 : 115 : rows * 1j]
    radius = np.hypot((y - centre[0]) / 90.0, (x - centre[1]) / 72.0)
    brain = radius < 0.86
    hu = np.select(
        [np.hypot(y - centre[0], x - centre[1]) < 9, brain, radius < 0.95, radius < 1.04],
        [8.0, 33.0, 900.0 if skull else 33.0, 45.0],
        -1000.0,
    )
    rng = np.random.default_rng(0)
    noisy = np.stack([hu] * 3) + noise_hu * rng.standard_normal((3, rows, rows))
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


def test_fine_pixels_lose_nothing_of_the_cortex() -> None:
    """At 0.45 mm less than 0.2 % of a brain in its fluid is missed, and no bone is taken."""
    hu, truth = _head(rows=512, noise_hu=4.0)
    y, x = _places(512)
    radius = np.hypot(y / 90.0, x / 72.0)
    hu[:, (radius >= 0.86) & (radius < 0.89)] = 10.0
    found = find_brain(hu, (5.0, 0.45, 0.45))
    assert (truth & ~found).sum() < 0.002 * truth.sum()
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


def _places(rows: int = 128) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the pixels of :func:`_head` lie along Y and X [mm]."""
    y, x = np.mgrid[-115 : 115 : rows * 1j, -115 : 115 : rows * 1j]
    return y, x


@pytest.mark.parametrize("half_deg", [20, 60])
def test_a_brain_that_bulges_through_a_gap_in_the_skull_is_found(half_deg: float) -> None:
    """After a craniectomy nothing but skin ends the brain; bone elsewhere stays out."""
    hu, truth = _head()
    y, x = _places()
    gap = np.abs(np.degrees(np.arctan2(x, y)) - 90) < half_deg
    radius = np.hypot(y / 90.0, x / 72.0)
    hu[:, gap & (radius >= 0.86) & (radius < 1.0)] = 33.0
    truth = truth | (gap & (radius < 1.0))
    found = find_brain(hu, SPACING_MM)
    assert _dice(found, truth) > 0.95
    assert not (found & (hu > 300)).any()


def test_skin_over_a_gap_in_the_skull_is_all_that_is_taken_for_brain() -> None:
    """A sunken flap: skin against the brain cannot be told from it, the other side can."""
    hu, truth = _head()
    y, x = _places()
    gap = np.abs(np.degrees(np.arctan2(x, y)) - 90) < 40
    radius = np.hypot(y / 90.0, x / 72.0)
    hu[:, gap & (radius >= 0.86) & (radius < 1.04)] = 45.0
    found = find_brain(hu, SPACING_MM)
    assert _dice(found, truth) > 0.93
    assert not (found & ~truth & ~gap).any()


def test_metal_costs_the_slice_that_it_lies_in_a_part_and_no_other() -> None:
    """Dark and bright bands about a clip part the tissue; its neighbours hold it together."""
    hu, truth = _head()
    y, x = _places()
    distance, angle = np.hypot(y - 10, x - 25), np.arctan2(y - 10, x - 25)
    hu[1] += 250.0 * np.cos(6 * angle) * np.exp(-distance / 25)
    hu[1][distance < 4] = 3071.0
    found = find_brain(hu, SPACING_MM)
    assert min(_dice(found[z], truth[z]) for z in (0, 2)) > 0.95
    assert (found[1] & truth[1]).sum() > 0.5 * truth[1].sum()
    assert not (found & ~truth).any()
    assert not (found & (hu > 300)).any()


@pytest.mark.parametrize("bed_hu", [12.0, 60.0, 250.0])
def test_what_the_head_lies_on_is_no_brain(bed_hu: float) -> None:
    """A cushion or a table of any density, against the skin."""
    hu, truth = _head(centre=(-12.0, 0.0))
    y, _ = _places()
    bed = (y > 60) & (y < 100) & (hu[0] < -500)
    hu[:, bed] = bed_hu
    found = find_brain(hu, SPACING_MM)
    assert _dice(found, truth) > 0.95
    assert not (found & bed).any()


@pytest.mark.parametrize("value", [-1000.0, 0.0, 2000.0])
def test_a_picture_without_tissue_has_no_brain(value: float) -> None:
    """Air, water at zero and metal are not taken for a brain."""
    assert not find_brain(np.full((2, 64, 64), value, np.float32), SPACING_MM).any()
