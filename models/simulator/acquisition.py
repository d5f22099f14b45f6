"""How a scanner samples the bolus: slices, pixels, times, noise and dose."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

FIELD_OF_VIEW_MM = 230.4
_TUBE_CURRENT_MA = 190.0
_SHUTTLE_INTERVAL_S = 2.81


@dataclass(frozen=True)
class Acquisition:
    """One way to acquire a CT perfusion scan (SCIENCE.md section 3).

    Parameters
    ----------
    name
        What the scheme is called.
    slices, thickness_mm
        Contiguous axial slices and their thickness [mm].
    rows, pixel_mm
        The square matrix and the distance between pixel centres [mm].
    frame_times_s
        When each pass starts, ascending [s] from the start of the scan.
    slab_offset_s
        How much later than the lower half of the slices the upper half is acquired within a
        pass [s]: a shuttle has half its interval here, a fixed table 0.
    jitter_s
        Standard deviation of each pass about its nominal time [s].
    noise_hu
        Standard deviation of a voxel of 0.45 x 0.45 x 5 mm at full dose [HU].
    dose
        Tube current as a fraction of 190 mA at 80 kV.
    motion_mm
        Typical head movement during the scan [mm]; 0 holds the head still.
    sweep_s
        How long the table takes from the lowest slice to the highest [s]: a shuttle spiral
        scans upwards and downwards in turn, and every slice has its own times. 0 for none.

    Raises
    ------
    ValueError
        If times do not ascend, or a size, a dose or a standard deviation is impossible.
    """

    name: str
    slices: int
    thickness_mm: float
    rows: int
    pixel_mm: float
    frame_times_s: tuple[float, ...]
    slab_offset_s: float = 0.0
    jitter_s: float = 0.0
    noise_hu: float = 7.5
    dose: float = 1.0
    motion_mm: float = 0.0
    sweep_s: float = field(default=0.0, repr=False)

    def __post_init__(self) -> None:
        if min(self.slices, self.rows, self.thickness_mm, self.pixel_mm) <= 0:
            raise ValueError(f"slices, rows, thickness and pixel must be positive: {self}")
        if not self.frame_times_s or np.any(np.diff(self.frame_times_s) <= 0):
            raise ValueError("frame_times_s must ascend and hold at least one time")
        if not 0 < self.dose <= 1:
            raise ValueError(f"dose must be above 0 and at most 1, got {self.dose}")
        steps = (self.noise_hu, self.jitter_s, self.slab_offset_s, self.motion_mm, self.sweep_s)
        if min(steps) < 0:
            raise ValueError(f"noise, jitter, offsets and motion must not be negative: {self}")
        if 2 * self.sweep_s > float(np.diff(self.frame_times_s).min(initial=np.inf)) + 1e-9:
            raise ValueError("a sweep and its way back must fit between two passes")

    @classmethod
    def regular(
        cls, name: str, *, slices: int, frames: int, interval_s: float, thickness_mm: float = 5.0
    ) -> "Acquisition":
        """An acquisition of 512 x 512 pixels with ``frames`` passes at a fixed interval."""
        times = tuple(interval_s * i for i in range(frames))
        return cls(name, slices, thickness_mm, 512, FIELD_OF_VIEW_MM / 512, times)

    def at(self, rows: int) -> "Acquisition":
        """The same field of view on ``rows`` x ``rows`` pixels."""
        return replace(self, rows=rows, pixel_mm=self.pixel_mm * self.rows / rows)

    @property
    def frames(self) -> int:
        """How many passes."""
        return len(self.frame_times_s)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along (Z, Y, X) [mm]."""
        return self.thickness_mm, self.pixel_mm, self.pixel_mm

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel [ml]."""
        return self.thickness_mm * self.pixel_mm**2 / 1000.0

    @property
    def native_noise_hu(self) -> float:
        """Noise of a 0.45 mm pixel at this dose and thickness [HU] (SCIENCE.md section 3)."""
        current_ma = _TUBE_CURRENT_MA * self.dose
        added = 103.09**2 * (1.0 / current_ma - 1.0 / _TUBE_CURRENT_MA)
        return float(np.sqrt((self.noise_hu**2 + added) * 5.0 / self.thickness_mm))

    def times_s(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """The time of every image, (T, Z) float64 [s] from the earliest one."""
        passes = np.array(self.frame_times_s)
        if self.jitter_s > 0:
            shift = rng.normal(0.0, self.jitter_s, self.frames)
            # A pass never overtakes the next: at most 0.4 of the shortest gap either way.
            limit = 0.4 * float(np.diff(passes).min(initial=np.inf))
            passes = passes + np.clip(shift, -limit, limit)
        upper = np.arange(self.slices) >= (self.slices + 1) // 2
        times = passes[:, None] + self.slab_offset_s * upper[None, :]
        if self.sweep_s > 0:
            height = np.linspace(0.0, 1.0, self.slices)
            downwards = np.arange(self.frames)[:, None] % 2 == 1
            times = times + self.sweep_s * np.where(downwards, 1.0 - height, height)
        return np.asarray(times - times.min(), np.float64)


def _then(*runs: tuple[int, float]) -> tuple[float, ...]:
    """Pass times of consecutive runs of (passes, interval_s)."""
    gaps = np.concatenate([np.full(count, interval) for count, interval in runs])
    return tuple(float(t) for t in np.concatenate([[0.0], np.cumsum(gaps[:-1])]))


def _presets() -> dict[str, Acquisition]:
    regular = Acquisition.regular
    shuttle = regular("shuttle", slices=16, frames=18, interval_s=_SHUTTLE_INTERVAL_S)
    sparse = regular("sparse", slices=16, frames=1, interval_s=1.0)
    wide = regular("wide", slices=28, frames=1, interval_s=2.0)
    spiral = regular("spiral", slices=20, frames=30, interval_s=1.5)
    volume = regular("volume", slices=32, frames=1, interval_s=2.0)
    volume_times = _then((1, 4.0), (11, 2.0), (5, 3.0), (4, 5.0))
    return {
        "standard": regular("standard", slices=16, frames=30, interval_s=2.0),
        "fast": regular("fast", slices=12, frames=45, interval_s=1.0),
        "cine": regular("cine", slices=8, frames=89, interval_s=0.5),
        "shuttle": replace(shuttle, slab_offset_s=_SHUTTLE_INTERVAL_S / 2),
        "sparse": replace(sparse, frame_times_s=_then((28, 1.0), (10, 3.0))),
        "wide": replace(wide, frame_times_s=_then((2, 4.0), (13, 2.0), (5, 5.0)), jitter_s=0.1),
        "spiral": replace(spiral, sweep_s=0.75),
        "volume": replace(volume, frame_times_s=volume_times, jitter_s=0.25),
    }


ACQUISITIONS: Mapping[str, Acquisition] = MappingProxyType(_presets())
"""Preset schemes by name, all 512 x 512 at 0.45 mm: see SCIENCE.md section 3."""
