from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from models.export import export_paper
from models.network import PAPER_FORMS, RANGES, SCALES, PaperForm, PaperNet, PaperUNet
from models.training import (
    Batch,
    Case,
    DivergedError,
    PaperSchedule,
    PaperTrainer,
    TrainedPaper,
    teach_paper,
    trained_paper,
)
from models.training.loop import BatchSource
from node.inference import load_model
from node.perfusion import Quantity, restore
from tests.support.science import prepared_of, scan_of

SHAPE = (16, 16)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks gain nothing from threads, and lose much where cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("form", "parameters", "macs"), [("small", 36.0e3, 6.2e9), ("large", 31.1e6, 231e9)]
)
def test_the_networks_are_as_large_as_the_papers(form: str, parameters: float, macs: float) -> None:
    """Parameters, and multiplications a slice of 512 x 512, are those published."""
    with torch.device("meta"):
        network = PaperUNet(PAPER_FORMS[form]).eval()
        with FlopCounterMode(display=False) as counted:
            found = network(torch.empty(1, 89, 512, 512))
    assert found.shape == (1, 512, 512)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(parameters, rel=0.005)
    assert counted.get_total_flops() / 2 == pytest.approx(macs, rel=0.005)


def test_frames_lie_half_a_second_apart_in_whole_grey_levels() -> None:
    """A ramp of 2 HU/s on 40 HU becomes the paper's 8-bit frames of the first 44 s."""
    network = PaperNet(PAPER_FORMS["small"])
    ramp = torch.arange(32.0).view(1, 32, 1, 1) * 4.0
    frames = network.frames(ramp, torch.full((1, 1, 1), 40.0)).flatten()
    grey = (frames * 0.3159 + 0.2375) * 255.0
    wanted = np.floor(((np.arange(89) + 0.5) / 399.0 + 0.5) * 255.0)
    np.testing.assert_allclose(grey, wanted, atol=1e-3)


@pytest.mark.parametrize(("baseline_hu", "grey"), [(-1000.0, 0.0), (1500.0, 255.0)])
def test_beyond_the_window_there_is_black_and_white(baseline_hu: float, grey: float) -> None:
    """Air and bone carry no signal, as in the paper."""
    network = PaperNet(PAPER_FORMS["small"])
    frames = network.frames(torch.full((1, 32, 2, 2), 9.0), torch.full((1, 2, 2), baseline_hu))
    np.testing.assert_allclose((frames * 0.3159 + 0.2375) * 255.0, grey, atol=1e-3)


def test_a_grid_that_is_too_short_for_the_frames_is_refused() -> None:
    """89 frames of 0.5 s need 44 s."""
    with pytest.raises(ValueError, match="ends after 30 s"):
        PaperNet(PAPER_FORMS["small"], time_points=16)


@pytest.mark.parametrize("form", ["small", "large"])
def test_maps_stay_inside_their_stated_range(form: str) -> None:
    """Each network's sigmoid is scaled by its map's range, in the order of SCALES."""
    tiny = PaperForm((4, 6), PAPER_FORMS[form].slope, PAPER_FORMS[form].added)
    network = PaperNet(tiny).eval()
    with torch.no_grad():
        for one in network.networks:
            one.map.bias.fill_(30.0)
        maps = network(torch.zeros(2, 32, 8, 8), torch.zeros(2, 8, 8), torch.zeros(2, 2, 32))
    assert maps.shape == (2, 5, 8, 8)
    wanted = torch.tensor([RANGES[quantity] for quantity in SCALES]).view(1, 5, 1, 1)
    torch.testing.assert_close(maps, wanted.expand_as(maps))


class _Simple:
    """Batches whose maps follow simply from the curves, so that there is something to learn."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __getitem__(self, step: int) -> Batch:
        height = np.random.default_rng([self._seed, step % 3]).uniform(5.0, 60.0, (4, 1, *SHAPE))
        bolus = np.exp(-((np.arange(32) - 8.0) ** 2) / 8.0)[:, None, None]
        ends = np.array(list(RANGES.values()))[:, None, None]
        arrays = (
            height * bolus,
            np.full((4, *SHAPE), 30.0),
            np.ones((4, 2, 32)),
            height / 60.0 * ends,
            np.ones((4, 4, *SHAPE)),
        )
        return Batch(*(torch.from_numpy(array.astype(np.float32)) for array in arrays))


def _schedule(steps: int) -> PaperSchedule:
    return PaperSchedule("small", steps, 5e-3, epoch_steps=4, patience=1, mixed_precision=False)


def _train(trainer: PaperTrainer, heard: Callable[[int, float], None] | None = None) -> None:
    trainer.run(_Simple(0), _Simple(1), heard or (lambda step, loss: None))


def test_a_few_steps_lower_the_loss(tmp_path: Path) -> None:
    """The five networks learn side by side; held-out patients are heard after every epoch."""
    trainer = PaperTrainer(replace(_schedule(24), epoch_steps=8), tmp_path / "checkpoint.pt")
    _train(trainer)
    assert np.mean(trainer.losses[-5:]) < 0.5 * np.mean(trainer.losses[:5])
    assert np.shape(trainer.held) == (3, len(RANGES))


def test_a_resumed_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    """Interrupted after an epoch and taken up again, training changes nothing."""
    _train(PaperTrainer(_schedule(10), tmp_path / "whole.pt"))
    with pytest.raises(KeyboardInterrupt):
        _train(PaperTrainer(_schedule(10), tmp_path / "part.pt"), _stop_after(6))
    with pytest.raises(ValueError, match="schedule"):
        PaperTrainer(_schedule(12), tmp_path / "part.pt")
    part = PaperTrainer(_schedule(10), tmp_path / "part.pt")
    assert part.step == 4
    _train(part)
    whole = trained_paper(tmp_path / "whole.pt").network.state_dict()
    for name, weights in trained_paper(tmp_path / "part.pt").network.state_dict().items():
        torch.testing.assert_close(weights, whole[name], rtol=0, atol=0)


def _stop_after(steps: int) -> Callable[[int, float], None]:
    def on_step(step: int, loss: float) -> None:
        if step == steps:
            raise KeyboardInterrupt

    return on_step


def test_each_map_keeps_the_weights_of_its_best_epoch(tmp_path: Path) -> None:
    """What is exported is not the last epoch but the one that held-out patients liked best."""
    path = tmp_path / "checkpoint.pt"
    trainer = PaperTrainer(_schedule(8), path)
    best = None

    def heard(step: int, loss: float) -> None:
        nonlocal best
        if step == 4:
            best = trained_paper(path).network.state_dict()
            # No later epoch can be better than this one now says it was.
            trainer.held[-1] = [0.0] * len(RANGES)

    _train(trainer, heard)
    assert best is not None
    for name, weights in trained_paper(path).network.state_dict().items():
        torch.testing.assert_close(weights, best[name], rtol=0, atol=0)
    assert not torch.equal(
        trainer.network.state_dict()["networks.0.map.weight"], best["networks.0.map.weight"]
    )


def test_training_that_diverges_stops_and_says_so(tmp_path: Path) -> None:
    """A loss that is no number ends the run, naming the step and the last good state."""
    trainer = PaperTrainer(_schedule(8), tmp_path / "checkpoint.pt")
    with torch.no_grad():
        trainer.network.networks[2].map.bias.fill_(torch.nan)
    with pytest.raises(DivergedError, match=r"step 1 is nan.*checkpoint\.pt"):
        _train(trainer)


@pytest.mark.parametrize("form", ["small", "large"])
def test_the_exported_network_gives_torchs_maps(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Torch and the node agree, for both ways of going up again; no vessels are fed."""
    torch.manual_seed(4)
    network = PaperNet(PaperForm((8, 12), PAPER_FORMS[form].slope, PAPER_FORMS[form].added)).eval()
    path = tmp_path / "paper.onnx"
    schedule = PaperSchedule(form, steps=1, learning_rate=1e-3)
    export_paper(TrainedPaper(network, schedule), path, "9.9.9", date(2026, 1, 1))
    model = load_model(path, device="cpu")
    assert [tensor.name for tensor in model.manifest.inputs] == ["enhancement", "baseline"]
    assert model.manifest.name == f"paper-{form}"
    prepared = prepared_of(scan_of(), model.grid)
    arrays = (prepared.enhancement, prepared.baseline_hu)
    with torch.no_grad():
        maps = network(*(torch.from_numpy(a) for a in arrays)).numpy()
    wanted = restore({q: maps[:, i] for i, q in enumerate(SCALES)}, prepared, model.estimator)
    found = model.predict(prepared)
    for quantity in Quantity:
        np.testing.assert_allclose(found[quantity], wanted[quantity], rtol=1e-2, atol=1e-2)


def test_a_cohort_is_split_into_those_who_teach_and_those_who_judge(tmp_path: Path) -> None:
    """Every tenth patient is held out, and slices come one by one."""
    grid = np.zeros((1, 32, *SHAPE), np.float16)
    patients = [
        Case(
            enhancement=grid,
            baseline_hu=np.full((1, *SHAPE), 30, np.float16),
            vessels_hu=np.full((2, 32), patient, np.float32),
            maps=grid[:, :5],
            shares=np.ones((1, 4, *SHAPE), np.float16),
        )
        for patient in range(10)
    ]
    seen = _Seen(replace(_schedule(4), batch=2), tmp_path / "checkpoint.pt")
    teach_paper(seen, patients, SHAPE, lambda step, loss: None)
    assert seen.sizes == {2}
    assert 9.0 not in seen.taught
    assert seen.judged == {9.0}


class _Seen(PaperTrainer):
    """A trainer that only looks at what it is given."""

    def run(
        self, batches: BatchSource, held: BatchSource, on_step: Callable[[int, float], None]
    ) -> None:
        given = [[source[step].vessels for step in range(8)] for source in (batches, held)]
        self.sizes = {len(vessels) for source in given for vessels in source}
        self.taught, self.judged = (
            {float(v.max()) for vessels in source for v in vessels} for source in given
        )
