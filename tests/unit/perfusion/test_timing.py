import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from node.perfusion.timing import averaging_weights

gaps = st.lists(st.floats(0.4, 6.0), min_size=3, max_size=40)


@given(gaps=gaps, start_s=st.floats(-20.0, 60.0))
def test_a_constant_curve_stays_constant_on_any_sampling(gaps: list[float], start_s: float) -> None:
    """The weights of every grid point sum to one, inside and outside the scan."""
    weights = averaging_weights(np.cumsum(gaps), start_s, 2.0, 32)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-5)
    assert weights.min() >= 0


@given(gaps=gaps)
def test_a_straight_curve_keeps_its_slope_on_any_sampling(gaps: list[float]) -> None:
    """A line is met exactly at every grid point whose interval the scan covers."""
    times = np.cumsum(gaps)
    grid = times[0] + 1.0 + 2.0 * np.arange(32)
    inside = grid + 1.0 <= times[-1]
    line = averaging_weights(times, grid[0], 2.0, 32) @ (3.0 * times)
    np.testing.assert_allclose(line[inside], 3.0 * grid[inside], rtol=1e-4)


def test_beyond_the_scan_its_last_value_holds() -> None:
    """The curve neither falls to zero nor runs away after the last image."""
    held = averaging_weights(np.arange(10.0), 20.0, 2.0, 4) @ np.arange(10.0)
    np.testing.assert_allclose(held, 9.0)
