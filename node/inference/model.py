"""The network in ONNX Runtime: verified against its manifest, warm, batch by batch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node import log
from node.errors import InferenceError, ModelError
from node.inference.manifest import Input, Manifest, Output, manifest_path, read_manifest
from node.inference.session import open_session, run_session
from node.perfusion import (
    Estimator,
    ModelGrid,
    ModelInput,
    PerfusionMaps,
    Quantity,
    averaged_alike,
    restore,
    tolerance_hu,
)

# Slices at once: bounds the memory of a 320-row volume, and keeps the cores busy.
BATCH_SLICES = 16
# What a graph may take; it must take the first.
INPUTS = ("enhancement", "baseline", "vessels")


class OnnxModel:
    """A verified model in a warm session; implements :class:`node.ports.Model`.

    Parameters
    ----------
    manifest
        What the model says of itself.
    session
        An ``onnxruntime.InferenceSession`` whose inputs and outputs match the manifest.
    """

    def __init__(self, manifest: Manifest, session: Any) -> None:
        self._manifest = manifest
        self._session = session

    @property
    def manifest(self) -> Manifest:
        """What the model says of itself."""
        return self._manifest

    @property
    def estimator(self) -> Estimator:
        """Name, version and digest, as every result carries them."""
        return Estimator(self._manifest.name, self._manifest.version, self._manifest.sha256)

    @property
    def grid(self) -> ModelGrid:
        """The grid it wants its input on."""
        return self._manifest.model_grid

    @property
    def familiar(self) -> Mapping[str, tuple[float, float]]:
        """Between which values the features of the scans lay that it learned from."""
        return self._manifest.familiar

    @property
    def provider(self) -> str:
        """The ONNX Runtime execution provider in use, such as ``CPUExecutionProvider``."""
        return str(self._session.get_providers()[0])

    def predict(self, prepared: ModelInput) -> PerfusionMaps:
        """The maps on the scan's grid.

        Raises
        ------
        InferenceError
            If the input was made for another grid, ONNX Runtime fails, or the network's
            values are not finite.
        """
        if prepared.grid != self.grid:
            raise InferenceError(f"input made for {prepared.grid}, the model wants {self.grid}")
        tolerance = 0.0
        if self._manifest.denoised:
            tolerance = tolerance_hu(prepared.enhancement, prepared.vessels_hu)
        parts = [
            self._maps(prepared, first, tolerance)
            for first in range(0, len(prepared.enhancement), BATCH_SLICES)
        ]
        planes = {
            output.name: np.concatenate([part[i] for part in parts]) * np.float32(output.scale)
            for i, output in enumerate(self._manifest.outputs)
        }
        for name, values in planes.items():
            if not np.isfinite(values).all():
                raise InferenceError(f"the network's {name} holds values that are not finite")
        return restore(
            self._of_kind("map", planes),
            prepared,
            self.estimator,
            uncertainty=self._of_kind("uncertainty", planes),
            parenchyma=self._parenchyma(planes),
        )

    def _of_kind(
        self, kind: str, planes: Mapping[str, NDArray[np.float32]]
    ) -> dict[Quantity, NDArray[np.float32]]:
        return {
            output.quantity: planes[output.name]
            for output in self._manifest.outputs
            if output.kind == kind and output.quantity
        }

    def _parenchyma(self, planes: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32] | None:
        outputs = self._manifest.outputs
        return next((planes[o.name] for o in outputs if o.kind == "parenchyma"), None)

    def _maps(
        self, prepared: ModelInput, first: int, tolerance: float
    ) -> list[NDArray[np.float32]]:
        """The outputs for one batch of slices, computed with the neighbours that they depend on."""
        last = min(first + BATCH_SLICES, len(prepared.enhancement))
        low = max(0, first - self._manifest.reach_slices)
        high = last + self._manifest.reach_slices
        enhancement, baseline_hu = prepared.enhancement[low:high], prepared.baseline_hu[low:high]
        quiet = averaged_alike(enhancement, baseline_hu, tolerance)
        outputs = self._run(quiet, baseline_hu, prepared.vessels_hu)
        return [planes[first - low : last - low] for planes in outputs]

    def warm_up(self) -> None:
        """Run once on an empty slice, so that the first patient does not wait for it."""
        n, side = self.grid.time_points, 4 * self.grid.multiple
        self._run(
            np.zeros((1, n, side, side), np.float32),
            np.zeros((1, side, side), np.float32),
            np.zeros((2, n), np.float32),
        )

    def _run(
        self,
        enhancement: NDArray[np.float32],
        baseline_hu: NDArray[np.float32],
        vessels_hu: NDArray[np.float32],
    ) -> Sequence[NDArray[np.float32]]:
        vessels = np.repeat(vessels_hu[None], len(enhancement), axis=0)
        offered = dict(zip(INPUTS, (enhancement, baseline_hu, vessels), strict=True))
        feed = {tensor.name: offered[tensor.name] for tensor in self._manifest.inputs}
        return run_session(self._session, [o.name for o in self._manifest.outputs], feed)


def load_model(path: Path, *, device: str = "auto", threads: int = 0) -> OnnxModel:
    """The model of an .onnx file and the manifest beside it, verified and warm.

    Parameters
    ----------
    path
        The .onnx file; ``<name>.json`` lies beside it.
    device
        ``cuda``, ``cpu``, or ``auto``: CUDA where ONNX Runtime offers it, else the CPU.
    threads
        CPU threads, 0 for ONNX Runtime's own choice.

    Raises
    ------
    ModelError
        If a file is missing or damaged, manifest and graph disagree, or the device is not
        there; the message names the file and what differs.
    InferenceError
        If the first run fails.
    """
    manifest = read_manifest(path)
    session = open_session(path, device=device, threads=threads)
    _check_graph(manifest, session, path)
    model = OnnxModel(manifest, session)
    model.warm_up()
    log.get("inference").info(
        "model_loaded",
        name=manifest.name,
        version=manifest.version,
        sha256=manifest.sha256,
        precision=manifest.precision,
        provider=model.provider,
    )
    return model


def _check_graph(manifest: Manifest, session: Any, path: Path) -> None:
    """Refuse a graph whose inputs or outputs are not what the manifest says."""
    named = {tensor.name for tensor in manifest.inputs}
    if INPUTS[0] not in named or not named <= set(INPUTS):
        raise ModelError(
            f"{manifest_path(path)} names the inputs {sorted(named)}; "
            f"they are {INPUTS[0]} and perhaps {' and '.join(INPUTS[1:])}"
        )
    _check_side("input", manifest.inputs, session.get_inputs(), path)
    _check_side("output", manifest.outputs, session.get_outputs(), path)


def _check_side(
    side: str, promised: Sequence[Input | Output], found: Sequence[Any], path: Path
) -> None:
    """Refuse names or shapes on one side of the graph that the manifest does not say."""
    beside = manifest_path(path).name
    shapes = {tensor.name: list(tensor.shape) for tensor in found}
    wanted = {tensor.name: list(tensor.shape) for tensor in promised}
    if shapes.keys() != wanted.keys():
        raise ModelError(f"{path} has the {side}s {sorted(shapes)}, {beside} says {sorted(wanted)}")
    for name, shape in wanted.items():
        if not _agree(shape, shapes[name]):
            raise ModelError(f"{path}: {side} {name} is {shapes[name]}, {beside} says {shape}")


def _agree(promised: Sequence[int | str], found: Sequence[int | str | None]) -> bool:
    """Whether two shapes agree: numbers equal, names (axes that vary) facing names."""
    return len(promised) == len(found) and all(
        p == f if isinstance(p, int) else not isinstance(f, int)
        for p, f in zip(promised, found, strict=True)
    )
