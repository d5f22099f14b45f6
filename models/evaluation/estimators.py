"""What computes maps from a scan: the shipped network, any other, and the classical methods."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from models.evaluation.classical import Classical
from node.inference import load_model, read_manifest
from node.perfusion import METHODS, DynamicCt, ModelInput, PerfusionMaps, prepare
from node.refusals import Refusal

WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "perfusion.onnx"
NETWORK = "network"
PAPER_SMALL = "paper-small"
# What a network that comes with the project is called, and its file.
_SHIPPED = {NETWORK: WEIGHTS, PAPER_SMALL: WEIGHTS.with_name("paper-small.onnx")}
_BY_LOWER = {name.lower(): name for name in METHODS}
Estimate = Callable[[DynamicCt], PerfusionMaps | Refusal]


@dataclass(frozen=True)
class EstimatorId:
    """Which estimator: what a cached result is kept under.

    Parameters
    ----------
    name
        What a report calls it.
    version
        Its version.
    digest
        Of the network's weights; empty for a classical method.
    source
        What :func:`estimator` opens: a classical method's name, ``network``, ``paper-small``
        (the small network of Gava et al. 2023), or a path.
    """

    name: str
    version: str
    digest: str
    source: str


def identify(source: str) -> EstimatorId:
    """The estimator of a name or of the path of an .onnx file.

    Raises
    ------
    ModelError
        If an .onnx file or its manifest is missing or damaged.
    ValueError
        If there is no such estimator.
    """
    source = _BY_LOWER.get(source.lower(), source)
    if source in METHODS:
        return EstimatorId(source, METHODS[source].version, "", source)
    if source not in _SHIPPED and not source.endswith(".onnx"):
        names = ", ".join((*_SHIPPED, *METHODS))
        raise ValueError(f"no estimator {source!r}; there are {names}, or a path to an .onnx file")
    manifest = read_manifest(_weights(source))
    name = source if source in _SHIPPED else f"{manifest.name} ({Path(source).stem})"
    return EstimatorId(name, manifest.version, manifest.sha256, source)


@lru_cache(maxsize=8)
def estimator(source: str) -> Estimate:
    """The estimator of an :attr:`EstimatorId.source`, ready to run; opened once a process.

    Raises
    ------
    ModelError
        If an .onnx file cannot be opened.
    """
    return Classical(METHODS[source]) if source in METHODS else _network(_weights(source))


def _weights(source: str) -> Path:
    return _SHIPPED.get(source, Path(source))


def _network(weights: Path) -> Estimate:
    # One thread: the evaluation runs a case on every core.
    model = load_model(weights, device="cpu", threads=1)

    def predict(scan: DynamicCt) -> PerfusionMaps | Refusal:
        prepared = prepare(scan, model.grid)
        return model.predict(prepared) if isinstance(prepared, ModelInput) else prepared

    return predict


ALL = (*_SHIPPED, *METHODS)
"""Every estimator that comes with the project."""
