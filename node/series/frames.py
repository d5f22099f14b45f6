"""A recognised CT perfusion series: the (T x Z) grid of its instances."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.series.geometry import Geometry
from node.series.header import Instance


@dataclass(frozen=True, eq=False)
class CtpSeries:
    """One CT perfusion series, sorted by geometry first and time second.

    Parameters
    ----------
    study_instance_uid, series_instance_uid
        Identification.
    description
        SeriesDescription of the source.
    grid
        T rows of Z instances (or frames of one), None where no image arrived; slices ascend
        along the normal.
    time_s
        (T, Z) float64 [s] from the earliest image, filled in where an image is missing.
    geometry
        Of the source images (not binned).
    time_source
        The attribute the times were read from.
    notes
        What was dropped or filled in, for people.
    """

    study_instance_uid: str
    series_instance_uid: str
    description: str
    grid: tuple[tuple[Instance | None, ...], ...]
    time_s: NDArray[np.float64]
    geometry: Geometry
    time_source: str
    notes: tuple[str, ...] = ()

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Every instance in use, time by time, slices ascending."""
        return tuple(i for frame in self.grid for i in frame if i is not None)

    def shown_in(self, geometry: Geometry) -> tuple[tuple[Instance, ...], ...]:
        """The instances that each slice of the analysis was made from, time by time.

        Parameters
        ----------
        geometry
            Of the analysis, whose slices may be means of several of the series'.
        """
        apart_mm = self.geometry.along_mm[:, None] - geometry.along_mm
        nearest = np.abs(apart_mm).argmin(axis=1)
        # A hair more than half: slices at the rim of a mean belong to it.
        within = np.abs(apart_mm).min(axis=1) < 0.51 * geometry.spacing_mm[0]
        return tuple(
            tuple(
                image
                for row in self.grid
                for image in (row[at] for at in np.flatnonzero(within & (nearest == z)))
                if image is not None
            )
            for z in range(len(geometry.position_mm))
        )

    @property
    def lossy(self) -> int:
        """How many images in use have lost something to compression."""
        return sum(i.header.lossy for i in self.instances)

    @property
    def sop_instance_uids(self) -> tuple[str, ...]:
        """The SOP Instance UIDs in use, sorted: what the results are made from."""
        return tuple(sorted({i.header.sop_instance_uid for i in self.instances}))
