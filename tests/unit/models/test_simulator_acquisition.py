"""Schemes sample as their names say."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.simulator import ACQUISITIONS, Acquisition


def _times(name: str, seed: int = 0) -> np.ndarray:
    return ACQUISITIONS[name].times_s(np.random.default_rng(seed))


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_every_scheme_is_a_plausible_perfusion_scan(name):
    """35-90 s long, pixels of 0.45 mm on 512 x 512, intervals of 0.4-5 s."""
    acquisition, times = ACQUISITIONS[name], _times(name)
    assert acquisition.name == name
    assert times.shape == (acquisition.frames, acquisition.slices)
    assert times.min() == 0.0
    assert 35.0 <= times.max() <= 90.0
    gaps = np.diff(times, axis=0)
    assert gaps.min() > 0.4
    assert gaps.max() < 6.0
    assert acquisition.rows * acquisition.pixel_mm == pytest.approx(230.4)


def test_a_shuttles_upper_slab_comes_half_a_cycle_later():
    """Two slabs in turn have two clocks."""
    offset = _times("shuttle") - _times("shuttle")[:, :1]
    assert np.allclose(offset[:, :8], 0.0)
    assert np.allclose(offset[:, 8:], 2.81 / 2)


@given(seed=st.integers(0, 10_000), jitter_s=st.floats(0.0, 5.0))
def test_jitter_never_reorders_passes(seed, jitter_s):
    """However irregular the scanner, times ascend in every slice."""
    irregular = dataclasses.replace(ACQUISITIONS["wide"], jitter_s=jitter_s)
    assert np.diff(irregular.times_s(np.random.default_rng(seed)), axis=0).min() > 0


def test_another_matrix_keeps_the_field_of_view():
    """Training at 128 pixels sees the same head as the demo at 512."""
    coarse = ACQUISITIONS["standard"].at(128)
    assert (coarse.rows, coarse.pixel_mm) == (128, pytest.approx(1.8))
    assert coarse.voxel_ml == pytest.approx(0.0162)


@pytest.mark.parametrize(
    "wrong",
    [
        {"frame_times_s": (0.0, 2.0, 2.0)},
        {"frame_times_s": ()},
        {"dose": 0.0},
        {"dose": 1.5},
        {"slices": 0},
        {"noise_hu": -1.0},
    ],
)
def test_an_impossible_acquisition_is_refused(wrong):
    """A scheme that no scanner could run is a programming error."""
    with pytest.raises(ValueError, match=r"must|dose"):
        dataclasses.replace(Acquisition.regular("x", slices=4, frames=3, interval_s=1.0), **wrong)
