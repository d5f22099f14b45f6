"""Agreement measures against cases worked out by hand."""

import numpy as np
import pytest

from models.evaluation.agreement import (
    Agreement,
    agreement,
    bootstrap,
    correlation,
    correlations,
    dice,
    icc,
    limits,
    mean_interval,
    quartiles,
)

# The first two judges of Shrout and Fleiss 1979, table 2.
JUDGES = ([9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2])


def test_agreement_states_line_bias_and_error() -> None:
    """Measured = 2 x truth - 2 over 1, 2, 3: r 1, slope 2, bias 0, mean absolute error 2/3."""
    assert agreement([1, 2, 3], [0, 2, 4]) == Agreement(
        n=3, r=pytest.approx(1.0), slope=pytest.approx(2.0), bias=0.0, mae=pytest.approx(2 / 3)
    )


def test_an_opposite_course_has_correlation_minus_one() -> None:
    """What falls as the truth rises has r -1 and a negative slope."""
    found = agreement([1, 2, 3], [3, 2, 1])
    assert found is not None
    assert (found.r, found.slope) == (pytest.approx(-1.0), pytest.approx(-1.0))


@pytest.mark.parametrize(("truth", "measured"), [([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [2, 2, 2])])
def test_what_does_not_vary_has_no_correlation(truth: list[int], measured: list[int]) -> None:
    """A constant side leaves r undefined instead of a division by zero."""
    assert correlation(truth, measured) is None


def test_two_pairs_have_no_correlation() -> None:
    """Any two points lie on a line: their r of 1 would say nothing."""
    assert correlation([1, 2], [5, 9]) is None


def test_nothing_agrees_with_nothing() -> None:
    """An empty region has no agreement."""
    assert agreement([], []) is None


def test_unequal_lengths_are_no_pairs() -> None:
    """Values that do not pair up are a bug of the caller, said in numbers."""
    with pytest.raises(ValueError, match="3 and 2"):
        agreement([1, 2, 3], [1, 2])


@pytest.mark.parametrize(
    ("truth", "measured", "overlap"),
    [([1, 1, 0, 0], [1, 0, 1, 0], 0.5), ([1, 1, 0], [1, 1, 0], 1.0), ([1, 0], [0, 1], 0.0)],
)
def test_dice_is_twice_the_common_over_the_sum(
    truth: list[int], measured: list[int], overlap: float
) -> None:
    """Dice = 2 |A and B| / (|A| + |B|)."""
    assert dice(np.array(truth, bool), np.array(measured, bool)) == pytest.approx(overlap)


def test_two_empty_masks_have_no_overlap_to_speak_of() -> None:
    """Nothing found where nothing is has no Dice: it would be 0 / 0."""
    assert dice(np.zeros(3, bool), np.zeros(3, bool)) is None


def test_icc_counts_a_constant_offset_against_the_rater() -> None:
    """Truth 1, 2, 3 measured as 3, 4, 5: rows' mean square 2, columns' 6, error 0, so 2 / 6."""
    assert icc([1, 2, 3], [3, 4, 5]) == pytest.approx(2.0 / (2.0 + 2.0 * 6.0 / 3.0))


def test_icc_of_two_judges() -> None:
    """Mean squares: subjects 281/60, judges 961/12, error 41/60, so 4 / (322/60 + 79.4/3)."""
    assert icc(*JUDGES) == pytest.approx(4.0 / (322.0 / 60.0 + 79.4 / 3.0))


def test_icc_needs_two_subjects_that_differ() -> None:
    """One subject, or subjects all alike, have no intraclass correlation."""
    assert icc([1], [1]) is None
    assert icc([2, 2, 2], [2, 2, 2]) is None


def test_limits_are_bias_and_196_standard_deviations() -> None:
    """Differences 1, 2, 3: bias 2, sample standard deviation 1, limits 0.04 and 3.96."""
    found = limits([0, 0, 0], [1, 2, 3])
    assert found is not None
    assert (found.bias, found.low, found.high) == (
        pytest.approx(2.0),
        pytest.approx(0.04),
        pytest.approx(3.96),
    )


def test_quartiles_of_five_values() -> None:
    """Median and quartiles are the values in the middle of both halves."""
    found = quartiles([5, 1, 3, 2, 4])
    assert found is not None
    assert (found.low, found.value, found.high, found.n) == (2.0, 3.0, 4.0, 5)


def test_a_bootstrap_interval_holds_the_mean_and_repeats() -> None:
    """The interval encloses the estimate, is that of the normal approximation, and repeats."""
    values = np.random.default_rng(0).normal(10.0, 2.0, 100)
    found = mean_interval(values)
    assert found is not None
    assert found == mean_interval(values)
    assert found.low < values.mean() < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 10.0, rel=0.15)


def test_an_undefined_statistic_has_no_interval() -> None:
    """Where the statistic of all pairs is undefined, so is its interval."""
    assert bootstrap(correlations, [1, 1, 1], [1, 2, 3]) is None
    assert mean_interval([]) is None
