"""What normalisation expects is what the median batch holds."""

import numpy as np
import torch

from models.network import PerfusionNet, Widths
from models.training import Batch
from models.training.settling import settle

TINY = Widths(filters=8, hidden=8, levels=(8, 12))
SHAPE = (16, 16)


class _Source:
    """Batches of one kind; the one of step ``strange``, if any, behind a bolus like no other."""

    def __init__(self, strange: int | None = None) -> None:
        self._strange = strange

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng(step)
        vessels = rng.uniform(50.0, 100.0, (2, 2, 32))
        if step == self._strange:
            vessels[:, 0] *= 1e4
        parts = (
            rng.uniform(1.0, 9.0, (2, 32, *SHAPE)),
            rng.uniform(20.0, 40.0, (2, *SHAPE)),
            vessels,
            np.ones((2, 5, *SHAPE)),
            np.ones((2, 4, *SHAPE)),
        )
        return Batch(*(torch.from_numpy(part.astype(np.float32)) for part in parts))


def _settled(source: _Source) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps of a plain batch in evaluation, and in training."""
    torch.manual_seed(6)
    network = PerfusionNet(widths=TINY)
    settle(network, source, 2)
    batch = source[1]
    with torch.no_grad():
        inputs = batch.enhancement, batch.baseline, batch.vessels
        return network(*inputs, 2).maps, network.train()(*inputs, 2).maps


def test_the_network_of_evaluation_is_that_of_training() -> None:
    """Maps by the settled statistics are about those by a batch's own."""
    evaluated, trained = _settled(_Source())
    assert float((evaluated - trained).abs().mean()) < 0.02 * float(trained.abs().mean())


def test_a_rare_batch_does_not_decide_what_is_expected() -> None:
    """One bolus ten thousand times as strong among sixteen leaves the maps as they were."""
    without, _ = _settled(_Source())
    beside, _ = _settled(_Source(strange=3))
    assert float((beside - without).abs().mean()) < 0.02 * float(without.abs().mean())
