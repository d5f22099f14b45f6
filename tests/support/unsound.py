"""One simulated patient whose scan went as scans do go in a stroke's night."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from models.simulator import ACQUISITIONS, Faults, Movement, Realism, simulate, write_dicom
from models.simulator.dicom_writer import StudyHeader

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
    """

    outcome: str = "the same maps"
    realism: Realism | None = None
    lost: Callable[[int], bool] = lambda number: False
    started: datetime = StudyHeader.started

    def write(self, folder: Path) -> Path:
        """The images that arrived, as files."""
        usual = ACQUISITIONS["standard"].at(_ROWS)
        acquisition = replace(usual, slices=_SLICES, frame_times_s=usual.frame_times_s[:_FRAMES])
        scan = simulate(_SEED, acquisition, realism=self.realism)
        paths = write_dicom(scan, folder, header=StudyHeader(started=self.started))
        for number, path in enumerate(paths):
            if self.lost(number):
                path.unlink()
        return folder


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
    "without bolus": Unsound("refused, no_bolus", Realism(faults=Faults(bolus=0.0))),
    "at night across midnight": Unsound(started=_BEFORE_MIDNIGHT),
}
"""Every one by its name in docs/input.md."""
