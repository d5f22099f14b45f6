import numpy as np
import pytest

from models.network import SCALES
from models.training.furrows import FLUID_HU, Stack, furrowed
from node.perfusion import Quantity

SHAPE = (48, 40)
QUANTITIES = list(SCALES)
TIMED = [QUANTITIES.index(q) for q in (Quantity.MTT, Quantity.TTP, Quantity.TMAX)]
CBF = QUANTITIES.index(Quantity.CBF)


def _head() -> Stack:
    """Four slices of tissue in the picture's middle, without noise."""
    shares = np.zeros((4, 4, *SHAPE), np.float32)
    shares[:, (0, 3), 8:40, 6:34] = 1.0
    brain = shares[:, 3]
    curve = np.sin(np.linspace(0.0, np.pi, 12, dtype=np.float32))[:, None, None]
    maps = np.repeat(brain[:, None], len(SCALES), axis=1) * 10.0
    return 8.0 * curve * brain[:, None], np.where(brain, 34.0, -1000.0)[:, None], maps, shares


@pytest.fixture
def pair() -> tuple[Stack, Stack]:
    before = _head()
    rng = np.random.default_rng(4)
    return before, furrowed(rng, tuple(plane.astype(np.float32) for plane in before))


def test_furrows_thin_what_flows_and_leave_what_is_timed(pair: tuple[Stack, Stack]) -> None:
    """Fluid takes the place of tissue: less blood, but not later."""
    (_, _, before, _), (_, _, after, _) = pair
    np.testing.assert_array_equal(after[:, TIMED], before[:, TIMED])
    assert (after[:, CBF] <= before[:, CBF]).all()
    assert (after[:, CBF] < 0.9 * before[:, CBF]).any()


def test_what_is_less_than_half_tissue_is_no_parenchyma(pair: tuple[Stack, Stack]) -> None:
    """The share of parenchyma goes where more than half of a voxel's blood flow went."""
    (_, _, flow_before, before), (_, _, flow_after, after) = pair
    brain = before[:, 3] > 0
    left = flow_after[:, CBF][brain] / flow_before[:, CBF][brain]
    np.testing.assert_array_equal(after[:, 0][brain], np.where(left > 0.5, 1.0, 0.0))
    assert 0.0 < after[:, 0][brain].mean() < 1.0
    np.testing.assert_array_equal(after[:, 3], before[:, 3])


def test_furrows_are_as_dark_as_their_fluid_and_end_at_the_brain(
    pair: tuple[Stack, Stack],
) -> None:
    """Attenuation falls towards fluid by the share of it; beyond the brain nothing changes."""
    (before_hu, resting, maps, shares), (after_hu, dark, thinned, _) = pair
    brain = shares[:, 3] > 0
    np.testing.assert_array_equal(dark[:, 0][~brain], resting[:, 0][~brain])
    np.testing.assert_array_equal(after_hu[:, 3][~brain], before_hu[:, 3][~brain])
    left = thinned[:, CBF][brain] / maps[:, CBF][brain]
    fluid_hu = (dark[:, 0][brain] - 34.0 * left)[left < 0.6] / (1.0 - left)[left < 0.6]
    assert FLUID_HU[0] < fluid_hu.mean() < FLUID_HU[1]


def test_fluid_is_as_noisy_as_tissue() -> None:
    """Thinning takes noise away with the tissue; it is put back."""
    rng = np.random.default_rng(5)
    enhancement, baseline, maps, shares = (plane.astype(np.float32) for plane in _head())
    brain = shares[:, 3] > 0
    enhancement += 6.0 * rng.standard_normal(enhancement.shape, dtype=np.float32) * brain[:, None]
    after, _, thinned, _ = furrowed(rng, (enhancement, baseline, maps, shares))
    fluid = brain & (thinned[:, CBF] < 0.4 * maps[:, CBF])
    bends = np.diff(after.transpose(0, 2, 3, 1)[fluid], n=2, axis=1)
    assert bends.std() / 6.0**0.5 == pytest.approx(6.0, rel=0.15)
