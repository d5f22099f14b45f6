"""How well two readings of the same thing agree: overlap, correlation, limits of agreement."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Below this many pairs a correlation is a coincidence.
MIN_PAIRS = 3


@dataclass(frozen=True)
class Limits:
    """Bland and Altman's limits of agreement of measured less reference values, in their unit.

    ``bias`` is the mean difference; ``low`` and ``high`` lie 1.96 sample standard deviations
    from it (Lancet 1986;327:307).
    """

    bias: float
    low: float
    high: float


def dice(reference: NDArray[np.bool_], measured: NDArray[np.bool_]) -> float | None:
    """Dice overlap of two masks of one shape, 0 to 1; None where both are empty."""
    total = int(reference.sum()) + int(measured.sum())
    return 2.0 * int((reference & measured).sum()) / total if total else None


def correlation(one: ArrayLike, other: ArrayLike) -> float | None:
    """Pearson's correlation; None for fewer than three pairs or where either does not vary."""
    x, y = _pair(one, other)
    if len(x) < MIN_PAIRS:
        return None
    dx, dy = x - x.mean(), y - y.mean()
    varies = [d @ d > 1e-20 * max(float(v @ v), 1e-12) for d, v in ((dx, x), (dy, y))]
    if not all(varies):
        return None
    return float(np.clip(dx @ dy / np.sqrt((dx @ dx) * (dy @ dy)), -1.0, 1.0))


def limits(reference: ArrayLike, measured: ArrayLike) -> Limits | None:
    """Limits of agreement of measured less reference; None for fewer than two pairs."""
    x, y = _pair(reference, measured)
    if len(x) < 2:
        return None
    difference = y - x
    bias, spread = float(difference.mean()), 1.96 * float(difference.std(ddof=1))
    return Limits(bias, bias - spread, bias + spread)


def _pair(one: ArrayLike, other: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = (np.asarray(values, np.float64).ravel() for values in (one, other))
    if x.shape != y.shape:
        raise ValueError(f"{x.size} and {y.size} values make no pairs")
    return x, y
