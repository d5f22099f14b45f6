"""Where tissue ends, on the scan's own pixels: the network's coarser word and the attenuation."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from node.perfusion.quantities import Quantity

# What surely is tissue shows its attenuation and the noise.
SURE = 0.95
LEAST_SURE_PIXELS = 50
# A voxel this far below the tissue's median speaks neither for tissue nor for fluid [HU]: grey
# matter and white lie within 4 HU of the median, fluid about 19 below, an infarct up to 8.
NEITHER_HU = 6.0
NEITHER_INFARCT_HU = 8.5
# Where an infarct is likely: blood late, and flow below a third of the tissue's median.
LATE_S, LOW_FLOW = 6.0, 0.33
# Logarithm of the odds for every standard deviation of the baseline's noise above that, up to one:
# what is brighter is no fluid, but blood is brighter than tissue.
GAIN = 0.7
MOST_ABOVE = 1.0
LEAST_NOISE_HU = 1.0
LEAST_ODDS = 1e-4


def sharpened(
    parenchyma: NDArray[np.float32],
    baseline_hu: NDArray[np.float32],
    brain: NDArray[np.bool_],
    values: Mapping[Quantity, NDArray[np.float32]],
) -> NDArray[np.float32]:
    """The probability of parenchyma with each voxel's own attenuation weighed in.

    The network sees pixels of 1.8 mm and has learned from one simulator's sulci. A voxel's
    baseline says on the scan's own pixels how much of it is fluid, the better the less noise;
    of vessels it says nothing. An infarct is darker than tissue, so more is forgiven there.

    Parameters
    ----------
    parenchyma
        (Z, Y, X) float32, the network's probability of grey or white matter.
    baseline_hu
        (Z, Y, X) float32 [HU].
    brain
        (Z, Y, X) bool.
    values
        The maps, (Z, Y, X) float32; Tmax [s] and CBF tell where an infarct is likely.

    Returns
    -------
    (Z, Y, X) float32; as it was where too little surely is tissue
    """
    sure = brain & (parenchyma > SURE)
    if sure.sum() < LEAST_SURE_PIXELS:
        return parenchyma
    flow = values[Quantity.CBF]
    infarct = (values[Quantity.TMAX] > LATE_S) & (flow < LOW_FLOW * np.median(flow[sure]))
    darker = np.where(infarct, np.float32(NEITHER_INFARCT_HU), np.float32(NEITHER_HU))
    neither_hu = np.median(baseline_hu[sure]) - darker
    above = (baseline_hu - neither_hu) / _noise_hu(baseline_hu, sure)
    known = np.clip(parenchyma, LEAST_ODDS, 1.0 - LEAST_ODDS)
    odds = np.log(known / (1.0 - known)) + GAIN * np.minimum(above, MOST_ABOVE)
    # Below that the probability is 0 in single precision; air would overflow.
    sharp: NDArray[np.float32] = (1.0 / (1.0 + np.exp(-np.maximum(odds, -30.0)))).astype(np.float32)
    return sharp


def _noise_hu(baseline_hu: NDArray[np.float32], sure: NDArray[np.bool_]) -> float:
    """The baseline's noise by what neighbours in a row of sure tissue differ [HU]."""
    pairs = sure[:, :, 1:] & sure[:, :, :-1]
    apart = np.abs(np.diff(baseline_hu, axis=2)[pairs])
    # The median of absolute differences is 0.954 standard deviations of either neighbour.
    return max(float(np.median(apart)) / 0.954, LEAST_NOISE_HU) if apart.size else LEAST_NOISE_HU
