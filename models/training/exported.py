"""Fine-tuning from exported weights: an .onnx file outlasts the checkpoint that it came from.

Export folds every batch normalisation into the convolution before it. Here the two are taken
apart again: the function stays the same, and normalisation measures what it did measure.
"""

from collections.abc import Iterator
from itertools import count, pairwise
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from models.network import PerfusionNet
from models.training.loop import Trainer
from models.training.settling import BatchSource, statistics
from models.training.starting import CheckpointError
from node.errors import NodeError
from node.inference import read_manifest

# Where the exported graph keeps the network's own names (models/export/perfusion.py).
_PREFIX = "network."
_FOLDED = "_bias"
_NAMELESS = "unsqueeze_"
NORM_EPS = nn.BatchNorm2d(1).eps


def begun_from_exported(path: Path) -> str:
    """What exported weights have learned from, for the words of a run begun from them.

    Parameters
    ----------
    path
        The .onnx file; its manifest lies beside it.

    Raises
    ------
    CheckpointError
        If file and manifest do not belong together.
    """
    try:
        manifest = read_manifest(path)
    except NodeError as fault:
        raise CheckpointError(f"{path} is no start for this network: {fault}") from fault
    return f"; begun from the weights {manifest.version}"


def start_from_exported(trainer: Trainer, path: Path, batches: BatchSource, stack: int) -> None:
    """Give a run that has not begun the weights of an .onnx file.

    A run that was taken up again has begun: it keeps its own.

    Parameters
    ----------
    trainer
        The run.
    path
        What ``python -m models export`` has written.
    batches, stack
        Slices that show what normalisation has to expect, and how many of them follow one
        another.

    Raises
    ------
    CheckpointError
        If the file is absent, damaged, or of another network.
    """
    if trainer.step:
        return
    begun_from_exported(path)  # the file is what its manifest says: it can be read
    exported = _initialisers(path)
    network = trainer.network
    try:
        with torch.no_grad():
            _fill(network, exported)
    except (KeyError, RuntimeError) as fault:
        reason = str(fault).partition("\n")[0]
        raise CheckpointError(f"{path} is no start for this network: {reason}") from fault
    with torch.no_grad():
        _expecting(network, batches, stack)
    trainer.mean.module.load_state_dict(network.state_dict())


def _initialisers(path: Path) -> dict[str, Tensor]:
    """The network's parameters by their names in the graph, whose prefix is taken off.

    The neighbours' biases lose their names, as they are added by hand, and keep their order.
    """
    graph = onnx.load(path).graph
    tensors = {
        each.name: torch.from_numpy(np.array(numpy_helper.to_array(each)))
        for each in graph.initializer
    }
    named = {
        name.removeprefix(_PREFIX): tensor
        for name, tensor in tensors.items()
        if name.startswith(_PREFIX)
    }
    nameless = (t for n, t in tensors.items() if n.startswith(_NAMELESS) and t.ndim == 3)
    biases = (f"beside.{level}.mixed.bias" for level in count())
    return named | {name: bias.flatten() for name, bias in zip(biases, nameless, strict=False)}


def _fill(network: nn.Module, exported: dict[str, Tensor]) -> None:
    """Every parameter from the file; a folded normalisation as the shift that is left of it."""
    later = tuple(f"{part}." for part in PerfusionNet.LATER)
    lacking = not any(name.startswith(later) for name in exported)
    told = dict(network.named_parameters()) | dict(network.named_buffers())
    for norm, shift in _folded(network, exported).items():
        told.pop(f"{norm}.weight").fill_(1.0)
        told.pop(f"{norm}.bias").copy_(exported[shift])
        told.pop(f"{norm}.running_mean").zero_()
        told.pop(f"{norm}.running_var").fill_(1.0 - NORM_EPS)
    for name, values in told.items():
        if not (name.endswith("num_batches_tracked") or (lacking and name.startswith(later))):
            values.copy_(exported[name])


def _folded(network: nn.Module, exported: dict[str, Tensor]) -> dict[str, str]:
    """What is left in the file of each normalisation that it lacks, by the latter's name."""
    return {
        norm: f"{before}.weight{_FOLDED}"
        for before, norm in _pairs(network)
        if f"{norm}.weight" not in exported
    }


def _pairs(network: nn.Module) -> Iterator[tuple[str, str]]:
    """The names of every convolution that a normalisation follows, and of that one."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Sequential):
            parts = list(module.named_children())
            for (first, one), (second, other) in pairwise(parts):
                if isinstance(one, nn.Conv2d) and isinstance(other, nn.BatchNorm2d):
                    yield f"{name}.{first}", f"{name}.{second}"


def _expecting(network: nn.Module, batches: BatchSource, stack: int) -> None:
    """Let each normalisation expect what it sees, without changing what it gives."""
    for norm, (mean, variance) in statistics(network.eval(), batches, stack).items():
        old_mean, old_variance = (norm.get_buffer(f"running_{part}") for part in ("mean", "var"))
        gain = norm.weight / torch.sqrt(old_variance + norm.eps)
        norm.bias.add_(gain * (mean - old_mean))
        norm.weight.copy_(gain * torch.sqrt(variance + norm.eps))
        old_mean.copy_(mean)
        old_variance.copy_(variance)
