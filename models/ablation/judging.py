"""Unseen patients of the evaluation's own generator, and how right a variant is about them."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import cycle, islice
from multiprocessing import get_context
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.ablation.variants import Variant
from models.network import SCALES, PerfusionNet
from models.procedural import procedural_scan
from models.simulator import ACQUISITIONS, Acquisition
from models.training import GRID, Batch, Case, case_of
from node.perfusion import LesionThresholds, ModelInput, Quantity, prepare

# Far from the seeds of any training, of the evaluation and of the calibration.
FIRST_SEED = 990_000
DOSES: Mapping[str, float] = MappingProxyType({"full dose": 1.0, "a quarter of the dose": 0.25})
# The model's own pixels, and slices enough for a lesion and its neighbours.
ROWS, SLICES = 128, 8
# A smaller lesion's overlap is a matter of single voxels.
LEAST_ML = 1.0
LESIONS = ("hypoperfusion", "core")
_ORDER = tuple(SCALES)
_TISSUE = 0.5


@dataclass(frozen=True, eq=False)
class Unseen:
    """A patient to be judged on: the case, the dose of its scan, and a voxel's volume [ml]."""

    case: Case
    dose: str
    voxel_ml: float


@dataclass(frozen=True)
class Score:
    """How right the maps of one patient are, in true parenchyma.

    Parameters
    ----------
    dose
        One of :data:`DOSES`.
    dice
        Of hypoperfusion and core, by :data:`LESIONS`; one whose truth has less than
        :data:`LEAST_ML` is absent.
    errors
        Mean absolute error by the quantity's name, in its unit.
    """

    dose: str
    dice: Mapping[str, float]
    errors: Mapping[str, float]

    @property
    def facts(self) -> dict[str, Any]:
        """The score as JSON data."""
        return asdict(self)


def unseen(patients: int, workers: int) -> Iterator[Unseen | None]:
    """So many stroke patients by every acquisition scheme in turn, each at every dose.

    Parameters
    ----------
    patients
        How many.
    workers
        Processes that simulate side by side.

    Yields
    ------
    Unseen or None
        One for every patient and dose; None where ``prepare`` refuses the scan.
    """
    schemes = islice(cycle(ACQUISITIONS.values()), patients)
    asked = [
        (FIRST_SEED + i, replace(scheme.at(ROWS), slices=SLICES), dose)
        for i, scheme in enumerate(schemes)
        for dose in DOSES
    ]
    # Spawned, not forked: torch's threads do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(scanned, *zip(*asked, strict=True))


def scanned(seed: int, acquisition: Acquisition, dose: str) -> Unseen | None:
    """One patient of the evaluation's generator, prepared; None where ``prepare`` refuses.

    Parameters
    ----------
    seed
        Which patient.
    acquisition
        How it is scanned.
    dose
        One of :data:`DOSES`.
    """
    acquisition = replace(acquisition, dose=DOSES[dose])
    simulated = procedural_scan(seed, acquisition, pathology="stroke")
    prepared = prepare(simulated.scan, GRID)
    if not isinstance(prepared, ModelInput):
        return None
    voxel_ml = acquisition.thickness_mm * GRID.pixel_mm**2 / 1000.0
    return Unseen(case_of(simulated, prepared), dose, voxel_ml)


def predicted(network: PerfusionNet, variant: Variant, case: Case) -> NDArray[np.float32]:
    """The maps of a scan as a variant computes them, (Z, 5, H, W).

    Parameters
    ----------
    network
        The variant's, out of training.
    variant
        What it is shown, and how it is used.
    case
        The prepared scan.
    """
    enhancement, baseline, vessels, maps, shares = (
        torch.from_numpy(array.astype(np.float32)) for array in vars(case).values()
    )
    vessels = vessels.expand(len(baseline), -1, -1)
    seen = variant.fed(Batch(enhancement, baseline, vessels, maps, shares))
    found = _maps(network, variant, seen.enhancement, seen.baseline, seen.vessels)
    if variant.mirrored:
        turned = (seen.enhancement.flip(-1), seen.baseline.flip(-1), seen.vessels)
        found = (found + _maps(network, variant, *turned).flip(-1)) / 2.0
    return np.asarray(found.numpy(), np.float32)


def judged(maps: NDArray[np.float32], patient: Unseen) -> Score:
    """How right the maps of a patient are.

    Parameters
    ----------
    maps
        (Z, 5, H, W) in the order of ``models.network.SCALES``.
    patient
        Whose maps, and their truth.
    """
    tissue = patient.case.shares[:, 0] > _TISSUE
    truth = patient.case.maps.astype(np.float32)
    off = np.abs(maps - truth)
    dice = {}
    for name, true, found in zip(LESIONS, lesion(truth, tissue), lesion(maps, tissue), strict=True):
        if true.sum() * patient.voxel_ml >= LEAST_ML:
            dice[name] = float(2.0 * (true & found).sum() / (true.sum() + found.sum()))
    errors = {str(q): float(off[:, i][tissue].mean()) for i, q in enumerate(_ORDER)}
    return Score(patient.dose, dice, errors)


def lesion(
    maps: NDArray[np.float32], tissue: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Hypoperfusion and core, (Z, H, W) bool each, by the node's thresholds, specks and all.

    Hypoperfusion is tissue whose Tmax is above 6 s; core the part of it whose CBF is below
    30 % of normal, which is the mean CBF of the rest of the tissue.

    Parameters
    ----------
    maps
        (Z, 5, H, W) in the order of ``models.network.SCALES``.
    tissue
        (Z, H, W) bool.
    """
    thresholds = LesionThresholds()
    cbf, tmax = (maps[:, _ORDER.index(q)] for q in (Quantity.CBF, Quantity.TMAX))
    slow = tissue & (tmax > thresholds.tmax_s)
    rest = tissue & ~slow
    normal_cbf = float(cbf[rest].mean()) if rest.any() else 0.0
    return slow, slow & (cbf < thresholds.rcbf * normal_cbf)


def _maps(
    network: PerfusionNet, variant: Variant, enhancement: Tensor, baseline: Tensor, vessels: Tensor
) -> Tensor:
    stack = None if variant.neighbours else 1
    with torch.no_grad():
        maps: Tensor = network(enhancement, baseline, vessels, stack).maps
    return maps
