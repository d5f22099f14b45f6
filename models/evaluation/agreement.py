"""How well numbers agree: correlation, overlap, intraclass correlation, limits, intervals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from node.perfusion import MIN_PAIRS, Limits, dice, limits

__all__ = [
    "MIN_PAIRS",
    "RESAMPLES",
    "Agreement",
    "Limits",
    "Rows",
    "Spread",
    "agreement",
    "bootstrap",
    "correlation",
    "correlations",
    "dice",
    "icc",
    "iccs",
    "limits",
    "mean_interval",
    "quartiles",
]

RESAMPLES = 1000
_RESAMPLING_SEED = 20

Rows = NDArray[np.float64]
"""Values, cases along the last axis."""


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
    varies = dx @ dx
    return Agreement(
        n=len(x),
        r=correlation(x, y),
        slope=float(dx @ dy / varies) if _is_spread(varies, x) else None,
        bias=float(difference.mean()),
        mae=float(np.abs(difference).mean()),
    )


def correlation(one: ArrayLike, other: ArrayLike) -> float | None:
    """Pearson's correlation; None below :data:`MIN_PAIRS` or where either side does not vary."""
    return _scalar(correlations(*_pair(one, other)))


def correlations(one: Rows, other: Rows) -> Rows:
    """Pearson's correlation along the last axis; NaN where :func:`correlation` has None."""
    if one.shape[-1] < MIN_PAIRS:
        return np.full(one.shape[:-1], np.nan)
    dx, dy = (v - v.mean(axis=-1, keepdims=True) for v in (one, other))
    xx, yy, xy = ((u * v).sum(axis=-1) for u, v in ((dx, dx), (dy, dy), (dx, dy)))
    varies = _is_spread(xx, one) & _is_spread(yy, other)
    r = xy / np.sqrt(np.where(varies, xx * yy, 1.0))
    return np.where(varies, np.clip(r, -1.0, 1.0), np.nan)


def icc(truth: ArrayLike, measured: ArrayLike) -> float | None:
    """Intraclass correlation ICC(2,1): two-way random effects, absolute agreement, one rater.

    Shrout and Fleiss, Psychological Bulletin 1979;86:420. None for fewer than two subjects or
    where nothing varies.
    """
    return _scalar(iccs(*_pair(truth, measured)))


def iccs(truth: Rows, measured: Rows) -> Rows:
    """ICC(2,1) along the last axis; NaN where :func:`icc` has None."""
    n = truth.shape[-1]
    if n < 2:
        return np.full(truth.shape[:-1], np.nan)
    table = np.stack([truth, measured], axis=-1)
    grand = table.mean(axis=(-2, -1), keepdims=True)
    subjects, raters = table.mean(axis=-1, keepdims=True), table.mean(axis=-2, keepdims=True)
    between_subjects = 2.0 * ((subjects - grand) ** 2).sum(axis=(-2, -1)) / (n - 1)
    between_raters = n * ((raters - grand) ** 2).sum(axis=(-2, -1))
    error = ((table - subjects - raters + grand) ** 2).sum(axis=(-2, -1)) / (n - 1)
    total = between_subjects + error + 2.0 * (between_raters - error) / n
    varies = total > 0
    return np.where(varies, (between_subjects - error) / np.where(varies, total, 1.0), np.nan)


def quartiles(values: ArrayLike) -> Spread | None:
    """Median with the quartiles; None where there are no values."""
    found = np.asarray(values, np.float64).ravel()
    if not len(found):
        return None
    low, middle, high = (float(q) for q in np.quantile(found, [0.25, 0.5, 0.75]))
    return Spread(middle, low, high, len(found))


def mean_interval(values: ArrayLike) -> Spread | None:
    """Mean with its 95 % bootstrap interval; None where there are no values."""
    return bootstrap(lambda rows, _: rows.mean(axis=-1), values, values)


def bootstrap(
    statistic: Callable[[Rows, Rows], Rows], truth: ArrayLike, measured: ArrayLike
) -> Spread | None:
    """A statistic of paired values with its 95 % percentile bootstrap interval over the pairs.

    Always the same resamples, so that a report can be made again. An interval of fewer than
    :data:`MIN_PAIRS` pairs is the value itself.

    Parameters
    ----------
    statistic
        Along the last axis, such as :func:`correlations` or :func:`iccs`.
    truth, measured
        One value a case.

    Returns
    -------
    Spread or None
        None where the statistic of all pairs is not defined.
    """
    x, y = _pair(truth, measured)
    value = _scalar(statistic(x, y)) if len(x) else None
    if value is None:
        return None
    if len(x) < MIN_PAIRS:
        return Spread(value, value, value, len(x))
    drawn = np.random.default_rng(_RESAMPLING_SEED).integers(0, len(x), (RESAMPLES, len(x)))
    found = statistic(x[drawn], y[drawn])
    low, high = (float(q) for q in np.nanquantile(np.append(found, value), [0.025, 0.975]))
    return Spread(value, low, high, len(x))


def _scalar(value: Rows) -> float | None:
    return None if np.isnan(value) else float(value)


def _pair(one: ArrayLike, other: ArrayLike) -> tuple[Rows, Rows]:
    x, y = (np.asarray(values, np.float64).ravel() for values in (one, other))
    if x.shape != y.shape:
        raise ValueError(f"{x.size} and {y.size} values make no pairs")
    return x, y


def _is_spread(squares: Rows, values: Rows) -> NDArray[np.bool_]:
    """Whether sums of squared deviations are more than rounding."""
    least = 1e-20 * np.maximum((values**2).sum(axis=-1), 1e-12)
    return np.asarray(squares > least, np.bool_)
