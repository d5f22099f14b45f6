"""What a plain scan leaves out: dispersion, rigid movement, hardened beams and faults."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MOST_DISPERSED_S = 3.0


@dataclass(frozen=True)
class Movement:
    """How a head moves as a rigid body, also through the plane and suddenly.

    Parameters
    ----------
    farthest_mm
        The longest way from where the head lay at first [mm].
    farthest_deg
        The largest turn about any axis [degrees].
    jumps
        How many sudden changes of place there are besides the drift.

    Raises
    ------
    ValueError
        If a number is negative.
    """

    farthest_mm: float
    farthest_deg: float = 0.0
    jumps: int = 0

    def __post_init__(self) -> None:
        if min(self.farthest_mm, self.farthest_deg, self.jumps) < 0:
            raise ValueError(f"movement must not be negative: {self}")

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Movement":
        """A patient's: 70 % stay under 2 mm, 20 % under 5 mm, the rest reach 6.5 mm and degrees.

        SCIENCE.md section 3.
        """
        low, high = ((0.0, 2.0), (2.0, 5.0), (5.0, 6.5))[int(rng.choice(3, p=[0.7, 0.2, 0.1]))]
        farthest_mm = float(rng.uniform(low, high))
        turned_deg = farthest_mm * float(rng.uniform(0.3, 1.0))
        return cls(farthest_mm, turned_deg, int(rng.choice(3, p=[0.6, 0.3, 0.1])))

    def poses(self, rng: np.random.Generator, frames: int) -> NDArray[np.float64]:
        """Where the head is in each pass, (T, 6), as :attr:`Truth.motion` has it; rests at first.

        Parameters
        ----------
        rng
            Random numbers.
        frames
            How many passes.
        """
        walk = np.cumsum(rng.standard_normal((frames, 6)) * 0.4, axis=0)
        for _ in range(self.jumps):
            # A jump outweighs what the head drifts in the whole scan, and it stays there.
            walk[int(rng.integers(1, max(frames, 2))) :] += rng.standard_normal(6) * frames**0.5
        walk -= walk[0]
        way = np.linalg.norm(walk[:, [0, 1, 3]], axis=1).max()
        turn = np.abs(walk[:, [2, 4, 5]]).max()
        walk[:, [0, 1, 3]] *= self.farthest_mm / max(float(way), 1e-9)
        walk[:, [2, 4, 5]] *= self.farthest_deg / max(float(turn), 1e-9)
        return walk


@dataclass(frozen=True)
class Faults:
    """What went wrong during the scan (SCIENCE.md section 3).

    Parameters
    ----------
    baseline_s
        How long before contrast arrives the scan begins [s]; below 0 it begins with contrast
        already there. None leaves it to the patient's bolus.
    kept_s
        How long after contrast arrives the scan goes on [s]; None to the scheme's end.
    bolus
        How much of the contrast reaches the head: 1 all of it, 0 none.
    lost_frames
        Share of the passes, the first excepted, that were never acquired.
    lost_images
        Share of the single images that never arrived; they are interpolated in time.

    Raises
    ------
    ValueError
        If a share is not from 0 to below 1, or the bolus is not from 0 to 1.
    """

    baseline_s: float | None = None
    kept_s: float | None = None
    bolus: float = 1.0
    lost_frames: float = 0.0
    lost_images: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.bolus <= 1:
            raise ValueError(f"bolus must lie from 0 to 1, got {self.bolus}")
        for share in (self.lost_frames, self.lost_images):
            if not 0 <= share < 1:
                raise ValueError(f"a share must lie from 0 to below 1: {self}")

    def started_s(self, arrival_s: float) -> float:
        """How much of a scan's planned beginning is cut off [s]; negative where it began early."""
        return 0.0 if self.baseline_s is None else arrival_s - self.baseline_s

    def kept(
        self, rng: np.random.Generator, times_s: NDArray[np.float64], arrival_s: float
    ) -> NDArray[np.bool_]:
        """Which passes were acquired, (T,); never fewer than two.

        Parameters
        ----------
        rng
            Random numbers.
        times_s
            (T, Z) [s] on the clock of ``arrival_s``.
        arrival_s
            When contrast arrives [s].
        """
        last_s = np.inf if self.kept_s is None else arrival_s + self.kept_s
        kept = times_s.max(axis=1) <= last_s
        kept[1:] &= rng.random(len(kept) - 1) >= self.lost_frames
        kept[:2] = True
        return np.asarray(kept, np.bool_)

    def lost(self, rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Which images never arrived, (T, Z); every slice keeps its first and its last.

        Parameters
        ----------
        rng
            Random numbers.
        shape
            (T, Z).
        """
        lost = rng.random(shape) < self.lost_images
        lost[[0, -1]] = False
        return lost


@dataclass(frozen=True)
class Realism:
    """What :func:`simulate` adds when asked; left at its defaults it adds nothing.

    Parameters
    ----------
    dispersion_s
        Spread of the bolus's arrival in tissue that is 4 s late or later [s], 0 to 3.
    beside
        A further pathology that the patient has besides: an old infarct, a stenosis, ...
    hardening_hu
        Root mean square of the beam hardening's cupping and streaks inside the brain [HU];
        above 0 the head gets a base of petrous bone and sphenoid.
    movement
        A rigidly moving head; None leaves it to ``Acquisition.motion_mm``.
    faults
        What went wrong.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    dispersion_s: float = 0.0
    beside: str | None = None
    hardening_hu: float = 0.0
    movement: Movement | None = None
    faults: Faults = Faults()

    def __post_init__(self) -> None:
        if not 0 <= self.dispersion_s <= _MOST_DISPERSED_S:
            raise ValueError(f"dispersion_s must lie from 0 to 3 s, got {self.dispersion_s}")
        if self.hardening_hu < 0:
            raise ValueError(f"hardening_hu must not be negative, got {self.hardening_hu}")


PLAIN = Realism()
"""Nothing added."""
