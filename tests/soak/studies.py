"""Small simulated studies without end: a few simulated scans, each time with a grain of its own."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

from tests.support.ctp_spec import UID_PREFIX
from tests.support.studies import simulated

# Slices and frames of 128 x 128 pixels: what a process holds must not follow the last size.
_SIZES = ((4, 24), (6, 20), (3, 30))
_GRAIN_HU = 2


class Studies:
    """Studies by number; the same number is the same study.

    Attributes
    ----------
    sent
        The Series Instance UID of each that was made.
    """

    def __init__(self, folder: Path) -> None:
        self.sent: list[str] = []
        self._scans: list[list[tuple[Dataset, NDArray[np.int16]]]] = []
        for number, (slices, frames) in enumerate(_SIZES):
            size = ["--size", "128", "--slices", str(slices), "--frames", str(frames)]
            scan = simulated(folder / f"scan{number}", *size, "--salt", f"soak {number}")
            images = [dcmread(path) for path in scan.files]
            self._scans.append([(image, image.pixel_array.astype("<i2")) for image in images])

    def study(self, number: int) -> list[Dataset]:
        """Every image of a study, until the next is asked for: it is made of the same ones."""
        scan, rng = self._scans[number % len(self._scans)], np.random.default_rng(number)
        for place, (image, pixels) in enumerate(scan):
            grain = rng.integers(-_GRAIN_HU, _GRAIN_HU + 1, pixels.shape, dtype="<i2")
            image.PixelData = (pixels + grain).tobytes()
            image.PatientID, image.PatientName = f"SOAK-{number:04d}", f"Soak^{number}"
            image.StudyInstanceUID = _uid("study", number)
            image.SeriesInstanceUID = _uid("series", number)
            image.FrameOfReferenceUID = _uid("frame of reference", number)
            image.SOPInstanceUID = _uid("instance", number, place)
            image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        self.sent.append(str(scan[0][0].SeriesInstanceUID))
        return [image for image, _ in scan]


def _uid(*what: object) -> str:
    return str(generate_uid(UID_PREFIX, ["soak", *map(str, what)]))
