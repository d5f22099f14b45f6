"""The same scan in the layouts that scanners and archives make of it."""

from collections.abc import Sequence
from copy import deepcopy

from pydicom import Dataset
from pydicom.uid import generate_uid

_PREFIX = "1.2.826.0.1.3680043.10.1137."


def series_per_time_point(images: Sequence[Dataset]) -> list[Dataset]:
    """Copies of the images with a series UID, number and description for each time point."""
    made = []
    for image in images:
        copy = deepcopy(image)
        number = int(image.AcquisitionNumber)
        copy.SeriesInstanceUID = time_point_uid(image, number)
        copy.SeriesNumber = 100 + number
        copy.SeriesDescription = f"{image.SeriesDescription} volume {number}"
        made.append(copy)
    return made


def time_point_uid(image: Dataset, number: int) -> str:
    """Series Instance UID of one time point, from 1."""
    return str(generate_uid(_PREFIX, ["time point", str(image.SeriesInstanceUID), str(number)]))
