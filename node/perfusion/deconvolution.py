"""Perfusion maps by deconvolution: the classical methods that a network answers to."""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from node.perfusion.arterial import find_inputs
from node.perfusion.box_model import BoxRegression
from node.perfusion.dynamic import DynamicCt
from node.perfusion.input_functions import ArterialInput
from node.perfusion.maps import Estimator, PerfusionMaps
from node.perfusion.model_input import ModelInput
from node.perfusion.quantities import Quantity
from node.perfusion.solution import Method, Solution
from node.perfusion.svd import BlockCirculantSvd, OscillationSvd, StandardSvd
from node.perfusion.tissue import SMOOTHING_MM, WORKERS, Tissue, tissue_of
from node.refusals import Refusal

DENSITY_G_ML = 1.05
# (1 - large-vessel haematocrit) over (1 - capillary haematocrit), inverted: SCIENCE.md section 2.
HAEMATOCRIT_RATIO = (1.0 - 0.45) / (1.0 - 0.25)
VOLUME_ML_100G = 100.0 * HAEMATOCRIT_RATIO / DENSITY_G_ML

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (StandardSvd(), BlockCirculantSvd(), OscillationSvd(), BoxRegression())
    }
)
"""The classical methods by name, as commonly set."""


@dataclass(frozen=True, eq=False)
class Deconvolved:
    """Maps by one deconvolution method, (Z, Y, X) float32, 0 outside the brain.

    Parameters
    ----------
    values
        One map for every :class:`Quantity`, in its unit; TTP from the artery's arrival.
    delay_s
        Arrival behind the artery [s].
    baseline_hu
        Mean of the images before contrast [HU].
    """

    values: Mapping[Quantity, NDArray[np.float32]]
    delay_s: NDArray[np.float32]
    baseline_hu: NDArray[np.float32]


def deconvolve(
    scan: DynamicCt,
    brain: NDArray[np.bool_],
    artery: ArterialInput,
    method: Method,
    *,
    smoothing_mm: float = SMOOTHING_MM,
) -> Deconvolved:
    """Perfusion maps of a scan by a classical method.

    Parameters
    ----------
    scan, brain, artery, smoothing_mm
        As in :func:`tissue_of`.
    method
        One of :data:`METHODS`, or with other parameters.

    Raises
    ------
    ValueError
        As :func:`tissue_of`.
    """
    return solved(tissue_of(scan, brain, artery, smoothing_mm=smoothing_mm), method)


def solved(tissue: Tissue, method: Method) -> Deconvolved:
    """Perfusion maps of a tissue by a classical method.

    Parameters
    ----------
    tissue
        What :func:`tissue_of` gave.
    method
        One of :data:`METHODS`, or with other parameters.
    """
    artery, brain = tissue.artery, tissue.brain
    maps = np.zeros((len(_ORDER) + 1, *brain.shape), np.float32)

    def fill(z: int) -> None:
        solution = method.solve(artery.hu, tissue.curves[z], artery.clock.interval_s)
        maps[:, z, brain[z]] = _in_units(solution)

    with ThreadPoolExecutor(WORKERS) as pool:
        # Every slice writes its own part; list() lets a worker's exception out.
        list(pool.map(fill, np.flatnonzero(brain.any(axis=(1, 2))).tolist()))
    values = dict(zip(_ORDER, maps[:-1], strict=True)) | {Quantity.TTP: tissue.ttp_s}
    return Deconvolved({q: values[q] for q in Quantity}, maps[-1], tissue.baseline_hu)


def find_tissue(prepared: ModelInput, *, smoothing_mm: float = SMOOTHING_MM) -> Tissue | Refusal:
    """The tissue of a prepared scan, its artery and vein found automatically.

    Parameters
    ----------
    prepared
        What a network would be given; its time and pixel grid are not used.
    smoothing_mm
        As in :func:`tissue_of`.

    Returns
    -------
    Tissue or Refusal
        The refusal of :func:`find_inputs`, such as ``NO_BOLUS`` where no artery is found.
    """
    inputs = find_inputs(prepared.scan, prepared.brain, prepared.arrival_s)
    if isinstance(inputs, Refusal):
        return inputs
    return tissue_of(
        prepared.scan, prepared.brain, inputs.arterial_input, smoothing_mm=smoothing_mm
    )


def estimate(
    prepared: ModelInput,
    method: Method,
    *,
    smoothing_mm: float = SMOOTHING_MM,
    tissue: Tissue | None = None,
) -> PerfusionMaps | Refusal:
    """Maps of a prepared scan by a classical method, as a network would return them.

    Artery and vein are found automatically. The maps are on the scan's own grid.

    Parameters
    ----------
    prepared
        What a network would be given; its time and pixel grid are not used.
    method
        One of :data:`METHODS`, or with other parameters.
    smoothing_mm
        As in :func:`tissue_of`; that of ``tissue`` where it is given.
    tissue
        What :func:`find_tissue` gave, where another method asked already.

    Returns
    -------
    PerfusionMaps or Refusal
        As :func:`find_tissue`.
    """
    started = find_tissue(prepared, smoothing_mm=smoothing_mm) if tissue is None else tissue
    if isinstance(started, Refusal):
        return started
    found = solved(started, method)
    return PerfusionMaps(
        values=found.values,
        brain=prepared.brain,
        baseline_hu=found.baseline_hu,
        spacing_mm=prepared.scan.spacing_mm,
        estimator=estimator_of(method, started.smoothing_mm),
    )


def estimator_of(method: Method, smoothing_mm: float = SMOOTHING_MM) -> Estimator:
    """Name and version of a method; the digest is that of its parameters."""
    said = f"{method!r} version {method.version}, smoothing {smoothing_mm:g} mm"
    return Estimator(method.name, method.version, hashlib.sha256(said.encode()).hexdigest())


_ORDER = (Quantity.CBF, Quantity.CBV, Quantity.MTT, Quantity.TMAX)


def _in_units(solution: Solution) -> NDArray[np.float32]:
    """(5, V) the quantities of :data:`_ORDER` in their units, and the delay."""
    return np.stack(
        [
            solution.flow * np.float32(60.0 * VOLUME_ML_100G),
            solution.volume * np.float32(VOLUME_ML_100G),
            solution.mtt_s,
            solution.tmax_s,
            solution.delay_s,
        ]
    )
