from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.network import SCALES, Widths
from models.training import (
    Aims,
    Batches,
    Case,
    DivergedError,
    Lessons,
    LooseVoxels,
    Mosaics,
    Schedule,
    Stock,
    Tissue,
    Trainer,
    cohort,
    doubt_loss,
    map_loss,
    parenchyma_loss,
    trained_network,
)
from models.training.cohort import plan
from node.perfusion import Quantity

TINY = Widths(filters=8, hidden=8, levels=(8, 12))
SHAPE = (16, 16)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny networks gain nothing from threads, and lose much where cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _case(seed: int) -> Case:
    """A patient whose maps follow simply from its curves, so that there is something to learn."""
    rng = np.random.default_rng(seed)
    height = rng.uniform(10.0, 50.0, (2, *SHAPE))
    bolus = np.exp(-((np.arange(32) - 8.0) ** 2) / 8.0)
    maps = np.stack([height / 50.0 * scale for scale in SCALES.values()], axis=1)
    lesionless = np.array([1, 0, 0, 1], np.float16)[:, None, None]
    return Case(
        enhancement=(height[:, None] * bolus[:, None, None]).astype(np.float16),
        baseline_hu=np.full((2, *SHAPE), 30, np.float16),
        vessels_hu=np.stack([150 * bolus, 120 * bolus]).astype(np.float32),
        maps=maps.astype(np.float16),
        shares=np.ones((2, 4, *SHAPE), np.float16) * lesionless,
    )


def _batches(mosaics: Mosaics | None = None) -> Batches:
    return Batches([_case(seed) for seed in range(3)], (2, 2), SHAPE, 5, mosaics)


def _lessons() -> Lessons:
    return Lessons(slices=_batches(), stack=2)


@pytest.fixture(scope="module")
def stock() -> list[Stock]:
    """Three boluses."""
    return [Stock.drawn(seed) for seed in range(3)]


def _trainer(folder: Path, steps: int, **changes: object) -> Trainer:
    schedule = replace(Schedule(steps, learning_rate=5e-3, mixed_precision=False), **changes)
    return Trainer(schedule, folder / "checkpoint.pt", widths=TINY)


def test_the_loss_falls(tmp_path: Path) -> None:
    """A tiny network learns a simple relation in a hundred steps."""
    trainer = _trainer(tmp_path, steps=100)
    trainer.run(_lessons(), lambda step, loss: None)
    assert np.mean(trainer.losses[-5:]) < 0.7 * np.mean(trainer.losses[:5])


def test_a_resumed_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    """Interrupted after a checkpoint and taken up again, training changes nothing."""
    whole = _trainer(tmp_path / "whole", steps=8)
    whole.run(_lessons(), lambda step, loss: None)
    for stop in (True, False):
        part = _trainer(tmp_path / "part", steps=8, save_every=3)
        if stop:
            with pytest.raises(KeyboardInterrupt):
                part.run(_lessons(), _interrupt_after(4))
    assert part.step == 3
    with pytest.raises(ValueError, match="schedule"):
        _trainer(tmp_path / "part", steps=9, save_every=3)
    part.run(_lessons(), lambda step, loss: None)
    assert whole.losses == part.losses
    for one, other in zip(whole.mean.parameters(), part.mean.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def _interrupt_after(steps: int):
    def on_step(step: int, loss: float) -> None:
        if step == steps:
            raise KeyboardInterrupt

    return on_step


def test_a_checkpoint_gives_back_its_running_mean(tmp_path: Path) -> None:
    """What is exported is the running mean of the weights, as it stood at the end."""
    trainer = _trainer(tmp_path, steps=5)
    trainer.run(_lessons(), lambda step, loss: None)
    trained = trained_network(tmp_path / "checkpoint.pt")
    kept = trained.network.state_dict()
    for name, weights in trainer.mean.module.state_dict().items():
        torch.testing.assert_close(kept[name], weights, rtol=0, atol=0)
    assert trained.schedule == trainer.schedule


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    """The same step is the same batch, another step another one."""
    one, same, other = _batches()[3], _batches()[3], _batches()[4]
    torch.testing.assert_close(one.enhancement, same.enhancement, rtol=0, atol=0)
    assert not torch.equal(one.enhancement, other.enhancement)


def test_perfect_maps_cost_nothing_and_the_core_costs_most() -> None:
    """The loss is 0 at the truth; the same error weighs more inside the core."""
    truth = torch.tensor(list(SCALES.values())).view(1, -1, 1, 1).expand(1, 5, 4, 4)
    shares = torch.zeros(1, 4, 4, 4)
    shares[:, (0, 3)] = 1.0
    shares[:, 1:3, :2] = 1.0
    in_core, elsewhere = truth.clone(), truth.clone()
    in_core[:, :, 0] *= 2
    elsewhere[:, :, 3] *= 2
    assert float(map_loss(truth, truth, shares)) == pytest.approx(0.0, abs=1e-6)
    assert float(map_loss(in_core, truth, shares)) > 1.7 * float(map_loss(elsewhere, truth, shares))


def test_outside_the_brain_nothing_is_asked() -> None:
    """Where there is no brain any map will do."""
    truth = torch.ones(1, 5, 4, 4)
    assert float(map_loss(9 * truth, truth, torch.zeros(1, 4, 4, 4))) == 0.0


def test_patients_are_kept_on_disk_and_read_back(tmp_path: Path, monkeypatch) -> None:
    """A cohort is simulated once; the next run reads the same arrays."""
    seed = next(s for s in range(1, 200) if s % 4 and plan(s).acquisition.slices == 6)
    first = next(iter(cohort(tmp_path, [seed], workers=1)))
    stamp = next(tmp_path.glob("*.npz")).stat().st_mtime_ns
    again = next(iter(cohort(tmp_path, [seed], workers=1)))
    assert first is not None
    assert again is not None
    np.testing.assert_array_equal(first.maps, again.maps)
    assert next(tmp_path.glob("*.npz")).stat().st_mtime_ns == stamp
    assert not list(tmp_path.glob("*.partial"))
    assert first.maps.shape[1] == len(SCALES)
    assert 0.1 < float((first.shares[:, 3] > 0.5).mean()) < 0.9


def test_the_cohort_mixes_schemes_doses_and_lengths() -> None:
    """Training sees what scanners do: several samplings, doses, thicknesses and faults."""
    plans = [plan(seed).acquisition for seed in range(60)]
    assert {1.0, 0.5, 0.25, 0.125} == {p.dose for p in plans}
    assert {"standard", "fast", "cine", "shuttle", "sparse"} <= {p.name for p in plans}
    assert len({p.thickness_mm for p in plans}) == 3
    assert len({plan(seed).realism.faults for seed in range(60)}) > 5


def test_curves_from_stock_are_the_tissues(stock: list[Stock]) -> None:
    """Without noise a curve grows with blood volume, peaks at TTP, and comes late by its delay."""
    rng = np.random.default_rng(0)
    cbv = np.array([1.0, 2.0, 2.0], np.float32)
    tissue = Tissue(cbv, np.full(3, 4.0, np.float32), np.array([0, 0, 6], np.float32))
    for bolus in stock:
        curves = bolus.curves(rng, tissue, noise_hu=0.0)
        np.testing.assert_allclose(curves[1], 2 * curves[0], rtol=1e-4, atol=1e-4)
        maps = dict(zip(SCALES, bolus.maps(tissue), strict=True))
        np.testing.assert_allclose(maps[Quantity.CBF], 60 * cbv / 4.0, rtol=1e-6)
        np.testing.assert_allclose(maps[Quantity.TMAX], [2.0, 2.0, 8.0], rtol=1e-6)
        assert maps[Quantity.TTP][2] - maps[Quantity.TTP][1] == pytest.approx(6.0, abs=0.3)
        assert curves[2].argmax() > curves[1].argmax()


def test_mosaics_are_one_batchs_last_stack(stock: list[Stock]) -> None:
    """Tiles of made-up tissue end most batches; the stacks before them stay the patients'."""
    batches, plain = _batches(Mosaics(stock, SHAPE)), _batches()
    made, patients = ([source[step].vessels for step in range(20)] for source in (batches, plain))
    assert all(torch.equal(one[:2], other[:2]) for one, other in zip(made, patients, strict=True))
    tiled = [not torch.equal(one[2:], other[2:]) for one, other in zip(made, patients, strict=True)]
    assert 10 < sum(tiled) < 20
    assert all(bool(batches[step].enhancement.isfinite().all()) for step in range(3))


def test_training_begins_with_curves_alone(tmp_path: Path, stock: list[Stock]) -> None:
    """Voxels without neighbours teach the encoder first, and the U-Net nothing."""
    trainer = _trainer(tmp_path, steps=40, curve_steps=40)
    before = trainer.network.finest[0].weight.clone()
    trainer.run(Lessons(curves=LooseVoxels(stock, 3, 7)), lambda step, loss: None)
    assert np.mean(trainer.losses[-5:]) < 0.95 * np.mean(trainer.losses[:5])
    # Weight decay alone moves what is not taught.
    torch.testing.assert_close(trainer.network.finest[0].weight, before, rtol=1e-3, atol=1e-3)


def test_training_that_diverges_stops_and_says_so(tmp_path: Path) -> None:
    """A loss that is not finite ends the run by name, and what was kept stays."""
    trainer = _trainer(tmp_path, steps=6, save_every=2)
    trainer.run(_lessons(), lambda step, loss: None, until=2)
    with torch.no_grad():
        trainer.network.alone.bias.fill_(float("nan"))
    with pytest.raises(DivergedError, match="step 2"):
        trainer.run(_lessons(), lambda step, loss: None)
    assert _trainer(tmp_path, steps=6, save_every=2).step == 2


def test_uncertainty_costs_least_where_it_is_the_mean_error() -> None:
    """Doubt too small or too large fits the errors worse than their mean."""
    truth = torch.tensor(list(SCALES.values())).view(1, -1, 1, 1).expand(1, 5, 8, 8)
    shares = torch.ones(1, 4, 8, 8)
    error = 0.3 * truth * torch.rand(1, 5, 8, 8, generator=torch.manual_seed(0))
    costs = [
        float(doubt_loss(factor * 0.15 * truth, truth + error, truth, shares))
        for factor in (0.5, 1.0, 2.0)
    ]
    assert costs[1] < min(costs[0], costs[2])


def test_the_odds_of_parenchyma_cost_least_where_they_are_right() -> None:
    """Sure and right costs little, undecided more, sure and wrong most."""
    shares = torch.zeros(1, 4, 8, 8)
    shares[:, 3, 2:6, 2:6] = 1.0
    shares[:, 0, 3:5, 3:5] = 1.0
    right = 12.0 * shares[:, 0] - 6.0
    costs = [float(parenchyma_loss(odds, shares)) for odds in (right, 0.0 * right, -right)]
    assert costs[0] < costs[1] < costs[2]


def test_mosaics_say_nothing_of_where_parenchyma_ends() -> None:
    """A slice that is tissue from edge to edge, whatever its attenuation, costs nothing."""
    assert float(parenchyma_loss(torch.zeros(1, 8, 8), torch.ones(1, 4, 8, 8))) == 0.0


def test_without_roots_low_flow_costs_no_more_than_high_flow() -> None:
    """The same error of flow weighs more near nought, unless the roots are left out."""
    truth = torch.tensor(list(SCALES.values())).view(1, -1, 1, 1).expand(1, 5, 4, 4)
    shares = torch.ones(1, 4, 4, 4)

    def cost(level: float, roots: bool) -> float:
        return float(map_loss((level + 0.1) * truth, level * truth, shares, roots=roots))

    assert cost(0.1, roots=True) > 1.1 * cost(0.9, roots=True)
    assert cost(0.1, roots=False) == pytest.approx(cost(0.9, roots=False), rel=1e-4)


def test_what_is_not_aimed_for_is_not_learned(tmp_path: Path) -> None:
    """Without that aim nothing teaches where parenchyma lies; with it something does."""
    for wanted in (True, False):
        schedule = Schedule(2, mixed_precision=False)
        checkpoint = tmp_path / f"{wanted}.pt"
        trainer = Trainer(schedule, checkpoint, widths=TINY, aims=Aims(parenchyma=wanted))
        trainer.run(_lessons(), lambda step, loss: None)
        slopes = [weights.grad for weights in trainer.network.parenchyma.parameters()]
        assert all((slope is not None) is wanted for slope in slopes)
