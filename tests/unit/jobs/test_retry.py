"""The retry policy as a value."""

from hypothesis import given
from hypothesis import strategies as st

from node.jobs import RetryPolicy

POLICY = RetryPolicy(first_s=5.0, longest_s=300.0)


def test_pauses_double_from_the_first_to_the_longest() -> None:
    """5 s grow to 5 min and stay there."""
    pauses = [POLICY.pause_s(n, chance=0.5) for n in range(1, 9)]
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_no_pause_leaves_its_bounds(failures: int, chance: float) -> None:
    """After however many failures, a pause is positive and at most the longest."""
    assert 0 < POLICY.pause_s(failures, chance=chance) <= 300.0


def test_pauses_are_spread() -> None:
    """What failed together does not come back together."""
    assert len({POLICY.pause_s(3) for _ in range(20)}) > 1
