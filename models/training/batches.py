"""Batches of slices: the same step of the same seed is always the same batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.training.cohort import Case
from models.training.flows import reflowed
from models.training.furrows import furrowed
from models.training.noises import noisier

MIN_BRAIN_PIXELS = 200
MOSAIC_SHARE = 0.8
REFLOWED_SHARE = 0.6
FURROWED_SHARE = 0.5
# Scanners differ in what they make of water and brain by more than any one patient does.
MAX_OFFSET_HU = 6.0
MAX_SHIFT_PX = 6
# Twice the 112 x 96 pixels that a common head needs would be wasted on air.
SLICE_SHAPE = (112, 96)


Planes = tuple[NDArray[np.float32], ...]
"""One slice: enhancement, baseline, vessels, maps and shares, as in :class:`Case`."""


class StackSource(Protocol):
    """What draws stacks of slices."""

    def slices(self, rng: np.random.Generator, count: int) -> list[Planes]:
        """So many slices that follow one another."""
        ...


@dataclass(frozen=True, eq=False)
class Batch:
    """Slices for one step, ready for the network and the loss."""

    enhancement: Tensor
    baseline: Tensor
    vessels: Tensor
    maps: Tensor
    shares: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        return Batch(*(tensor.to(device) for tensor in vars(self).values()))


class Batches:
    """Batches of stacks of neighbouring slices, drawn from a cohort and, some, from mosaics.

    Parameters
    ----------
    cases
        The patients.
    size
        Stacks in a batch, and slices in a stack.
    shape
        (H, W) that every slice is cut or padded to.
    seed
        With the step's number, decides the batch.
    mosaics
        Where a batch's last stack comes from, most of the time; None for patients alone.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        size: tuple[int, int],
        shape: tuple[int, int],
        seed: int,
        mosaics: StackSource | None = None,
    ) -> None:
        self._cases, self._shape, self._seed, self._mosaics = cases, shape, seed, mosaics
        self._stacks, self.stack = size
        self._brainy = [_brainy(case) for case in cases]

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng([self._seed, step])
        samples: list[Planes] = []
        for stack in range(self._stacks):
            last = stack == self._stacks - 1
            if self._mosaics is not None and last and rng.random() < MOSAIC_SHARE:
                samples += self._mosaics.slices(rng, self.stack)
            else:
                samples += self._stack(rng, int(rng.integers(len(self._cases))))
        columns = (np.stack(column) for column in zip(*samples, strict=True))
        return Batch(*(torch.from_numpy(column) for column in columns))

    def _stack(self, rng: np.random.Generator, c: int) -> list[Planes]:
        """Neighbouring slices of a patient, cut to shape, perhaps turned and changed."""
        case = self._cases[c]
        middle = int(rng.choice(self._brainy[c]))
        first = min(max(0, middle - int(rng.integers(self.stack))), len(case.maps) - self.stack)
        here = slice(max(0, first), max(0, first) + self.stack)
        shift = rng.integers(-MAX_SHIFT_PX, MAX_SHIFT_PX + 1, size=2)
        planes = case.enhancement, case.baseline_hu[:, None], case.maps, case.shares
        cut = [_cut(plane[here], self._shape, shift) for plane in planes]
        for axis, share in ((-1, 0.5), (-2, 0.2), (0, 0.5)):
            if rng.random() < share:
                cut = [np.ascontiguousarray(np.flip(plane, axis)) for plane in cut]
        enhancement, baseline, maps, shares = cut
        if rng.random() < REFLOWED_SHARE:
            enhancement, baseline, maps, shares = reflowed(
                rng, (enhancement, baseline, maps, shares)
            )
        if rng.random() < FURROWED_SHARE:
            enhancement, baseline, maps, shares = furrowed(
                rng, (enhancement, baseline, maps, shares)
            )
        baseline += np.float32(rng.uniform(-MAX_OFFSET_HU, MAX_OFFSET_HU))
        enhancement = noisier(rng, enhancement, baseline[:, 0])
        vessels = [case.vessels_hu] * self.stack
        missing = self.stack - len(maps)
        parts = (_filled(part, missing) for part in (enhancement, baseline[:, 0]))
        targets = (_filled(part, missing) for part in (maps, shares))
        return list(zip(*parts, vessels, *targets, strict=True))


def _brainy(case: Case) -> NDArray[np.intp]:
    """The slices with brain enough to learn from; the fullest one where none has."""
    pixels = case.shares[:, 3].astype(np.float32).sum(axis=(1, 2))
    brainy = np.flatnonzero(pixels > MIN_BRAIN_PIXELS)
    return brainy if len(brainy) else np.array([int(pixels.argmax())])


def _filled(planes: NDArray[np.float32], missing: int) -> NDArray[np.float32]:
    """Planes (S, ...) with as many empty ones after them."""
    return np.pad(planes, [(0, missing), *[(0, 0)] * (planes.ndim - 1)])


def _cut(
    planes: NDArray[np.float16], shape: tuple[int, int], shift: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The middle of (S, C, H, W), moved by a shift, as (S, C, *shape) float32; 0 beyond."""
    out = np.zeros((*planes.shape[:2], *shape), np.float32)
    into, outof = [], []
    for have, want, move in zip(planes.shape[2:], shape, shift, strict=True):
        start = (have - want) // 2 + int(move)
        low, high = max(0, start), min(have, start + want)
        into.append(slice(low - start, high - start))
        outof.append(slice(low, high))
    out[:, :, into[0], into[1]] = planes[:, :, outof[0], outof[1]]
    return out
