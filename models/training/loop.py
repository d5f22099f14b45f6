"""Training: seeded, resumable, the same weights whether interrupted or not."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from models.network import PerfusionNet, Widths
from models.training.batches import Batch
from models.training.loss import Aims, doubt_loss, map_loss, parenchyma_loss, ratio_loss
from models.training.settling import BatchSource, settle
from node.errors import NodeError

Tensors = tuple[Tensor, ...] | list[Tensor]

EMA_DECAY = 0.998
WARM_UP_STEPS = 100
WEIGHT_DECAY = 1e-4
MAX_GRADIENT = 1.0
SIMULATED = "simulated scans, python -m models train"


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn: curves first, voxel by voxel, then whole slices.

    Parameters
    ----------
    steps
        Optimiser steps, on curves and on slices.
    learning_rate
        Highest one; it warms up over each part's first steps and falls along a cosine to nought.
    seed
        Decides initial weights and every batch.
    mixed_precision
        Convolutions in bfloat16: eight times as quick on a CPU with AMX, four on a GPU.
    save_every
        Steps between checkpoints.
    cases
        Patients in the cohort.
    curve_steps
        How many of the steps teach curves alone.
    data
        What is learned from, in words; the manifest of the weights repeats them.
    """

    steps: int
    learning_rate: float = 2e-3
    seed: int = 1
    mixed_precision: bool = True
    save_every: int = 250
    cases: int = 1
    curve_steps: int = 0
    data: str = SIMULATED

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        on_slices = step >= self.curve_steps
        done = step - self.curve_steps if on_slices else step
        part = self.steps - self.curve_steps if on_slices else self.curve_steps
        warm = min(1.0, (done + 1) / min(WARM_UP_STEPS, max(1, part // 10)))
        return self.learning_rate * warm * 0.5 * (1.0 + float(np.cos(np.pi * done / part)))


class DivergedError(NodeError):
    """Training that no longer learns; the message says where, and what was kept."""

    remedy = "Start again with a lower learning rate; the last checkpoint is from before."


@dataclass(frozen=True)
class Lessons:
    """What there is to learn from.

    Parameters
    ----------
    curves
        Voxels without neighbours, for the schedule's ``curve_steps``.
    slices
        Stacks of neighbouring slices, for the others.
    stack
        Slices of a stack.
    """

    curves: BatchSource | None = None
    slices: BatchSource | None = None
    stack: int = 1


class Trainer:
    """A network on its way: weights, their running mean, the optimiser and the loss so far.

    Parameters
    ----------
    schedule
        How long and how fast.
    checkpoint
        Where the state is kept; an existing one of the same schedule is taken up again.
    widths
        Channels of the network.
    device
        Where to compute.
    compiled
        Fuse what the network does to slices: a quarter faster, and needs a C++ compiler.
    aims
        What is asked for besides right maps, all of it by default. A checkpoint does not hold
        them: a run that is taken up again is given them again.

    Raises
    ------
    ValueError
        If the checkpoint was made with another schedule or other widths.
    """

    def __init__(
        self,
        schedule: Schedule,
        checkpoint: Path,
        *,
        widths: Widths | None = None,
        device: str = "cpu",
        compiled: bool = False,
        aims: Aims | None = None,
    ) -> None:
        torch.manual_seed(schedule.seed)
        self.schedule, self.checkpoint = schedule, checkpoint
        self.device = torch.device(device)
        self.widths, self.aims = widths or Widths(), aims or Aims()
        network = PerfusionNet(widths=self.widths).to(self.device)
        # Channels last suits AMX and tensor cores; torch's stubs do not know the argument.
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._slices = torch.compile(self.network) if compiled else self.network
        self.mean = AveragedModel(self.network, multi_avg_fn=_running_mean, use_buffers=True)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), weight_decay=WEIGHT_DECAY)
        self.losses: list[float] = []
        if checkpoint.exists():
            self._resume()

    @property
    def step(self) -> int:
        """How many steps are done."""
        return len(self.losses)

    def run(
        self,
        lessons: Lessons,
        on_step: Callable[[int, float], None],
        until: int | None = None,
    ) -> None:
        """Train to a step or the schedule's end, saving on the way.

        Parameters
        ----------
        lessons
            What to learn from.
        on_step
            Hears step and loss.
        until
            Where to stop; None for the schedule's end.

        Raises
        ------
        DivergedError
            If the loss is no longer finite; the last checkpoint is kept.
        """
        self.network.train()
        last = self.schedule.steps if until is None else until
        while self.step < last:
            self._advance(lessons)
            on_step(self.step, self.losses[-1])
            if self.step == self.schedule.steps and lessons.slices is not None:
                settle(self.mean.module, lessons.slices, lessons.stack)
            if self.step % self.schedule.save_every == 0 or self.step == last:
                self.save()

    def save(self) -> None:
        """Keep the whole state, replacing the last one only once it is written."""
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(
            {
                "schedule": asdict(self.schedule),
                "widths": asdict(self.widths),
                "network": self.network.state_dict(),
                "mean": self.mean.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "losses": self.losses,
            },
            partial,
        )
        partial.replace(self.checkpoint)

    def _advance(self, lessons: Lessons) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate(self.step)
        if self.step < self.schedule.curve_steps:
            loss = self._curve_loss(lessons)
        else:
            loss = self._slice_loss(lessons)
        if not bool(torch.isfinite(loss)):
            raise DivergedError(
                f"the loss is not finite at step {self.step}; {self.checkpoint} is kept"
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        nn.utils.clip_grad_norm_(self.network.parameters(), MAX_GRADIENT)
        self.optimiser.step()
        self.mean.update_parameters(self.network)
        self.losses.append(float(loss.detach()))

    def _curve_loss(self, lessons: Lessons) -> Tensor:
        batch = self._batch(lessons.curves, "curves")
        # In single precision: temporal filters difference large numbers.
        maps = self.network.by_voxel(batch.enhancement, batch.baseline, batch.vessels)
        return map_loss(maps, batch.maps, batch.shares, roots=self.aims.roots)

    def _slice_loss(self, lessons: Lessons) -> Tensor:
        batch = self._batch(lessons.slices, "slices")
        enhancement = batch.enhancement.to(memory_format=torch.channels_last)
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.schedule.mixed_precision
        ):
            found = self._slices(enhancement, batch.baseline, batch.vessels, lessons.stack)
        maps, doubts, parenchyma = (part.float() for part in found)
        loss = map_loss(maps, batch.maps, batch.shares, roots=self.aims.roots)
        loss = loss + doubt_loss(doubts, maps, batch.maps, batch.shares)
        if self.aims.parenchyma:
            loss = loss + parenchyma_loss(parenchyma, batch.shares)
        if self.aims.ratios:
            loss = loss + ratio_loss(maps, batch.maps, batch.shares)
        return loss

    def _batch(self, source: BatchSource | None, name: str) -> Batch:
        if source is None:
            raise ValueError(f"step {self.step} learns from {name}, but there are none")
        return source[self.step].to(self.device)

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        # Checkpoints from before there was a choice say nothing of their data.
        state["schedule"] = {"data": SIMULATED, **state["schedule"]}
        mine: dict[str, Any] = {"schedule": asdict(self.schedule), "widths": asdict(self.widths)}
        for part, wanted in mine.items():
            if state[part] != wanted:
                raise ValueError(f"{self.checkpoint} has the {part} {state[part]}, not {wanted}")
        self.network.load_state_dict(state["network"])
        self.mean.load_state_dict(state["mean"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.losses = list(state["losses"])


def _running_mean(mean: Tensors, new: Tensors, count: Tensor | int) -> None:
    """Move the running mean towards new weights; fast at first, so that short runs count."""
    with torch.no_grad():
        decay = min(EMA_DECAY, (1.0 + float(count)) / (10.0 + float(count)))
        for kept, fresh in zip(mean, new, strict=True):
            if kept.is_floating_point():
                kept.lerp_(fresh, 1.0 - decay)
            else:
                kept.copy_(fresh)


@dataclass(frozen=True, eq=False)
class Trained:
    """A network out of training, with what it was trained on."""

    network: PerfusionNet
    schedule: Schedule


def trained_network(checkpoint: Path) -> Trained:
    """The running mean of a checkpoint's weights, ready to export."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    widths = Widths(**{**state["widths"], "levels": tuple(state["widths"]["levels"])})
    network = PerfusionNet(widths=widths)
    prefix = "module."
    mean = {k.removeprefix(prefix): v for k, v in state["mean"].items() if k.startswith(prefix)}
    network.load_state_dict(mean)
    return Trained(network.eval(), Schedule(**state["schedule"]))
