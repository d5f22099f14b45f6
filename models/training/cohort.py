"""The patients a network learns from: simulated once, prepared like any scan, kept on disk."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.network import SCALES
from models.simulator import Movement, Plan, Realism, SimulatedScan
from node.perfusion import ModelGrid, ModelInput, Quantity, onto_model, prepare

# Part of every cached file's name: raise it when simulator or preparation change the numbers.
VERSION = 6
GRID = ModelGrid(time_points=32, interval_s=2.0, pixel_mm=1.8, multiple=16)
# What motion correction leaves of a head's movement, and the longest stack worth simulating.
RESIDUAL_MM = 1.0
MAX_SLICES = 16
# A quarter of the cohort is drawn at the pixels that serving sees and averaged down by
# ``prepare``; the rest directly at the model's, which is ten times as quick.
FINE_EVERY = 4
PATIENTS_A_RUN = 100_000


@dataclass(frozen=True, eq=False)
class Case:
    """One prepared patient with its truth on the model's pixels.

    Parameters
    ----------
    enhancement
        (Z, N, H, W) float16 [HU].
    baseline_hu
        (Z, H, W) float16 [HU].
    vessels_hu
        (2, N) float32 [HU].
    maps
        (Z, 5, H, W) float16 in the order of ``models.network.SCALES``; TTP from the arrival that
        ``prepare`` finds.
    shares
        (Z, 4, H, W) float16: how much of each pixel is parenchyma, hypoperfusion, core, and
        brain of any kind.
    """

    enhancement: NDArray[np.float16]
    baseline_hu: NDArray[np.float16]
    vessels_hu: NDArray[np.float32]
    maps: NDArray[np.float16]
    shares: NDArray[np.float16]


def patients_of(seed: int, cases: int) -> range:
    """The seeds of the patients that a run of some seed learns from: none of another run's.

    Parameters
    ----------
    seed
        Of the run.
    cases
        How many patients.
    """
    return range(PATIENTS_A_RUN * seed, PATIENTS_A_RUN * seed + cases)


def plan(seed: int) -> Plan:
    """How the patient of a seed is scanned: out of everything that the simulator can do.

    The node corrects motion before the network sees a scan, so that what is left of it is at
    most :data:`RESIDUAL_MM`.
    """
    drawn = Plan.drawn(seed, 256 if seed % FINE_EVERY == 0 else 128)
    rng = np.random.default_rng([seed, 77])
    left_mm = float(rng.choice([0.0, rng.uniform(0.0, RESIDUAL_MM)]))
    real = drawn.realism or Realism()
    return replace(
        drawn,
        acquisition=replace(drawn.acquisition, slices=min(drawn.acquisition.slices, MAX_SLICES)),
        realism=replace(real, movement=Movement(left_mm, left_mm / 2.0, jumps=1)),
    )


def build(seed: int) -> Case | None:
    """The prepared patient of a seed; None where ``prepare`` refuses the scan."""
    simulated = plan(seed).simulated()
    prepared = prepare(simulated.scan, GRID)
    if not isinstance(prepared, ModelInput):
        return None
    return case_of(simulated, prepared)


def case_of(simulated: SimulatedScan, prepared: ModelInput) -> Case:
    """A simulated scan's input with its truth brought to the same pixels."""
    truth = simulated.truth
    masks = (truth.masks.parenchyma, truth.hypoperfusion, truth.core, truth.masks.brain)
    shares = np.stack([onto_model(mask.astype(np.float32), prepared) for mask in masks], axis=1)
    # Nobody knows when contrast really arrived: the network counts from where serving finds it.
    late_s = prepared.arrival_s - truth.arrival_s
    measured = {**truth.maps, Quantity.TTP: truth.maps[Quantity.TTP] - np.float32(late_s)}
    maps = np.stack([onto_model(measured[quantity], prepared) for quantity in SCALES], axis=1)
    return Case(
        enhancement=prepared.enhancement.astype(np.float16),
        baseline_hu=prepared.baseline_hu.astype(np.float16),
        vessels_hu=prepared.vessels_hu,
        maps=maps.astype(np.float16),
        shares=shares.astype(np.float16),
    )


def cohort(folder: Path, seeds: Sequence[int], workers: int) -> Iterator[Case | None]:
    """The cases of some seeds, simulated where they are not on disk yet.

    Parameters
    ----------
    folder
        Where cases are kept.
    seeds
        Which patients.
    workers
        Processes that simulate side by side.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"v{VERSION}-{seed:06d}.npz" for seed in seeds]
    todo = [(s, p) for s, p in zip(seeds, paths, strict=True) if not p.exists()]
    # Spawned, not forked: torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        made = {path: pool.submit(_make, seed, path) for seed, path in todo}
        for path in paths:
            if path in made:
                made[path].result()
            yield _read(path)


def _make(seed: int, path: Path) -> None:
    case = build(seed)
    arrays = vars(case) if case else {}
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, **arrays)
    partial.replace(path)


def _read(path: Path) -> Case | None:
    with np.load(path) as arrays:
        return Case(**arrays) if arrays.files else None
