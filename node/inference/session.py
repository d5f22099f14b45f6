"""The only place that touches ONNX Runtime."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.errors import InferenceError, ModelError

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"
# Every scan is cut to its own size: by default the best algorithm is searched anew for each.
CUDA_OPTIONS = {"cudnn_conv_algo_search": "HEURISTIC"}
QUIET = 3
INSTALL = "Install ONNX Runtime: pip install perfusion-node[cpu], or perfusion-node[gpu]."
NO_CUDA = (
    "Install pip install perfusion-node[gpu] on a machine with an NVIDIA driver, "
    'or set model.device = "cpu" or "auto".'
)


def open_session(path: Path, *, device: str, threads: int) -> Any:
    """An ``onnxruntime.InferenceSession`` on the device.

    Raises
    ------
    ModelError
        If ONNX Runtime is not installed, does not offer the device, or cannot read the file.
    """
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.log_severity_level = QUIET
    options.intra_op_num_threads = threads
    providers = _providers(runtime, device)
    try:
        session = runtime.InferenceSession(str(path), options, providers=providers)
    except _failures(runtime) as problem:
        raise ModelError(f"ONNX Runtime cannot open {path}: {problem}") from problem
    if device == "cuda" and session.get_providers()[0] != CUDA:
        raise ModelError("the CUDA provider of ONNX Runtime could not be started", NO_CUDA)
    return session


def run_session(
    session: Any, outputs: Sequence[str], feed: Mapping[str, NDArray[np.float32]]
) -> Sequence[NDArray[np.float32]]:
    """The outputs asked for, in that order.

    Raises
    ------
    InferenceError
        If ONNX Runtime fails, for example for want of memory.
    """
    failures: tuple[type[Exception], ...] = (*_failures(_runtime()), MemoryError)
    try:
        results: Sequence[NDArray[np.float32]] = session.run(list(outputs), dict(feed))
    except failures as problem:
        raise InferenceError(f"ONNX Runtime failed: {problem}") from problem
    return results


def _providers(runtime: Any, device: str) -> list[str | tuple[str, Mapping[str, str]]]:
    """The providers to try, best first."""
    if device not in ("auto", "cuda", "cpu"):
        raise ModelError(f"device {device!r} is none of auto, cuda, cpu")
    offered = runtime.get_available_providers()
    if device == "cuda" and CUDA not in offered:
        raise ModelError(f"device is cuda, but ONNX Runtime offers only {offered}", NO_CUDA)
    return [CPU] if device == "cpu" or CUDA not in offered else [(CUDA, CUDA_OPTIONS), CPU]


def _failures(runtime: Any) -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: classes of its own that share no parent but Exception."""
    declared = vars(runtime.capi.onnxruntime_pybind11_state).values()
    own = (kind for kind in declared if isinstance(kind, type) and issubclass(kind, Exception))
    return (*own, RuntimeError, ValueError)


def _runtime() -> Any:
    """The onnxruntime module, whichever of the two distributions carries it."""
    try:
        # Neither distribution is a base dependency: the node must start and say so without.
        import onnxruntime  # noqa: PLC0415
    except ImportError as problem:
        raise ModelError("ONNX Runtime is not installed", INSTALL) from problem
    return onnxruntime
