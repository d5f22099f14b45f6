"""Batches that no head has: loose voxels for the curves alone, tiles for their surroundings."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from models.training.bank import Stock, Tissue
from models.training.batches import Batch, Planes

NOISE_HU = (0.4, 12.0)
RESTING_HU = (18.0, 48.0)
AIR_HU = -1000.0
VOXELS_ACROSS = 16
CURVE_BOLUSES = 48
TILES = (2, 18)
HYPOPERFUSED_S, CORE_FLOW = 6.0, 15.0


class LooseVoxels:
    """Batches of voxels that have nothing to do with one another.

    Parameters
    ----------
    stock
        The boluses.
    boluses
        Of a batch, each with ``VOXELS_ACROSS`` squared voxels.
    seed
        With the step's number, decides the batch.
    """

    def __init__(self, stock: Sequence[Stock], boluses: int, seed: int) -> None:
        self._stock, self._boluses, self._seed = stock, boluses, seed

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng([self._seed, step, 1])
        shape = (VOXELS_ACROSS, VOXELS_ACROSS)
        chosen = rng.integers(len(self._stock), size=self._boluses)
        parts = [
            _planes(rng, self._stock[int(i)], Tissue.drawn(rng, VOXELS_ACROSS**2), shape)
            for i in chosen
        ]
        columns = (np.stack(column) for column in zip(*parts, strict=True))
        return Batch(*(torch.from_numpy(column) for column in columns))


class Mosaics:
    """Slices tiled with tissue of every kind behind one bolus.

    Parameters
    ----------
    stock
        The boluses.
    shape
        (H, W) of a slice.
    """

    def __init__(self, stock: Sequence[Stock], shape: tuple[int, int]) -> None:
        self._stock, self._shape = stock, shape

    def slices(self, rng: np.random.Generator, count: int) -> list[Planes]:
        """So many slices of one mosaic, alike half of the time."""
        stock = self._stock[int(rng.integers(len(self._stock)))]
        noise_hu = _noise(rng)
        alike = rng.random() < 0.5
        first = _tiled(rng, self._shape)
        layers = [first if alike else _tiled(rng, self._shape) for _ in range(count)]
        return [_planes(rng, stock, tissue, self._shape, noise_hu) for tissue in layers]


def _noise(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(*np.log(NOISE_HU))))


def _planes(
    rng: np.random.Generator,
    stock: Stock,
    tissue: Tissue,
    shape: tuple[int, int],
    noise_hu: float | None = None,
) -> Planes:
    """Tissue as one slice's input and truth."""
    noise_hu = _noise(rng) if noise_hu is None else noise_hu
    curves = stock.curves(rng, tissue, noise_hu)
    maps = stock.maps(tissue)
    resting = rng.uniform(*RESTING_HU) + rng.normal(0.0, 3.0, shape)
    flow, tmax_s = 60.0 * tissue.cbv / tissue.mtt_s, tissue.delay_s + tissue.mtt_s / 2.0
    hypoperfused = tmax_s > HYPOPERFUSED_S
    inside = np.ones(len(flow))
    shares = np.stack([inside, hypoperfused, hypoperfused & (flow < CORE_FLOW), inside])
    return (
        np.ascontiguousarray(curves.T).reshape(-1, *shape),
        resting.astype(np.float32),
        stock.vessels(rng, noise_hu),
        maps.reshape(-1, *shape),
        shares.astype(np.float32).reshape(-1, *shape),
    )


def _tiled(rng: np.random.Generator, shape: tuple[int, int]) -> Tissue:
    """Tissue in tiles: rectangles in rows and columns, or cells around random seeds."""
    tiles = _rectangles(rng, shape) if rng.random() < 0.5 else _cells(rng, shape)
    kinds = Tissue.drawn(rng, int(tiles.max()) + 1)
    return Tissue(*(part[tiles.ravel()] for part in vars(kinds).values()))


def _rectangles(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.intp]:
    down, across = (
        np.searchsorted(np.sort(rng.integers(0, side, rng.integers(*TILES))), np.arange(side))
        for side in shape
    )
    return np.asarray(down[:, None] * (int(across.max()) + 1) + across, np.intp)


def _cells(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.intp]:
    places = rng.uniform(0.0, shape, (int(rng.integers(4, 60)), 2)).astype(np.float32)
    rows, columns = (np.arange(side, dtype=np.float32) for side in shape)
    squares = (places[:, :1] - rows) ** 2, (places[:, 1:] - columns) ** 2
    distance = squares[0][:, :, None] + squares[1][:, None, :]
    return np.asarray(distance.argmin(axis=0), np.intp)
