"""One clock for a scan whose slices have times of their own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.perfusion import Clock, DynamicCt


def _scan(time_s: np.ndarray) -> DynamicCt:
    hu = np.zeros((*time_s.shape, 2, 2), np.float32)
    return DynamicCt(hu, time_s, (5.0, 1.0, 1.0), np.zeros(time_s.shape, bool))


def test_a_regular_scan_keeps_its_own_samples():
    """Images 1 to 2 s apart are not interpolated at all."""
    times = np.repeat(1.5 * np.arange(12)[:, None], 3, axis=1)
    clock = Clock.of(_scan(times))
    assert clock == Clock(0.0, 1.5, 12)
    assert np.allclose(clock.weights(times[:, 0]), np.eye(12), atol=1e-6)


def test_a_shuttle_is_read_where_both_slabs_were_imaged():
    """No slice is extrapolated: the clock starts with the later slab and ends with the earlier."""
    times = 2.8 * np.arange(18)[:, None] + np.array([[0.0, 1.4]])
    clock = Clock.of(_scan(times))
    assert clock.start_s == 1.4
    assert clock.interval_s == 2.0
    assert 2.8 * 17 - 2.0 < clock.times_s[-1] <= 2.8 * 17


def test_a_fast_scan_is_averaged_so_that_its_noise_falls():
    """Two images a second become one value a second of less variance."""
    times = np.repeat(0.5 * np.arange(80)[:, None], 1, axis=1)
    weights = Clock.of(_scan(times)).weights(times[:, 0])
    assert (weights[5:-5] ** 2).sum(axis=1).max() < 0.6


@given(st.lists(st.floats(0.4, 5.0), min_size=8, max_size=30))
def test_a_straight_line_stays_one_at_any_sampling(gaps):
    """Weights sum to 1 and straight lines pass unchanged, whatever the times."""
    times = np.cumsum(gaps)
    clock = Clock(times[0] + 1.0, max((times[-1] - times[0] - 2.0) / 6.0, 0.1), 6)
    inside = (clock.times_s > times[0] + clock.interval_s) & (
        clock.times_s < times[-1] - clock.interval_s
    )
    weights = clock.weights(times)
    assert np.allclose(weights.sum(axis=1), 1.0, atol=1e-5)
    if np.median(np.diff(times)) >= 0.75 * clock.interval_s:
        assert np.allclose((weights @ times)[inside], clock.times_s[inside], rtol=1e-4)


@pytest.mark.parametrize("frames", [1, 3])
def test_too_few_frames_are_an_error_that_says_so(frames):
    """A scan that can show no bolus is refused by name, without a warning from numpy."""
    with pytest.raises(ValueError, match=f"{frames} frames show no bolus"):
        Clock.of(_scan(np.arange(frames, dtype=float)[:, None]))


def test_slices_that_share_no_time_are_an_error():
    """Slabs that were imaged one after the other have no common course."""
    times = np.arange(8.0)[:, None] + np.array([[0.0, 7.0]])
    with pytest.raises(ValueError, match="shows no bolus"):
        Clock.of(_scan(times))
