"""Non-linear regression of a box-shaped residue function (box NLR).

Bennink et al., J Med Imaging 2016;3:026003: ``C(t) = CBV/MTT [A(t-d) - A(t-d-MTT)]``, A the
running integral of the arterial curve, the curves filtered with [.25 .5 .25]. The flow enters
linearly: for each (MTT, delay) it has a closed form, so the search has two dimensions only. A
grid finds the valley, Gauss-Newton steps with the flow eliminated (variable projection, after
Kaufman) find its bottom, for all voxels at once.

The box is a model, not a truth. The least squares of a box against tissue with an exponential
residue function lie at 0.57 of its flow and 1.26 of its transit time, against a linear one at 0.67
and 1.33, even for an instant bolus; a longer bolus takes more. So do the published method's.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from node.perfusion.solution import Solution

KERNEL = (0.25, 0.5, 0.25)
FINE = 16
CHUNK = 4096
STEPS = 4
TINY = 1e-12

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class BoxRegression:
    """Box NLR: MTT, delay and flow of the box that fits best.

    Parameters
    ----------
    mtt_s
        Shortest and longest mean transit time [s].
    delay_s
        Smallest and largest delay [s].
    """

    mtt_s: tuple[float, float] = (2.0, 40.0)
    delay_s: tuple[float, float] = (0.0, 20.0)

    name = "NLR"
    version = "1"

    def solve(
        self, aif: NDArray[np.float64], curves: NDArray[np.float32], interval_s: float
    ) -> Solution:
        """What every voxel's curve tells about its transport; see :class:`Solution`."""
        artery = _Artery.of(scipy.ndimage.convolve1d(aif, KERNEL, mode="nearest"), interval_s)
        nodes, shapes = self._grid(artery)
        found = np.empty((3, curves.shape[1]), np.float32)
        for start in range(0, curves.shape[1], CHUNK):
            part = slice(start, start + CHUNK)
            tissue = scipy.ndimage.convolve1d(curves[:, part].T, KERNEL, axis=1, mode="nearest")
            begin = nodes[(tissue @ shapes).argmax(axis=1)]
            found[:, part] = self._fitted(artery, tissue, begin)
        flow, mtt, delay = np.where(found[0] > 0, found, np.float32(0.0))
        return Solution(flow, flow * mtt, mtt, delay, np.maximum(delay + mtt / 2.0, 0.0))

    def _grid(self, artery: "_Artery") -> tuple[Array, Array]:
        """(K, 2) log MTT and delay of the grid's nodes, and (N, K) their curves of length 1."""
        mtt = np.geomspace(*self.mtt_s, 26)
        delay = np.linspace(*self.delay_s, 30)
        pairs = np.stack(np.meshgrid(np.log(mtt), delay, indexing="ij"), axis=-1)
        nodes = pairs.reshape(-1, 2).astype(np.float32)
        model, _, _ = artery.box(nodes)
        lengths = np.linalg.norm(model, axis=1, keepdims=True)
        return nodes, (model / np.maximum(lengths, TINY)).T.astype(np.float32)

    def _fitted(self, artery: "_Artery", tissue: Array, place: Array) -> Array:
        """(3, V) flow, MTT and delay of the least squares, from a start near them."""
        low = np.array([np.log(self.mtt_s[0]), self.delay_s[0]], np.float32)
        high = np.array([np.log(self.mtt_s[1]), self.delay_s[1]], np.float32)
        damping = np.full(len(place), 1e-2, np.float32)
        state = _Fit.at(artery, tissue, place)
        for _ in range(STEPS):
            trial = np.clip(place + state.step(tissue, damping), low, high)
            new = _Fit.at(artery, tissue, trial)
            better = new.gain > state.gain
            place = np.where(better[:, None], trial, place)
            state = state.replaced(new, better)
            damping = np.where(better, damping / 4.0, damping * 8.0).astype(np.float32)
        return np.stack([np.maximum(state.flow, 0.0), np.exp(place[:, 0]), place[:, 1]])


@dataclass(frozen=True, eq=False)
class _Artery:
    """The arterial curve and its running integral, finely sampled."""

    values: Array
    area: Array
    fine_s: float
    times_s: Array

    @classmethod
    def of(cls, aif: NDArray[np.float64], interval_s: float) -> "_Artery":
        times = interval_s * np.arange(len(aif))
        spline = scipy.interpolate.CubicSpline(times, aif, bc_type="natural")
        fine = np.linspace(0.0, times[-1], FINE * (len(aif) - 1) + 1)
        return cls(
            spline(fine).astype(np.float32),
            spline.antiderivative()(fine).astype(np.float32),
            interval_s / FINE,
            times.astype(np.float32),
        )

    def at(self, times_s: Array) -> tuple[Array, Array]:
        """The running integral and the curve; 0 before the start, level after the end."""
        place = times_s * np.float32(1.0 / self.fine_s)
        index = np.clip(place, 0, len(self.values) - 1).astype(np.int32)
        value = self.values[index]
        value *= place > 0
        beyond = (place - index) * np.float32(self.fine_s)
        return self.area[index] + value * beyond, value

    def box(self, place: Array) -> tuple[Array, Array, Array]:
        """(V, N) curves of unit flow, and their slopes along log MTT and delay."""
        mtt = np.exp(place[:, :1])
        begun = self.times_s[None] - place[:, 1:]
        entered, entering = self.at(begun)
        left, leaving = self.at(begun - mtt)
        return entered - left, mtt * leaving, leaving - entering


@dataclass(frozen=True, eq=False)
class _Fit:
    """The best flow at given (log MTT, delay), and the slopes there."""

    flow: Array
    gain: Array
    model: Array
    by_mtt: Array
    by_delay: Array

    @classmethod
    def at(cls, artery: _Artery, tissue: Array, place: Array) -> "_Fit":
        model, by_mtt, by_delay = artery.box(place)
        power = np.maximum(_dot(model, model), np.float32(TINY))
        match = _dot(model, tissue)
        # The squares that the model explains; a negative flow explains nothing.
        gain = np.maximum(match, 0.0) ** 2 / power
        return cls(match / power, gain, model, by_mtt, by_delay)

    def replaced(self, other: "_Fit", where: NDArray[np.bool_]) -> "_Fit":
        rows = where[:, None]
        return _Fit(
            np.where(where, other.flow, self.flow),
            np.where(where, other.gain, self.gain),
            np.where(rows, other.model, self.model),
            np.where(rows, other.by_mtt, self.by_mtt),
            np.where(rows, other.by_delay, self.by_delay),
        )

    def step(self, tissue: Array, damping: Array) -> Array:
        """(V, 2) damped Gauss-Newton step, the flow eliminated."""
        power = np.maximum(_dot(self.model, self.model), np.float32(TINY))
        flow = self.flow[:, None]
        rest = tissue - flow * self.model
        slopes = []
        for raw in (self.by_mtt, self.by_delay):
            along = _dot(raw, self.model) / power
            slopes.append(flow * (raw - along[:, None] * self.model))
        one, two = slopes
        a, b, c = _dot(one, one), _dot(one, two), _dot(two, two)
        a, c = a * (1.0 + damping) + TINY, c * (1.0 + damping) + TINY
        p, q = _dot(one, rest), _dot(two, rest)
        scale = 1.0 / np.maximum(a * c - b * b, np.float32(1e-20))
        moved = np.stack([(c * p - b * q) * scale, (a * q - b * p) * scale], axis=1)
        limit = np.array([0.7, 2.0], np.float32)
        return np.clip(moved, -limit, limit).astype(np.float32)


def _dot(one: Array, other: Array) -> Array:
    product: Array = np.einsum("vn,vn->v", one, other)
    return product
