"""Noise has the strength and the texture that were asked for."""

import numpy as np
import pytest

from models.simulator import Acquisition
from models.simulator.noise import autocorrelation, noise

SHAPE = (6, 192, 192)


def _lag_1(values: np.ndarray) -> float:
    return float((values[..., 1:] * values[..., :-1]).mean() / values.var())


@pytest.mark.parametrize("pixel_mm", [0.45, 0.9, 1.8])
def test_noise_has_the_variance_and_the_correlation_asked_for(pixel_mm):
    """What comes out has the autocorrelation of block means of a 0.9-pixel Gaussian."""
    values = noise(np.random.default_rng(1), SHAPE, 10.0, pixel_mm)
    asked = autocorrelation(pixel_mm)
    assert values.std() == pytest.approx(10.0 * asked[0], rel=0.02)  # sqrt for each axis, twice
    assert _lag_1(values) == pytest.approx(asked[1] / asked[0], abs=0.02)
    assert _lag_1(values.swapaxes(1, 2)) == pytest.approx(asked[1] / asked[0], abs=0.02)


def test_neighbours_at_the_native_pixel_correlate_as_measured():
    """Lag-1 correlation of about 0.75 at 0.49 mm (SCIENCE.md section 3)."""
    asked = autocorrelation(0.49)
    assert asked[1] / asked[0] == pytest.approx(0.75, abs=0.03)


def test_coarse_noise_is_the_mean_of_native_noise():
    """Simulating at 1.8 mm is as noisy as averaging 4 x 4 pixels of 0.45 mm."""
    rng = np.random.default_rng(2)
    native = noise(rng, (8, 256, 256), 10.0, 0.45)
    mean = native.reshape(8, 64, 4, 64, 4).mean(axis=(2, 4))
    coarse = noise(rng, (8, 64, 64), 10.0, 1.8)
    assert coarse.std() == pytest.approx(mean.std(), rel=0.03)
    assert _lag_1(coarse) == pytest.approx(_lag_1(mean), abs=0.03)


@pytest.mark.parametrize(("current_ma", "added_hu"), [(44, 13.6), (15, 25.6)])
def test_less_current_adds_the_published_noise(current_ma, added_hu):
    """103.09 sqrt(1/mA - 1/190) HU in quadrature (SCIENCE.md section 3)."""
    quiet = Acquisition("low", 1, 5.0, 32, 0.45, (0.0,), noise_hu=0.0, dose=current_ma / 190)
    assert quiet.native_noise_hu == pytest.approx(added_hu, abs=0.1)


def test_thinner_slices_are_noisier_by_the_square_root():
    """A slice of a quarter of the thickness has twice the noise."""
    thin = Acquisition("thin", 1, 1.25, 32, 0.45, (0.0,), noise_hu=8.0)
    assert thin.native_noise_hu == pytest.approx(16.0)
