"""Flow that the simulator did not draw: tissue with more or less blood, at the same speed."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.training.furrows import FLOW_MAPS, Stack, noise_of, smooth_field

# Logarithms of the factors on hypoperfused tissue, on its core besides, and anywhere at all.
HYPOPERFUSED = (-0.45, 0.45)
CORE = (-0.3, 0.5)
MAX_ANYWHERE = 0.2
WAVE_PX = (4.0, 24.0)
BORDER_PX = 1.0


def reflowed(rng: np.random.Generator, stack: Stack) -> Stack:
    """A stack whose lesions, and tissue at large, hold more or less blood than they did.

    Enhancement, flow and volume share a factor; transit times and delays stay: that is exact.
    The simulator's cores and penumbras each keep to a range of flow with little between them,
    so that a network learns to guess which of the two it sees. Here every flow occurs.

    Parameters
    ----------
    stack
        As for :func:`models.training.furrows.furrowed`.
    """
    enhancement, baseline, maps, shares = stack
    hypoperfused, core, brain = shares[:, 1], shares[:, 2], shares[:, 3]
    wave = smooth_field(rng, brain.shape, float(rng.uniform(*WAVE_PX)))
    logarithm = np.float32(rng.uniform(0.0, MAX_ANYWHERE)) * wave
    for lesion, bounds in ((hypoperfused, HYPOPERFUSED), (core, CORE)):
        logarithm += np.float32(rng.uniform(*bounds)) * _soft(lesion)
    factor = np.where(brain > 0, np.exp(logarithm), 1.0).astype(np.float32)[:, None]
    # What less blood takes of the noise's variance is made up for; more blood is a little noisier.
    lost = noise_of(enhancement, brain) * np.sqrt(np.clip(1.0 - factor**2, 0.0, None))
    rough = rng.standard_normal(enhancement.shape, dtype=np.float32)
    flowing = maps.copy()
    flowing[:, FLOW_MAPS] *= factor
    return enhancement * factor + lost * rough, baseline, flowing, shares


def _soft(lesion: NDArray[np.float32]) -> NDArray[np.float32]:
    soft: NDArray[np.float32] = ndimage.gaussian_filter(lesion, (0.0, BORDER_PX, BORDER_PX))
    return soft
