"""How well numbers agree: correlation, overlap, intraclass correlation, limits, intervals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 1000
_RESAMPLING_SEED = 20
# Below this many pairs a correlation is a coincidence and an interval has no meaning.
MIN_PAIRS = 3


@dataclass(frozen=True)
class Agreement:
    """How measured values follow true ones.

    Parameters
    ----------
    n
        Pairs.
    r
        Pearson's correlation; None where it is not defined.
    slope
        Of the least-squares line of measured over true values; None where the truth does not
        vary.
    bias, mae
        Mean and mean absolute value of measured less true, in the values' unit.
    """

    n: int
    r: float | None
    slope: float | None
    bias: float
    mae: float


@dataclass(frozen=True)
class Limits:
    """Bland and Altman's limits of agreement of measured less true values, in their unit.

    ``bias`` is the mean difference; ``low`` and ``high`` lie 1.96 sample standard deviations
    from it (Lancet 1986;327:307).
    """

    bias: float
    low: float
    high: float


@dataclass(frozen=True)
class Spread:
    """A figure and how far it spreads: median with quartiles, or an estimate with its interval."""

    value: float
    low: float
    high: float
    n: int


def agreement(truth: ArrayLike, measured: ArrayLike) -> Agreement | None:
    """How measured values follow true ones; None where there are none.

    Parameters
    ----------
    truth, measured
        As many values each, any shape.
    """
    x, y = _pair(truth, measured)
    if not len(x):
        return None
    difference = y - x
    dx, dy = x - x.mean(), y - y.mean()
    varies = float(dx @ dx)
    return Agreement(
        n=len(x),
        r=correlation(x, y),
        slope=float(dx @ dy) / varies if _is_spread(varies, x) else None,
        bias=float(difference.mean()),
        mae=float(np.abs(difference).mean()),
    )


def correlation(one: ArrayLike, other: ArrayLike) -> float | None:
    """Pearson's correlation; None below :data:`MIN_PAIRS` or where either side does not vary."""
    x, y = _pair(one, other)
    if len(x) < MIN_PAIRS:
        return None
    dx, dy = x - x.mean(), y - y.mean()
    sums = float(dx @ dx), float(dy @ dy)
    if not (_is_spread(sums[0], x) and _is_spread(sums[1], y)):
        return None
    return float(np.clip(dx @ dy / np.sqrt(sums[0] * sums[1]), -1.0, 1.0))


def dice(truth: NDArray[np.bool_], measured: NDArray[np.bool_]) -> float | None:
    """Dice overlap of two masks of one shape, 0 to 1; None where both are empty."""
    total = int(truth.sum()) + int(measured.sum())
    return 2.0 * int((truth & measured).sum()) / total if total else None


def icc(truth: ArrayLike, measured: ArrayLike) -> float | None:
    """Intraclass correlation ICC(2,1): two-way random effects, absolute agreement, one rater.

    Shrout and Fleiss, Psychological Bulletin 1979;86:420. None for fewer than two subjects or
    where nothing varies.
    """
    x, y = _pair(truth, measured)
    n, raters = len(x), 2
    if n < 2:
        return None
    table = np.stack([x, y], axis=1)
    grand = table.mean()
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    between_rows = raters * float(((rows - grand) ** 2).sum()) / (n - 1)
    between_columns = n * float(((columns - grand) ** 2).sum()) / (raters - 1)
    rest = table - rows[:, None] - columns[None, :] + grand
    error = float((rest**2).sum()) / ((n - 1) * (raters - 1))
    total = between_rows + (raters - 1) * error + raters * (between_columns - error) / n
    return (between_rows - error) / total if total > 0 else None


def limits(truth: ArrayLike, measured: ArrayLike) -> Limits | None:
    """Limits of agreement; None for fewer than two pairs."""
    x, y = _pair(truth, measured)
    if len(x) < 2:
        return None
    difference = y - x
    bias, spread = float(difference.mean()), 1.96 * float(difference.std(ddof=1))
    return Limits(bias, bias - spread, bias + spread)


def quartiles(values: ArrayLike) -> Spread | None:
    """Median with the quartiles; None where there are no values."""
    found = np.asarray(values, np.float64).ravel()
    if not len(found):
        return None
    low, middle, high = (float(q) for q in np.quantile(found, [0.25, 0.5, 0.75]))
    return Spread(middle, low, high, len(found))


def mean_interval(values: ArrayLike) -> Spread | None:
    """Mean with its 95 % bootstrap interval; None where there are no values."""
    found = np.asarray(values, np.float64).ravel()
    return bootstrap(lambda x, _: float(x.mean()), found, found)


def bootstrap(
    statistic: Callable[[NDArray[np.float64], NDArray[np.float64]], float | None],
    truth: ArrayLike,
    measured: ArrayLike,
) -> Spread | None:
    """A statistic of paired values with its 95 % percentile bootstrap interval over the pairs.

    Always the same resamples, so that a report can be made again. An interval of fewer than
    :data:`MIN_PAIRS` pairs is the value itself.

    Parameters
    ----------
    statistic
        Such as :func:`correlation` or :func:`icc`.
    truth, measured
        One value a case.

    Returns
    -------
    Spread or None
        None where the statistic of all pairs is not defined.
    """
    x, y = _pair(truth, measured)
    value = statistic(x, y) if len(x) else None
    if value is None:
        return None
    if len(x) < MIN_PAIRS:
        return Spread(value, value, value, len(x))
    drawn = np.random.default_rng(_RESAMPLING_SEED).integers(0, len(x), (RESAMPLES, len(x)))
    found = [f for rows in drawn if (f := statistic(x[rows], y[rows])) is not None]
    low, high = (float(q) for q in np.quantile(found or [value], [0.025, 0.975]))
    return Spread(value, low, high, len(x))


def _pair(one: ArrayLike, other: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = (np.asarray(values, np.float64).ravel() for values in (one, other))
    if x.shape != y.shape:
        raise ValueError(f"{x.size} and {y.size} values make no pairs")
    return x, y


def _is_spread(squares: float, values: NDArray[np.float64]) -> bool:
    """Whether a sum of squared deviations is more than rounding."""
    return squares > 1e-20 * max(float(values @ values), 1e-12)
