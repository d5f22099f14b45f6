"""What batch normalisation has to expect, measured: the median batch, whatever a rare one holds.

A running mean of variances does not forget: a single batch behind a bolus like no other can
outweigh hundreds, and in evaluation the network is then not the one that was trained.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn

from models.training.batches import Batch

SETTLING_BATCHES = 16
_LEAST_VARIANCE = 1e-4


class BatchSource(Protocol):
    """What a trainer learns from: the same step is always the same batch."""

    def __getitem__(self, step: int) -> Batch: ...


def settle(network: nn.Module, batches: BatchSource, stack: int) -> None:
    """Let each normalisation of a network expect what it sees in the median batch.

    Parameters
    ----------
    network
        Its weights stay; it is left in evaluation mode.
    batches, stack
        Slices to look at, and how many of them follow one another.
    """
    # As in training, so that each layer sees what those before it make of a batch by itself.
    for norm, (mean, variance) in statistics(network.train(), batches, stack).items():
        norm.get_buffer("running_mean").copy_(mean)
        norm.get_buffer("running_var").copy_(variance)
    network.eval()


def statistics(
    network: nn.Module, batches: BatchSource, stack: int
) -> dict[nn.BatchNorm2d, tuple[Tensor, Tensor]]:
    """Mean and variance of what goes into each normalisation, medians over batches.

    Parameters
    ----------
    network
        In the mode in which it is to be watched; its own statistics stay as they are.
    batches, stack
        As for :func:`settle`.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    seen: dict[nn.BatchNorm2d, list[Tensor]] = {norm: [] for norm in norms}
    kept = [{name: b.clone() for name, b in norm.named_buffers()} for norm in norms]
    device = next(network.parameters()).device
    with torch.no_grad(), _watched(seen):
        for step in range(SETTLING_BATCHES):
            batch = batches[step].to(device)
            network(batch.enhancement, batch.baseline, batch.vessels, stack)
    for norm, buffers in zip(norms, kept, strict=True):
        for name, values in buffers.items():
            norm.get_buffer(name).copy_(values)
    medians = {norm: torch.stack(parts).median(dim=0).values for norm, parts in seen.items()}
    return {norm: (m[0], m[1].clamp(min=_LEAST_VARIANCE)) for norm, m in medians.items()}


@contextmanager
def _watched(seen: dict[nn.BatchNorm2d, list[Tensor]]) -> Iterator[None]:
    """Mean and variance by channel of each batch that goes into each normalisation."""

    def watch(norm: nn.BatchNorm2d, inputs: tuple[Tensor, ...]) -> None:
        channels = inputs[0].float().transpose(0, 1).flatten(1)
        variance, mean = torch.var_mean(channels, dim=1)
        seen[norm].append(torch.stack([mean, variance]))

    with ExitStack() as stack:
        for norm in seen:
            stack.callback(norm.register_forward_pre_hook(watch).remove)
        yield
