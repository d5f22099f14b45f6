"""Kudo's digital phantom for CT perfusion: an independent check of every estimator.

Kudo et al., Radiology 2013;267:201: 16 sections of 512 x 512 pixels, 30 frames at 2 s. The first
section shows the artery and the vein; the others hold 7 x 7 tiles of 32 x 32 pixels, one section
for each residue function (exponential, linear, box) and CBV (1-5 ml/100 g). Columns have MTT 24 to
3.43 s, rows delay 0 to 3 s. The positions of artery and vein are those of the published images.

The published arterial samples are a gamma variate that starts at 12 s, ``t^3 exp(-t/1.5)``, with
noise of about 1 HU: the tissue is made from that curve, continuous in time. The vein's curve is
not published; here it is the arterial one after the transit through a brain of MTT 4 s, with the
same area. The brain image around the tiles is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.simulator.noise import noise
from models.simulator.residue import RHO_OVER_KH, transported
from node.perfusion import DynamicCt, Quantity

RESIDUES = ("exponential", "linear", "box")
CBV_ML_100G = (1.0, 2.0, 3.0, 4.0, 5.0)
MTT_S = tuple(24.0 / n for n in range(1, 8))
DELAY_S = tuple(0.5 * n for n in range(7))
FRAMES, INTERVAL_S = 30, 2.0
BASELINE_HU = 40.0
ARRIVAL_S = 12.0
PUBLISHED_AIF_HU = np.array(
    [
        [40.9, 39.6, 39.7, 40.2, 39.9, 41.2, 41.2, 258.9, 494.2, 446.7],
        [291.6, 170.5, 100.9, 64.7, 49.9, 45.0, 42.5, 40.2, 39.5, 38.3],
        [41.0, 39.6, 40.2, 41.3, 41.4, 39.9, 39.2, 39.4, 41.7, 39.0],
    ]
).ravel()
"""Arterial attenuation at the 30 frames [HU], as published, its partial volume corrected."""

_SCALE_HU, _TIME_SCALE_S = 102.1, 1.5
_TISSUE_TRANSIT_S, _VENOUS_DELAY_S = 4.0, 2.0
_FINE_S = 0.05
_TILE_PX, _SIZE_PX = 32, 512
# (first row, first column, pixels) in the first section.
_ARTERY, _VEIN = (123, 251, 8), (410, 247, 16)


@dataclass(frozen=True, eq=False)
class KudoPhantom:
    """The phantom and its truth.

    Parameters
    ----------
    scan
        (30, 16, Y, X) with the artery and the vein in the first slice.
    maps
        One (Z, Y, X) float32 array for every quantity, 0 outside the tiles; Tmax is
        delay + MTT/2, TTP counts from the arrival of contrast.
    delay_s
        (Z, Y, X) float32 [s].
    tiles, artery, vein
        (Z, Y, X) bool, where they are.
    time_s, aif_hu
        The arterial enhancement that the tissue was made from, finely sampled [s], [HU].
    arrival_s
        When contrast arrives [s].
    """

    scan: DynamicCt
    maps: Mapping[Quantity, NDArray[np.float32]]
    delay_s: NDArray[np.float32]
    tiles: NDArray[np.bool_]
    artery: NDArray[np.bool_]
    vein: NDArray[np.bool_]
    time_s: NDArray[np.float64]
    aif_hu: NDArray[np.float64]
    arrival_s: float


def kudo_phantom(*, noise_hu: float = 0.0, seed: int = 0, shrink: int = 1) -> KudoPhantom:
    """Kudo's phantom with its truth.

    Parameters
    ----------
    noise_hu
        Standard deviation of correlated noise at the published pixel [HU]; 0 for none.
    seed
        Of the noise.
    shrink
        Divides the published matrix of 512 x 512; 2 or 4 for a quick test.

    Raises
    ------
    ValueError
        If the matrix cannot be divided so, or the noise is negative.
    """
    if shrink not in (1, 2, 4) or noise_hu < 0:
        raise ValueError(f"shrink {shrink} must be 1, 2 or 4, and noise {noise_hu} not negative")
    size, pixel_mm = _SIZE_PX // shrink, 230.4 / 512 * shrink
    fine_s = np.arange(0.0, FRAMES * INTERVAL_S + 2.0, _FINE_S)
    aif = gamma_variate(fine_s)
    hu = np.full((FRAMES, 16, size, size), BASELINE_HU, np.float32)
    truth = np.zeros((6, 16, size, size), np.float32)
    artery, vein = (_square(place, shrink, size) for place in (_ARTERY, _VEIN))
    frames_s = INTERVAL_S * np.arange(FRAMES)
    venous = through("exponential", _TISSUE_TRANSIT_S, _VENOUS_DELAY_S, fine_s)
    hu[:, 0, artery[0]] = PUBLISHED_AIF_HU[:, None]
    hu[:, 0, vein[0]] += np.interp(frames_s, fine_s, venous)[:, None]
    for z, (residue, cbv) in enumerate(((r, c) for r in RESIDUES for c in CBV_ML_100G), start=1):
        _fill_tiles(hu[:, z], truth[:, z], residue, cbv, shrink, fine_s)
    if noise_hu > 0:
        rng = np.random.default_rng(seed)
        for z in range(16):
            hu[:, z] += noise(rng, (FRAMES, size, size), noise_hu, pixel_mm)
    times = np.repeat(frames_s[:, None], 16, axis=1)
    scan = DynamicCt(hu, times, (5.0, pixel_mm, pixel_mm), np.zeros(times.shape, bool))
    return KudoPhantom(
        scan=scan,
        maps=dict(zip(_ORDER, truth[:5], strict=True)),
        delay_s=truth[5],
        tiles=truth[1] > 0,
        artery=artery,
        vein=vein,
        time_s=fine_s,
        aif_hu=aif,
        arrival_s=ARRIVAL_S,
    )


_ORDER = (Quantity.CBF, Quantity.CBV, Quantity.MTT, Quantity.TTP, Quantity.TMAX)


def gamma_variate(t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The phantom's arterial enhancement, continuous in time [HU]."""
    late = np.clip(t_s - ARRIVAL_S, 0.0, None)
    curve: NDArray[np.float64] = _SCALE_HU * late**3 * np.exp(-late / _TIME_SCALE_S)
    return curve


def _fill_tiles(
    hu: NDArray[np.float32],
    truth: NDArray[np.float32],
    residue: str,
    cbv: float,
    shrink: int,
    fine_s: NDArray[np.float64],
) -> None:
    """Add one section's tiles to its images (T, Y, X) and to its truth (6, Y, X), in place."""
    frames_s = INTERVAL_S * np.arange(FRAMES)
    tile = _TILE_PX // shrink
    first = (hu.shape[1] - 7 * tile) // 2
    for row, delay_s in enumerate(DELAY_S):
        for column, mtt_s in enumerate(MTT_S):
            curve = RHO_OVER_KH * cbv / 100.0 * through(residue, mtt_s, delay_s, fine_s)
            y, x = first + row * tile, first + column * tile
            place = slice(y, y + tile), slice(x, x + tile)
            hu[:, *place] += np.interp(frames_s, fine_s, curve)[:, None, None]
            ttp_s = fine_s[curve.argmax()] - ARRIVAL_S
            values = (60.0 * cbv / mtt_s, cbv, mtt_s, ttp_s, delay_s + mtt_s / 2.0, delay_s)
            truth[:, *place] = np.reshape(values, (6, 1, 1))


def through(
    residue: str, mtt_s: float, delay_s: float, fine_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The arterial enhancement after a transit, (N,) [HU] for blood alone.

    Parameters
    ----------
    residue
        One of the simulator's residue functions.
    mtt_s, delay_s
        Mean transit time and delay [s].
    fine_s
        Evenly spaced times [s] from 0.
    """
    step = float(fine_s[1] - fine_s[0])
    edges = np.append(fine_s, fine_s[-1] + step) - step / 2.0
    transit = np.diff(transported(residue, edges, mtt_s))
    moved: NDArray[np.float64] = np.convolve(gamma_variate(fine_s - delay_s), transit)
    return moved[: len(fine_s)]


def _square(place: tuple[int, int, int], shrink: int, size: int) -> NDArray[np.bool_]:
    """(16, Y, X) bool, a square in the first section."""
    y, x, side = (n // shrink for n in place)
    mask = np.zeros((16, size, size), bool)
    mask[0, y : y + side, x : x + side] = True
    return mask
