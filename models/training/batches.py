"""Batches of slices: the same step of the same seed is always the same batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.training.cohort import Case

MIN_BRAIN_PIXELS = 200
NOISE_SHARE = 0.3
MAX_NOISE_HU = 4.0
MAX_SHIFT_PX = 6


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
    """Batches drawn from a cohort.

    Parameters
    ----------
    cases
        The patients.
    size
        Slices in a batch.
    shape
        (H, W) that every slice is cut or padded to.
    seed
        With the step's number, decides the batch.
    """

    def __init__(self, cases: Sequence[Case], size: int, shape: tuple[int, int], seed: int) -> None:
        self._cases, self._size, self._shape, self._seed = cases, size, shape, seed
        self._slices = [
            (c, z)
            for c, case in enumerate(cases)
            for z in np.flatnonzero(
                case.shares[:, 3].astype(np.float32).sum(axis=(1, 2)) > MIN_BRAIN_PIXELS
            )
        ]

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng([self._seed, step])
        chosen = rng.integers(len(self._slices), size=self._size)
        samples = [self._sample(rng, *self._slices[i]) for i in chosen]
        columns = (np.stack(column) for column in zip(*samples, strict=True))
        return Batch(*(torch.from_numpy(column) for column in columns))

    def _sample(self, rng: np.random.Generator, c: int, z: int) -> tuple[NDArray[np.float32], ...]:
        """One slice, cut to shape, perhaps mirrored, perhaps noisier."""
        case = self._cases[c]
        planes = [case.enhancement[z], case.baseline_hu[z][None], case.maps[z], case.shares[z]]
        shift = rng.integers(-MAX_SHIFT_PX, MAX_SHIFT_PX + 1, size=2)
        cut = [_cut(plane, self._shape, shift) for plane in planes]
        if rng.random() < 0.5:
            cut = [np.ascontiguousarray(plane[..., ::-1]) for plane in cut]
        enhancement, baseline, maps, shares = cut
        if rng.random() < NOISE_SHARE:
            sigma_hu = np.float32(rng.uniform(0.0, MAX_NOISE_HU))
            rough = rng.standard_normal(enhancement.shape, dtype=np.float32)
            enhancement += sigma_hu * rough * (enhancement != 0)
        return enhancement, baseline[0], case.vessels_hu, maps, shares


def _cut(
    plane: NDArray[np.float16], shape: tuple[int, int], shift: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The middle of (C, H, W), moved by a shift, as (C, *shape) float32; 0 beyond the edge."""
    out = np.zeros((plane.shape[0], *shape), np.float32)
    into, outof = [], []
    for have, want, move in zip(plane.shape[1:], shape, shift, strict=True):
        start = (have - want) // 2 + int(move)
        low, high = max(0, start), min(have, start + want)
        into.append(slice(low - start, high - start))
        outof.append(slice(low, high))
    out[:, into[0], into[1]] = plane[:, outof[0], outof[1]]
    return out
