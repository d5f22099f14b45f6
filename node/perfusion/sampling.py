"""One clock for a whole scan: curves of slices with times of their own, at regular times."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.perfusion.dynamic import DynamicCt

# A bolus is 6-19 s wide: one sample a second shows all of it, one in 2 s nearly all.
SHORTEST_S, LONGEST_S = 1.0, 2.0
MIN_FRAMES, MIN_POINTS = 4, 6
SUBSAMPLES = 8


@dataclass(frozen=True)
class Clock:
    """Regular times.

    Parameters
    ----------
    start_s
        The first time [s] on the scan's clock.
    interval_s
        Time between neighbours [s].
    points
        How many.

    Raises
    ------
    ValueError
        If there are fewer than six times or the interval is not positive.
    """

    start_s: float
    interval_s: float
    points: int

    def __post_init__(self) -> None:
        if self.points < MIN_POINTS or self.interval_s <= 0:
            raise ValueError(
                f"a clock of {self.points} times, {self.interval_s} s apart, shows no bolus; "
                f"{MIN_POINTS} are needed"
            )

    @classmethod
    def of(cls, scan: DynamicCt) -> "Clock":
        """The times between which every slice of a scan was imaged.

        The scan's own interval is kept where it lies between 1 and 2 s: nothing is
        interpolated then. A faster scan is averaged, a slower one interpolated.

        Raises
        ------
        ValueError
            If there are too few frames, or the slices share too short a time.
        """
        if scan.shape[0] < MIN_FRAMES:
            raise ValueError(f"{scan.shape[0]} frames show no bolus; {MIN_FRAMES} are needed")
        interval_s = float(np.clip(scan.interval_s, SHORTEST_S, LONGEST_S))
        start_s = float(scan.time_s[0].max())
        # A microsecond keeps the last image of a regular scan from being lost to rounding.
        points = int((float(scan.time_s[-1].min()) - start_s + 1e-6) / interval_s) + 1
        return cls(start_s, interval_s, points)

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(N,) the times [s] on the scan's clock."""
        return np.linspace(
            self.start_s, self.start_s + self.interval_s * (self.points - 1), self.points
        )

    def weights(self, time_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """Weights that bring samples at other times to the clock, by straight lines.

        Samples closer than the clock's interval are averaged over it. Straight lines never
        raise the noise, and artery and tissue pass them alike; a spline, which rings where a
        bolus arrives between two distant images, measured no better without noise and worse
        with it.

        Parameters
        ----------
        time_s
            (T,) times of the samples [s], ascending.

        Returns
        -------
        (N, T) float32, rows sum to 1
        """
        finer = float(np.median(np.diff(time_s))) < 0.75 * self.interval_s
        count = SUBSAMPLES if finer else 1
        within = ((np.arange(count) + 0.5) / count - 0.5) * self.interval_s
        wanted = np.clip(self.times_s[:, None] + within, float(time_s[0]), float(time_s[-1]))
        curves = np.eye(len(time_s))
        lines = np.stack([np.interp(wanted, time_s, curve) for curve in curves], axis=-1)
        means: NDArray[np.float32] = lines.mean(axis=1).astype(np.float32)
        return means
