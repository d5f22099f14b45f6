"""One simulated patient whose scan went as scans do go in a stroke's night."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.simulator import ACQUISITIONS, Faults, Movement, Realism, simulate, write_dicom
from models.simulator.acquisition import FIELD_OF_VIEW_MM
from models.simulator.dicom_writer import StudyHeader

Pixels = NDArray[np.float32]

_SEED = 29
_SLICES, _ROWS, _FRAMES = 6, 128, 24
_BEFORE_MIDNIGHT = datetime(2026, 3, 14, 23, 59, 38)


@dataclass(frozen=True)
class Unsound:
    """One way in which a scan is not what it should be.

    Parameters
    ----------
    outcome
        How it ends, as docs/input.md says: a refusal has its code, a flag too.
    realism
        What the simulator adds.
    lost
        Which of the images in order of time and slice never arrived.
    started
        When the scan began.
    altered
        Changes the images, (T, Z, Y, X) [HU], in place.
    told
        What its flag or its refusal says.
    """

    outcome: str = "the same maps"
    realism: Realism | None = None
    lost: Callable[[int], bool] = lambda number: False
    started: datetime = StudyHeader.started
    altered: Callable[[Pixels], None] = lambda hu: None
    told: str = ""

    def write(self, folder: Path) -> Path:
        """The images that arrived, as files."""
        usual = ACQUISITIONS["standard"].at(_ROWS)
        acquisition = replace(usual, slices=_SLICES, frame_times_s=usual.frame_times_s[:_FRAMES])
        scan = simulate(_SEED, acquisition, realism=self.realism)
        self.altered(scan.scan.hu)
        paths = write_dicom(scan, folder, header=StudyHeader(started=self.started))
        for number, path in enumerate(paths):
            if self.lost(number):
                path.unlink()
        return folder


def _bearing() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far from the picture's middle each pixel lies [mm], and in which direction [degrees]."""
    place_mm = (np.arange(_ROWS) - (_ROWS - 1) / 2) * FIELD_OF_VIEW_MM / _ROWS
    y, x = np.meshgrid(place_mm, place_mm, indexing="ij")
    return np.hypot(y, x), np.degrees(np.arctan2(x, y))


def _flap_gone(hu: Pixels) -> None:
    """A third of the vault is skin alone, as after a decompressive craniectomy."""
    _, angle = _bearing()
    bone = (hu.mean(axis=0) > 150) & (np.abs(angle - 90) < 60)
    hu[:, bone] = 35.0


def _clipped(hu: Pixels) -> None:
    """A clip at the skull's base in the two lowest slices, dark and bright bands about it."""
    distance_mm, angle = _bearing()
    bands = 150.0 * np.cos(np.radians(6 * angle)) * np.exp(-distance_mm / 15.0)
    hu[:, :2] += bands.astype(np.float32)
    hu[:, :2, distance_mm < 3.0] = 3071.0
    np.rint(hu, out=hu)


def _bedded(hu: Pixels) -> None:
    """A gel cushion as dense as fluid under the head, against the skin, and the table's shell."""
    below_mm = np.arange(_ROWS)[:, None] * FIELD_OF_VIEW_MM / _ROWS
    air = hu[0] < -500
    lowest = np.where(~air.all(axis=(0, 2)))[0].max() * FIELD_OF_VIEW_MM / _ROWS
    cushion = air & (below_mm > lowest - 25.0) & (below_mm < lowest + 8.0)
    hu[:, cushion] = 12.0
    hu[:, air & (np.abs(below_mm - lowest - 10.0) < 2.0)] = 250.0


def _moving_during(*frames: int) -> Callable[[Pixels], None]:
    """A head that jumps by 7 mm while these time points are imaged: every edge is double."""
    there = round(7.0 * _ROWS / FIELD_OF_VIEW_MM)

    def change(hu: Pixels) -> None:
        for frame in frames:
            hu[frame] = np.rint((hu[frame] + np.roll(hu[frame], there, axis=1)) / 2)

    return change


def _after(frames: int) -> Callable[[int], bool]:
    return lambda number: number >= frames * _SLICES


SOUND = Unsound()
UNSOUND: dict[str, Unsound] = {
    "every fifth image missing": Unsound(
        "refused, incomplete", lost=lambda number: number % 5 == 4
    ),
    "a fifth of the time points missing": Unsound(
        "analysed", Realism(faults=Faults(lost_frames=0.2))
    ),
    "one image of twenty missing": Unsound(
        "analysed, flagged missing_images", lost=lambda number: number % 20 == 13
    ),
    "cut off at 30 s": Unsound("analysed, flagged truncation", lost=_after(16)),
    "cut off before 30 s": Unsound("refused, too_short", lost=_after(15)),
    "cut off 8 s after contrast arrives": Unsound(
        "refused, too_few_frames", Realism(faults=Faults(kept_s=8.0))
    ),
    "jumps of 5 mm": Unsound(
        "analysed, flagged motion", Realism(movement=Movement(5.0, 0.0, jumps=3))
    ),
    "movement during two time points, which are left out": Unsound(
        "analysed, flagged motion",
        altered=_moving_during(9, 14),
        told="2 of 24 time points could not be and were left out",
    ),
    "movement during nine time points": Unsound(
        "refused, motion",
        altered=_moving_during(*range(3, 21, 2)),
        told="9 of 24 time points cannot be brought back",
    ),
    "without bolus": Unsound("refused, no_bolus", Realism(faults=Faults(bolus=0.0))),
    "a third of the skull's vault gone": Unsound("analysed", altered=_flap_gone),
    "a metal clip in two slices": Unsound("analysed", altered=_clipped),
    "a cushion and the table against the head": Unsound("analysed", altered=_bedded),
    "at night across midnight": Unsound(started=_BEFORE_MIDNIGHT),
}
"""Every one by its name in docs/input.md."""
