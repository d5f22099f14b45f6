"""Fine-tuning begins where another run ended."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.network import SCALES, Widths
from models.training import Batches, Case, Lessons, Schedule, Trainer
from models.training.loop import SIMULATED
from models.training.starting import CheckpointError, begun_from, start_from

SHAPE = (16, 16)
TINY = Widths(filters=8, hidden=8, levels=(8, 12))


def _lessons() -> Lessons:
    rng = np.random.default_rng(5)
    curve = rng.uniform(1.0, 9.0, (2, 32, *SHAPE))
    case = Case(
        enhancement=curve.astype(np.float16),
        baseline_hu=np.full((2, *SHAPE), 30, np.float16),
        vessels_hu=np.full((2, 32), 100, np.float32),
        maps=rng.uniform(1.0, 9.0, (2, len(SCALES), *SHAPE)).astype(np.float16),
        shares=np.ones((2, 4, *SHAPE), np.float16),
    )
    return Lessons(slices=Batches([case], (1, 2), SHAPE, 5), stack=2)


def _trainer(folder: Path, seed: int, steps: int = 2) -> Trainer:
    schedule = Schedule(steps, seed=seed, mixed_precision=False)
    return Trainer(schedule, folder / "checkpoint.pt", widths=TINY)


def _weights(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([weights.detach().flatten() for weights in network.parameters()])


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """A run that has come to its end."""
    trainer = _trainer(tmp_path_factory.mktemp("first"), seed=1)
    trainer.run(_lessons(), lambda step, loss: None)
    return trainer


@pytest.fixture
def ended(first: Trainer, tmp_path: Path) -> Path:
    """A copy of its checkpoint, to spoil."""
    return Path(shutil.copy(first.checkpoint, tmp_path / "ended.pt"))


def test_a_run_begins_with_the_mean_weights_of_another(
    first: Trainer, ended: Path, tmp_path: Path
) -> None:
    """Network and running mean both begin there, whatever the run's own seed would draw."""
    trainer = _trainer(tmp_path / "second", seed=2)
    start_from(trainer, ended)
    for network in (trainer.network, trainer.mean.module):
        torch.testing.assert_close(_weights(network), _weights(first.mean.module), rtol=0, atol=0)
    trainer.run(_lessons(), lambda step, loss: None)
    assert trainer.step == 2


def test_a_run_taken_up_again_keeps_its_own_weights(ended: Path, tmp_path: Path) -> None:
    """What was learned since the start is not thrown away."""
    trainer = _trainer(tmp_path / "second", seed=2)
    trainer.run(_lessons(), lambda step, loss: None)
    again = _trainer(tmp_path / "second", seed=2)
    start_from(again, ended)
    torch.testing.assert_close(_weights(again.network), _weights(trainer.network), rtol=0, atol=0)


def test_a_checkpoint_that_does_not_say_its_data_is_taken_up(ended: Path) -> None:
    """Runs from before there was a choice of data have learned from simulated scans."""
    state = torch.load(ended, weights_only=True)
    del state["schedule"]["data"]
    torch.save(state, ended)
    schedule = Schedule(2, seed=1, mixed_precision=False)
    assert Trainer(schedule, ended, widths=TINY).step == 2
    assert begun_from(ended) == f"; begun from weights that learned from {SIMULATED}"
    with pytest.raises(ValueError, match="has the schedule"):
        Trainer(replace(schedule, data="other scans"), ended, widths=TINY)


def _of_another_network(path: Path) -> None:
    state = torch.load(path, weights_only=True)
    name = next(iter(key for key in state["mean"] if key.endswith("weight")))
    state["mean"][name] = torch.zeros(3, 3)
    torch.save(state, path)


@pytest.mark.parametrize(
    "spoil",
    [
        Path.unlink,
        lambda path: path.write_bytes(b"nothing of the kind"),
        lambda path: path.write_bytes(path.read_bytes()[:3000]),
        lambda path: torch.save({"weights": {}}, path),
        lambda path: torch.save([1, 2], path),
        _of_another_network,
    ],
    ids=["absent", "no checkpoint", "cut short", "other parts", "a list", "another network"],
)
def test_a_checkpoint_of_no_use_is_named(
    spoil: Callable[[Path], object], ended: Path, tmp_path: Path
) -> None:
    """An absent, damaged or foreign checkpoint is an error that names the file."""
    spoil(ended)
    with pytest.raises(CheckpointError, match="is no start for this network") as fault:
        start_from(_trainer(tmp_path / "second", seed=2), ended)
    assert str(ended) in str(fault.value)
    assert fault.value.remedy
