"""What a deficit of blood supply does to flow, volume and delay."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Change:
    """How far tissue is from healthy; every array (Z, Y, X).

    Parameters
    ----------
    cbf, cbv
        Factors on the healthy values.
    delay_s
        Seconds added to the healthy delay.
    infarct
        0 to 1, how far a voxel is infarcted.
    cavity
        0 to 1, how much of a voxel's tissue has turned into fluid; None for nowhere.
    """

    cbf: NDArray[np.floating]
    cbv: NDArray[np.floating]
    delay_s: NDArray[np.floating]
    infarct: NDArray[np.floating]
    cavity: NDArray[np.floating] | None = None


def of_stroke(
    rng: np.random.Generator,
    deficit: NDArray[np.float32],
    infarct: NDArray[np.float32],
    wobble: NDArray[np.float32],
) -> Change:
    """The change by how deep an occlusion's deficit is (SCIENCE.md section 3's ranges).

    Parameters
    ----------
    rng
        Draws this patient's depths.
    deficit
        0.3 is benign oligaemia, 0.5 the edge of the penumbra, 0.75 its depth, 1 an infarct.
    infarct
        0 to 1, how far a voxel is infarcted.
    wobble
        A field of unit variance by which delays vary.
    """
    depth = [0.0, 0.3, 0.5, 0.75, 0.85, 1.0]
    penumbra, floor = rng.uniform(0.40, 0.52), rng.uniform(0.06, 0.14)
    cbf = np.interp(deficit, depth, [1.0, 0.82, 0.64, penumbra, 0.2, floor])
    recruited = rng.uniform(1.0, 1.15)
    cbv = np.interp(deficit, depth, [1.0, 1.05, recruited, 0.95, 0.5, 1.8 * floor])
    slowest = rng.uniform(6.0, 9.5)
    delay = np.interp(deficit, depth, [0.0, 1.3, 3.4, 0.8 * slowest, 0.9 * slowest, slowest])
    return Change(cbf, cbv, delay * np.exp(0.15 * wobble), infarct)
