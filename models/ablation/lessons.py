"""The same short training for every variant."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.ablation.variants import Variant
from models.network import PerfusionNet, Widths
from models.training import (
    CURVE_BOLUSES,
    SLICE_SHAPE,
    Batch,
    Batches,
    Case,
    Lessons,
    LooseVoxels,
    Mosaics,
    Schedule,
    Stock,
    Trainer,
    trained_network,
)


@dataclass(frozen=True)
class Settings:
    """What all variants of one ablation have in common.

    Parameters
    ----------
    steps, curve_steps
        On slices, and on single curves before them.
    cases, seed
        Patients to learn from, and whose: also the seed of weights and batches.
    judged
        Unseen patients that every variant is judged on.
    boluses
        In stock, for curves and mosaics.
    batch, shape
        Stacks in a batch and slices in a stack; (H, W) of a slice.
    curve_boluses
        Boluses in a batch of single curves.
    widths
        Channels of the reference.
    """

    steps: int = 800
    curve_steps: int = 1500
    cases: int = 300
    seed: int = 3
    judged: int = 8
    boluses: int = 1000
    batch: tuple[int, int] = (3, 4)
    shape: tuple[int, int] = SLICE_SHAPE
    curve_boluses: int = CURVE_BOLUSES
    widths: Widths = field(default_factory=Widths)

    @property
    def facts(self) -> dict[str, Any]:
        """The settings as JSON data."""
        return asdict(self)

    def schedule(self, variant: Variant) -> Schedule:
        """How a variant learns: as many steps on slices as every other."""
        curve_steps = self.curve_steps if variant.curves else 0
        return Schedule(
            curve_steps + self.steps,
            seed=self.seed + variant.other_seed,
            cases=self.cases,
            curve_steps=curve_steps,
        )


@dataclass(frozen=True, eq=False)
class Material:
    """What every variant learns from: patients, and boluses in stock."""

    patients: Sequence[Case]
    stock: Sequence[Stock]


@dataclass(frozen=True, eq=False)
class _Shown:
    """A source of batches as a variant is shown them, from some batch on."""

    source: LooseVoxels | Batches
    variant: Variant
    skipped: int = 0

    def __getitem__(self, step: int) -> Batch:
        return self.variant.fed(self.source[step + self.skipped])


OnStep = Callable[[int, float], None]
"""Hears the step, counted from the training's first, and its loss."""


def teach(
    variant: Variant, settings: Settings, material: Material, folder: Path, on_step: OnStep
) -> PerfusionNet:
    """A variant's network out of training, taken up wherever it was stopped.

    Lessons on single curves that are the reference's own are learned once, and copied.

    Parameters
    ----------
    variant
        What is taken away.
    settings
        How long, and from how many patients.
    material
        What to learn from.
    folder
        Where checkpoints are kept, for these settings alone.
    on_step
        Hears of every step.
    """
    variant = variant.trained
    whole = _whole(variant, folder)
    schedule = settings.schedule(variant)
    if schedule.curve_steps and not whole.exists():
        begun = _begun(variant, folder)
        trainer = _trainer(variant, settings, begun)
        loose = LooseVoxels(material.stock, settings.curve_boluses, schedule.seed)
        trainer.run(Lessons(curves=_Shown(loose, variant)), on_step, until=schedule.curve_steps)
        partial = whole.with_suffix(".copied")
        shutil.copy(begun, partial)
        partial.replace(whole)
    trainer = _trainer(variant, settings, whole)
    mosaics = Mosaics(material.stock, settings.shape) if variant.mosaics else None
    batches = Batches(material.patients, settings.batch, settings.shape, schedule.seed, mosaics)
    # Step for step the slices that the reference learns from.
    shown = _Shown(batches, variant, settings.curve_steps - schedule.curve_steps)
    stack = batches.stack if variant.neighbours else 1
    trainer.run(Lessons(slices=shown, stack=stack), on_step)
    return trained_network(whole).network


def _trainer(variant: Variant, settings: Settings, checkpoint: Path) -> Trainer:
    variant = variant.trained
    return Trainer(
        settings.schedule(variant),
        checkpoint,
        widths=variant.widths(settings.widths),
        aims=variant.aims,
    )


def _whole(variant: Variant, folder: Path) -> Path:
    return folder / f"{variant.trained.slug}.pt"


def _begun(variant: Variant, folder: Path) -> Path:
    return folder / f"{variant.trained.begun.slug}.curves.pt"
