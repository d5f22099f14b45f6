"""Boluses in stock: tissue curves of any perfusion, as a scan and its preparation show them.

A network that has only seen whole heads learns where a curve lies as much as what it means. Drawn
from here, curves of any transit time and delay, behind boluses and samplings of every kind, teach
what they mean wherever they lie.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from models.network import SCALES
from models.simulator import ACQUISITIONS, FAMILIES, Bolus, SliceTable, TissueTable
from models.training.cohort import GRID
from node.perfusion import LEAD_S, Quantity, averaging_weights, baseline_weights

# Far beyond the patients' 9 to 19 s: a phantom's bolus is half as wide.
WIDTH_S = (3.5, 20.0)
# As many voxels as ``prepare`` averages for the artery and for the vein.
VESSEL_VOXELS = 12
# Where ``prepare`` finds the arrival: on the upstroke, give or take.
FOUND_LATE_S = (-0.5, 3.5)
SHORTEST_SCAN_S = 24.0
FASTEST_FLOW = 110.0


@dataclass(frozen=True, eq=False)
class Tissue:
    """Perfusion of V voxels, each (V,) float32: volume [ml/100 g], transit time and delay [s]."""

    cbv: NDArray[np.float32]
    mtt_s: NDArray[np.float32]
    delay_s: NDArray[np.float32]

    @classmethod
    def drawn(cls, rng: np.random.Generator, voxels: int) -> "Tissue":
        """Tissue of every kind, far beyond what one head holds."""
        mtt_s = np.exp(rng.uniform(np.log(1.5), np.log(26.0), voxels))
        cbv = np.exp(rng.uniform(np.log(0.25), np.log(7.0), voxels))
        late = rng.random(voxels) < 0.5
        delay_s = np.where(late, rng.uniform(0.0, 13.0, voxels), rng.uniform(0.0, 2.5, voxels))
        # Faster flow is a vessel's.
        cbv = np.minimum(cbv, FASTEST_FLOW * mtt_s / 60.0)
        return cls(*(part.astype(np.float32) for part in (cbv, mtt_s, delay_s)))


@dataclass(frozen=True, eq=False)
class Stock:
    """One bolus as one scanner samples it, on the model's time grid.

    Parameters
    ----------
    onto
        (N, T) float32: takes the baseline off and brings T samples to the model's grid.
    seen
        The bolus through tissue on the model's grid [HU] per unit of blood volume.
    table
        The bolus through tissue, for the times of its peaks.
    vessels_hu
        (2, T) float32, artery and vein as measured, without noise [HU].
    found_s
        When ``prepare`` would find that contrast arrives [s].
    """

    onto: NDArray[np.float32]
    seen: SliceTable
    table: TissueTable
    vessels_hu: NDArray[np.float32]
    found_s: float

    @classmethod
    def drawn(cls, seed: int) -> "Stock":
        """The stock of a seed."""
        rng = np.random.default_rng([seed, 31])
        times_s = _times(rng)
        bolus = _bolus(rng, float(times_s[-1]))
        table = TissueTable.of(bolus, _mixture(rng), float(rng.uniform(0, 3) * rng.integers(2)))
        found_s = bolus.arrival_s + rng.uniform(*FOUND_LATE_S)
        grid = (found_s - LEAD_S, GRID.interval_s, GRID.time_points)
        before = baseline_weights(times_s[:, None], found_s)[:, 0]
        onto = averaging_weights(times_s, *grid) - before
        seen = (table.sampled(times_s).values @ onto.T).astype(np.float32)
        artery = bolus.artery(times_s - rng.uniform(0.0, 0.8)) * rng.uniform(0.25, 1.0)
        vein = np.interp(times_s, bolus.time_s, bolus.vof) * rng.uniform(0.85, 1.0)
        vessels = np.stack([artery, vein]).astype(np.float32)
        # The table itself is needed for its peaks alone.
        peaks = replace(table, curves=np.zeros((0, 0, 0), np.float32))
        return cls(onto, SliceTable(seen), peaks, vessels, found_s)

    def curves(
        self, rng: np.random.Generator, tissue: Tissue, noise_hu: float
    ) -> NDArray[np.float32]:
        """Tissue curves on the model's grid with the scanner's noise, (V, N) [HU]."""
        clean = self.seen.curves(tissue.mtt_s, tissue.delay_s) * (tissue.cbv / 100.0)[:, None]
        noise = rng.standard_normal((len(clean), self.onto.shape[1]), dtype=np.float32)
        noisy: NDArray[np.float32] = clean + np.float32(noise_hu) * (noise @ self.onto.T)
        return noisy

    def vessels(self, rng: np.random.Generator, noise_hu: float) -> NDArray[np.float32]:
        """Artery and vein on the model's grid as ``prepare`` would read them, (2, N) [HU]."""
        sigma_hu = np.float32(noise_hu / VESSEL_VOXELS**0.5)
        noise = rng.standard_normal(self.vessels_hu.shape, dtype=np.float32)
        measured: NDArray[np.float32] = (self.vessels_hu + sigma_hu * noise) @ self.onto.T
        return measured

    def maps(self, tissue: Tissue) -> NDArray[np.float32]:
        """The truth of the voxels, (5, V) in the units and the order of ``SCALES``."""
        peak_s = self.table.peaks(tissue.mtt_s, tissue.delay_s) - np.float32(self.found_s)
        truth = {
            Quantity.CBF: 60.0 * tissue.cbv / tissue.mtt_s,
            Quantity.CBV: tissue.cbv,
            Quantity.MTT: tissue.mtt_s,
            Quantity.TTP: peak_s,
            Quantity.TMAX: tissue.delay_s + tissue.mtt_s / 2.0,
        }
        return np.stack([truth[quantity] for quantity in SCALES]).astype(np.float32)


def stocks(count: int, seed: int, workers: int) -> Iterator[Stock]:
    """As many boluses, drawn side by side by so many processes."""
    # Spawned, not forked: torch's threads do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(Stock.drawn, range(seed * count, (seed + 1) * count), chunksize=16)


def _bolus(rng: np.random.Generator, end_s: float) -> Bolus:
    """A patient's bolus, or one of any width that leaves the scan time to see it."""
    drawn = Bolus.drawn(rng, end_s, low_output=bool(rng.random() < 0.15))
    if rng.random() < 0.5:
        return drawn
    width_s = float(np.exp(rng.uniform(*np.log(WIDTH_S))))
    shape = float(rng.uniform(1.5, 6.0))
    return replace(
        drawn,
        shape=shape,
        scale_s=width_s / (2.35 * np.sqrt(shape)),
        plateau=float(rng.uniform(0.0, 0.45)),
        recirculation_s=float(rng.uniform(5.0, 14.0)),
        venous_delay_s=float(rng.uniform(1.0, 4.5)),
        venous_transit_s=float(rng.uniform(2.5, 7.0)),
    )


def _mixture(rng: np.random.Generator) -> NDArray[np.float64]:
    """One residue function or a mixture of them."""
    if rng.random() < 0.6:
        alone = int(rng.integers(len(FAMILIES)))
        return np.asarray(np.arange(len(FAMILIES)) == alone, np.float64)
    return rng.dirichlet(np.ones(len(FAMILIES)))


def _times(rng: np.random.Generator) -> NDArray[np.float64]:
    """The times of one slice of one of the scanners, perhaps cut off, (T,) [s]."""
    scheme = ACQUISITIONS[str(rng.choice(list(ACQUISITIONS)))]
    times_s = scheme.times_s(rng)[:, rng.integers(scheme.slices)]
    last_s = max(SHORTEST_SCAN_S, float(times_s[-1]) * rng.uniform(0.6, 1.1))
    kept: NDArray[np.float64] = times_s[times_s <= last_s]
    return kept
