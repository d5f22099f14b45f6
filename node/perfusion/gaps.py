"""Images that are not there, made up from their slice's neighbours in time."""

import numpy as np
from numpy.typing import NDArray


def fill(hu: NDArray[np.float32], time_s: NDArray[np.float64], missing: NDArray[np.bool_]) -> None:
    """Interpolates every missing image in time, in place.

    Before the first and after the last image that is there, that one is repeated.

    Parameters
    ----------
    hu
        (T, Z, Y, X) [HU].
    time_s
        (T, Z) [s].
    missing
        (T, Z) bool; every slice must have an image.
    """
    for t, z in np.argwhere(missing):
        known = np.flatnonzero(~missing[:, z])
        before, after = known[known < t], known[known > t]
        first = before[-1] if len(before) else after[0]
        second = after[0] if len(after) else before[-1]
        span_s = time_s[second, z] - time_s[first, z]
        share = (time_s[t, z] - time_s[first, z]) / span_s if span_s > 0 else 0.0
        hu[t, z] = hu[first, z] + np.float32(share) * (hu[second, z] - hu[first, z])
