"""Fine-tuning begins where exported weights are."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch

from models.export import WEIGHTS, Origin, export_network
from models.network import SCALES, Widths
from models.training import Batches, Case, Lessons, Schedule, Trainer
from models.training.exported import begun_from_exported, start_from_exported
from models.training.starting import CheckpointError
from node.inference import Training

SHAPE = (16, 16)
TINY = Widths(filters=8, hidden=8, levels=(8, 12))
ORIGIN = Origin(
    "7.0.0",
    date(2026, 1, 1),
    Training(data="none", cases=1, seed=0, steps=1, normalisation="inside"),
    {},
)


def _batches() -> Batches:
    rng = np.random.default_rng(5)
    case = Case(
        enhancement=rng.uniform(1.0, 9.0, (2, 32, *SHAPE)).astype(np.float16),
        baseline_hu=rng.uniform(20.0, 40.0, (2, *SHAPE)).astype(np.float16),
        vessels_hu=rng.uniform(50.0, 100.0, (2, 32)).astype(np.float32),
        maps=rng.uniform(1.0, 9.0, (2, len(SCALES), *SHAPE)).astype(np.float16),
        shares=np.ones((2, 4, *SHAPE), np.float16),
    )
    return Batches([case], (2, 2), SHAPE, 5)


def _trainer(folder: Path, seed: int, widths: Widths = TINY) -> Trainer:
    schedule = Schedule(3, seed=seed, mixed_precision=False)
    return Trainer(schedule, folder / "checkpoint.pt", widths=widths)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """A run of a few steps, after which nothing in the network is nought any more."""
    trainer = _trainer(tmp_path_factory.mktemp("taught"), seed=1)
    trainer.run(Lessons(slices=_batches(), stack=2), lambda step, loss: None)
    torch.manual_seed(4)
    for weights in trainer.network.parameters():
        torch.nn.init.normal_(weights, std=0.2)
    return trainer


@pytest.fixture
def exported(taught: Trainer, tmp_path: Path) -> Path:
    """Its weights as the node has them."""
    path = tmp_path / "perfusion.onnx"
    export_network(taught.network.eval(), path, ORIGIN)
    return path


def _maps(trainer: Trainer) -> torch.Tensor:
    batch = _batches()[7]
    with torch.no_grad():
        found = trainer.network.eval()(batch.enhancement, batch.baseline, batch.vessels, 2)
    return torch.cat([found.maps.flatten(), found.doubts.flatten(), found.parenchyma.flatten()])


def test_a_run_begins_as_the_network_that_an_exported_file_holds(
    taught: Trainer, exported: Path, tmp_path: Path
) -> None:
    """Folded normalisations are taken apart so that every map stays as it was."""
    trainer = _trainer(tmp_path / "second", seed=2)
    assert not torch.allclose(_maps(trainer), _maps(taught), atol=0.1)
    start_from_exported(trainer, exported, _batches(), 2)
    torch.testing.assert_close(_maps(trainer), _maps(taught), rtol=1e-4, atol=1e-4)


def test_normalisation_knows_what_it_will_see(exported: Path, tmp_path: Path) -> None:
    """While training, too, what it gives is about what the file's network gave."""
    trainer = _trainer(tmp_path / "second", seed=2)
    start_from_exported(trainer, exported, _batches(), 2)
    resting = _maps(trainer)
    batch = _batches()[7]
    with torch.no_grad():
        found = trainer.network.train()(batch.enhancement, batch.baseline, batch.vessels, 2)
    apart = (found.maps.flatten() - resting[: found.maps.numel()]).abs().mean()
    assert float(apart) < 0.1 * float(resting[: found.maps.numel()].abs().mean())


def test_a_run_taken_up_again_keeps_what_it_has_learned(exported: Path, tmp_path: Path) -> None:
    """The file is where it began, not where it is."""
    trainer = _trainer(tmp_path / "second", seed=2)
    start_from_exported(trainer, exported, _batches(), 2)
    trainer.run(Lessons(slices=_batches(), stack=2), lambda step, loss: None, until=2)
    again = _trainer(tmp_path / "second", seed=2)
    start_from_exported(again, exported, _batches(), 2)
    torch.testing.assert_close(_maps(again), _maps(trainer), rtol=0, atol=0)


def test_the_words_of_a_run_name_the_version_it_began_from(exported: Path) -> None:
    """The manifest of its weights will repeat them."""
    assert begun_from_exported(exported) == "; begun from the weights 7.0.0"


@pytest.mark.parametrize(
    "spoil",
    [
        Path.unlink,
        lambda path: path.write_bytes(path.read_bytes()[:3000]),
        lambda path: path.with_suffix(".json").unlink(),
    ],
    ids=["absent", "cut short", "no manifest"],
)
def test_a_file_of_no_use_is_named(
    spoil: Callable[[Path], object], exported: Path, tmp_path: Path
) -> None:
    """What is not what its manifest says is an error that names the file."""
    spoil(exported)
    with pytest.raises(CheckpointError, match="is no start for this network") as fault:
        start_from_exported(_trainer(tmp_path / "second", seed=2), exported, _batches(), 2)
    assert str(exported) in str(fault.value)


def test_a_file_of_another_network_is_named(exported: Path, tmp_path: Path) -> None:
    """Other widths are another network."""
    wider = _trainer(tmp_path / "second", 2, Widths(filters=8, hidden=8, levels=(8, 16)))
    with pytest.raises(CheckpointError, match="is no start for this network"):
        start_from_exported(wider, exported, _batches(), 2)


def test_the_shipped_weights_can_be_gone_on_from(tmp_path: Path) -> None:
    """A session without the checkpoint of the last one still has its weights."""
    trainer = Trainer(Schedule(3), tmp_path / "checkpoint.pt")
    start_from_exported(trainer, WEIGHTS, _batches(), 2)
    assert bool(torch.isfinite(_maps(trainer)).all())
