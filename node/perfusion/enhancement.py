"""The pre-bolus baseline that enhancement is measured from."""

import numpy as np
from numpy.typing import NDArray

# Contrast is found where it has begun to rise; frames just before may already hold some.
GUARD_S = 1.0


def frames_before(
    time_s: NDArray[np.float64], arrival_s: float, guard_s: float = GUARD_S
) -> NDArray[np.bool_]:
    """(T, Z) bool, True for the images taken before contrast."""
    return time_s <= arrival_s - guard_s


def baseline_weights(time_s: NDArray[np.float64], arrival_s: float) -> NDArray[np.float32]:
    """Weights that average, slice by slice, the images before contrast.

    A slice without any such image takes its first one: :func:`node.perfusion.assess` flags
    that there is no baseline.

    Parameters
    ----------
    time_s
        (T, Z) [s].
    arrival_s
        When contrast arrives [s].

    Returns
    -------
    (T, Z) float32, columns sum to 1
    """
    before = frames_before(time_s, arrival_s)
    before[0] |= ~before.any(axis=0)
    weights: NDArray[np.float32] = (before / before.sum(axis=0)).astype(np.float32)
    return weights
