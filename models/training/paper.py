"""The paper's recipe for its two networks: MSE, Adam, and the best epoch's weights kept."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.network import PAPER_FORMS, PaperNet
from models.training.batches import Batch, Batches
from models.training.cohort import Case
from models.training.loop import DivergedError
from models.training.settling import BatchSource

HELD_BATCHES = 6
# One patient in ten decides the learning rate and whose weights are kept, as in the paper.
HELD_EVERY = 10


@dataclass(frozen=True)
class PaperSchedule:
    """How long and how fast one of the paper's networks learns.

    Parameters
    ----------
    form
        ``small`` or ``large``.
    steps
        Optimiser steps.
    learning_rate
        Of Adam, at first; the paper has 5e-3 for the small network and 1e-5 for the large one.
    seed
        Decides initial weights and every batch.
    epoch_steps
        Steps between two looks at the held-out patients; the paper's 100 patients of 8 slices
        in batches of 8 make 100.
    patience
        Epochs without a better held-out loss before the rate falls to a tenth.
    batch
        Slices in a batch.
    mixed_precision
        Convolutions in bfloat16.
    cases
        Patients in the cohort.
    """

    form: str
    steps: int
    learning_rate: float
    seed: int = 1
    epoch_steps: int = 100
    patience: int = 10
    batch: int = 8
    mixed_precision: bool = True
    cases: int = 1


PAPER_SCHEDULES = {
    "paper-small": PaperSchedule(
        "small", steps=1200, learning_rate=5e-3, epoch_steps=60, patience=2, batch=4
    ),
    # At the paper's 1e-5 so few steps would leave the weights where they began.
    "paper-large": PaperSchedule(
        "large", steps=240, learning_rate=5e-4, epoch_steps=30, patience=4, batch=4
    ),
}
"""What a CPU core bears: minutes, where the paper took up to 500 epochs on a GPU."""


class PaperTrainer:
    """Five networks on their way side by side, each with its own optimiser and rate.

    Every network learns its one map alone, as in the paper: they share batches, nothing else.

    Parameters
    ----------
    schedule
        How long and how fast.
    checkpoint
        Where the state is kept; an existing one of the same schedule is taken up again.
    device
        Where to compute.

    Raises
    ------
    ValueError
        If the checkpoint was made with another schedule.
    """

    def __init__(self, schedule: PaperSchedule, checkpoint: Path, *, device: str = "cpu") -> None:
        torch.manual_seed(schedule.seed)
        self.schedule, self.checkpoint = schedule, checkpoint
        self.device = torch.device(device)
        network = PaperNet(PAPER_FORMS[schedule.form]).to(self.device)
        # Channels last suits AMX and tensor cores; torch's stubs do not know the argument.
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimisers = [
            torch.optim.Adam(one.parameters(), schedule.learning_rate)
            for one in self.network.networks
        ]
        self.rates = [
            torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, patience=schedule.patience)
            for optimiser in self.optimisers
        ]
        self.losses: list[float] = []
        self.held: list[list[float]] = []
        self._best = [deepcopy(one.state_dict()) for one in self.network.networks]
        if checkpoint.exists():
            self._resume()

    @property
    def step(self) -> int:
        """How many steps are done."""
        return len(self.losses)

    def run(
        self, batches: BatchSource, held: BatchSource, on_step: Callable[[int, float], None]
    ) -> None:
        """Train to the schedule's end, saving after every epoch.

        Parameters
        ----------
        batches
            To learn from.
        held
            Of patients held out: they decide the rate and whose weights are kept.
        on_step
            Hears step and loss, the mean over the maps.

        Raises
        ------
        DivergedError
            If the loss is no longer a number.
        """
        while self.step < self.schedule.steps:
            self._advance(batches[self.step].to(self.device))
            if self.step % self.schedule.epoch_steps == 0 or self.step == self.schedule.steps:
                self._end_epoch(held)
                self.save()
            on_step(self.step, self.losses[-1])

    def save(self) -> None:
        """Keep the whole state, replacing the last one only once it is written."""
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(
            {
                "schedule": asdict(self.schedule),
                "network": self.network.state_dict(),
                "best": self._best,
                "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
                "rates": [rate.state_dict() for rate in self.rates],
                "losses": self.losses,
                "held": self.held,
            },
            partial,
        )
        partial.replace(self.checkpoint)

    def _advance(self, batch: Batch) -> None:
        self.network.train()
        losses = []
        for loss, optimiser in zip(self._map_losses(batch), self.optimisers, strict=True):
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            optimiser.step()
            losses.append(float(loss.detach()))
        mean = sum(losses) / len(losses)
        if not mean < float("inf"):
            raise DivergedError(
                f"training diverged: the loss of step {self.step + 1} is {mean}; "
                f"{self.checkpoint} holds the last epoch's state"
            )
        self.losses.append(mean)

    def _map_losses(self, batch: Batch) -> Iterator[Tensor]:
        """Each map's loss, one after the other, so that one network's graph lives at a time."""
        frames = self.network.frames(batch.enhancement, batch.baseline)
        frames = frames.contiguous(memory_format=torch.channels_last)
        wanted = (batch.maps / self.network.ranges).clamp(0.0, 1.0)
        inside = batch.shares[:, 3]
        for i, one in enumerate(self.network.networks):
            with torch.autocast(
                self.device.type, torch.bfloat16, enabled=self.schedule.mixed_precision
            ):
                found = one(frames)
            yield (inside * (found - wanted[:, i]) ** 2).sum() / inside.sum().clamp(min=1.0)

    def _end_epoch(self, held: BatchSource) -> None:
        """Hear the held-out patients: rates follow them, and the best weights are kept."""
        self.network.eval()
        sums = [0.0] * len(self.rates)
        with torch.no_grad():
            for number in range(HELD_BATCHES):
                batch = held[number].to(self.device)
                for i, map_loss in enumerate(self._map_losses(batch)):
                    sums[i] += float(map_loss) / HELD_BATCHES
        for i, (rate, loss) in enumerate(zip(self.rates, sums, strict=True)):
            if all(loss < epoch[i] for epoch in self.held):
                self._best[i] = deepcopy(self.network.networks[i].state_dict())
            rate.step(loss)
        self.held.append(sums)

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        wanted: dict[str, Any] = asdict(self.schedule)
        if state["schedule"] != wanted:
            raise ValueError(
                f"{self.checkpoint} has the schedule {state['schedule']}, not {wanted}"
            )
        self.network.load_state_dict(state["network"])
        self._best = state["best"]
        for optimiser, values in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(values)
        for rate, values in zip(self.rates, state["rates"], strict=True):
            rate.load_state_dict(values)
        self.losses, self.held = list(state["losses"]), list(state["held"])


def teach_paper(
    trainer: PaperTrainer,
    patients: Sequence[Case],
    shape: tuple[int, int],
    on_step: Callable[[int, float], None],
) -> None:
    """Train to the schedule's end on a cohort.

    Parameters
    ----------
    trainer
        Fresh, or taken up where it was stopped.
    patients
        To learn from; every tenth is held out.
    shape
        (H, W) that every slice is cut or padded to.
    on_step
        Hears step and loss.
    """
    schedule = trainer.schedule
    learnt = [case for i, case in enumerate(patients) if (i + 1) % HELD_EVERY]
    held = patients[HELD_EVERY - 1 :: HELD_EVERY]
    # Each slice on its own, as the networks see them.
    batches, others = (
        Batches(cases, (schedule.batch, 1), shape, seed)
        for cases, seed in ((learnt, schedule.seed), (held, schedule.seed + 1))
    )
    trainer.run(batches, others, on_step)


@dataclass(frozen=True, eq=False)
class TrainedPaper:
    """One of the paper's networks out of training, with what it was trained on."""

    network: PaperNet
    schedule: PaperSchedule


def trained_paper(checkpoint: Path) -> TrainedPaper:
    """Each map's weights of its best epoch, ready to export."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    schedule = PaperSchedule(**state["schedule"])
    network = PaperNet(PAPER_FORMS[schedule.form])
    for one, weights in zip(network.networks, state["best"], strict=True):
        one.load_state_dict(weights)
    return TrainedPaper(network.eval(), schedule)
