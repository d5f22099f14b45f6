"""What a synthetic CT perfusion series is made of."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import generate_uid

from node.series import Geometry

UID_PREFIX = "1.2.826.0.1.3680043.10.1137."
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True)
class CtpSpec:
    """What to build. The same spec gives the same UIDs and pixels; ``seed`` makes another study.

    Parameters
    ----------
    slices, frames, interval_s
        Size of the grid; every slice is imaged each ``interval_s``.
    rows, pixel_mm, spacing_mm
        ``rows`` x ``rows`` pixels of ``pixel_mm``; distance between slices.
    orientation, origin_mm
        ImageOrientationPatient and the ImagePositionPatient of the first slice.
    slab_offset_s
        The upper half of the slices is imaged this much later (shuttle).
    slice_major
        InstanceNumber runs through the times of slice 1 first, then slice 2 ...
    shuffle
        Seed of a random order of the returned list; None keeps it time by time.
    study_uid, series_uid, frame_of_reference_uid
        Made from ``seed`` where empty.
    """

    slices: int = 4
    frames: int = 12
    interval_s: float = 4.0
    rows: int = 32
    pixel_mm: float = 6.25
    spacing_mm: float = 5.0
    orientation: tuple[float, float, float, float, float, float] = AXIAL
    origin_mm: tuple[float, float, float] = (-100.0, -100.0, 20.0)
    start: datetime = datetime(2026, 3, 14, 9, 26, 53, 589793)
    slab_offset_s: float = 0.0
    slice_major: bool = False
    shuffle: int | None = None
    noise_hu: float = 2.0
    seed: int = 0
    study_uid: str = ""
    series_uid: str = ""
    frame_of_reference_uid: str = ""
    series_number: int = 5
    series_description: str = "CT Perfusion 5.0"
    patient_name: str = "Doe^Jane"
    patient_id: str = "PN-0001"
    charset: str | tuple[str, ...] = "ISO_IR 100"
    accession_number: str = "ACC0001"

    def uid(self, *what: object) -> str:
        """A UID that depends on ``seed`` and ``what`` only."""
        return str(generate_uid(UID_PREFIX, ["ctp", str(self.seed), *map(str, what)]))

    @property
    def study_instance_uid(self) -> str:
        return self.study_uid or self.uid("study")

    @property
    def series_instance_uid(self) -> str:
        return self.series_uid or self.uid("series", self.study_instance_uid)

    def sop_instance_uid(self, frame: int, z: int) -> str:
        return self.uid("instance", self.series_instance_uid, frame, z)

    @property
    def normal(self) -> NDArray[np.float64]:
        return np.cross(self.orientation[:3], self.orientation[3:])

    def position_mm(self, z: int) -> NDArray[np.float64]:
        return np.asarray(self.origin_mm) + z * self.spacing_mm * self.normal

    def time_s(self, frame: int, z: int) -> float:
        """Seconds from ``start``."""
        late = self.slab_offset_s if z >= self.slices // 2 else 0.0
        return frame * self.interval_s + late

    @property
    def geometry(self) -> Geometry:
        return Geometry(
            position_mm=np.array([self.position_mm(z) for z in range(self.slices)]),
            orientation=self.orientation,
            pixel_mm=(self.pixel_mm, self.pixel_mm),
            rows=self.rows,
            columns=self.rows,
            slice_thickness_mm=self.spacing_mm,
            frame_of_reference_uid=self.frame_of_reference_uid or self.uid("frame of reference"),
        )
