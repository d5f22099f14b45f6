"""Where the dataset keeps what: four folders a subject, one file an image."""

import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError

from models.unitobrain.errors import DatasetError

_FILTERED = "_Registered_Filtered_3mm_20HU"
_MAPS = f"{_FILTERED}_Maps"
_FOLDER = re.compile(r"([A-Z]+-\d+)(_Registered(_Filtered_3mm_20HU(_Maps)?)?)?")
# The archive unpacks into a folder of its own, which may part training and test subjects.
_DEEPEST = 3
_NUMBER = re.compile(r"(\d+)$")
# Slices are 5 mm apart; the positions of one slice differ by rounding alone.
SAME_SLICE_MM = 0.5
_TAGS = ["ImagePositionPatient", "PixelSpacing", "SliceThickness", "Rows", "Columns"]


@dataclass(frozen=True)
class SubjectFolders:
    """One subject's folders.

    Parameters
    ----------
    name
        Such as ``MOL-001``.
    parent
        The folder that holds the subject's folders.
    """

    name: str
    parent: Path

    @property
    def raw(self) -> Path:
        """As the scanner sent it."""
        return self.parent / self.name

    @property
    def filtered(self) -> Path:
        """Registered and filtered: what the maps were computed from."""
        return self.parent / f"{self.name}{_FILTERED}"

    def map(self, kind: str) -> Path:
        """The folder of one of the maps, such as ``CBF``."""
        return self.parent / f"{self.name}{_MAPS}" / f"NLR_{kind}"


@dataclass(frozen=True)
class Image:
    """One file of a derived series: its number and its place; its clock is never relied on."""

    path: Path
    number: int
    z_mm: float
    pixel_mm: tuple[float, float]
    thickness_mm: float
    shape: tuple[int, int]


def subjects(root: Path) -> tuple[SubjectFolders, ...]:
    """The subjects below a folder, by name.

    Parameters
    ----------
    root
        Where the dataset was unpacked; the subjects' folders may lie up to three levels down.

    Raises
    ------
    DatasetError
        If there is no such folder, no subject in it, or the same subject twice.
    """
    if not root.is_dir():
        raise DatasetError(root, "there is no such folder", "Name the folder with --root.")
    found: dict[str, Path] = {}
    places = [root]
    for _ in range(_DEEPEST):
        below = sorted(p for place in places for p in place.iterdir() if p.is_dir())
        named = [(p, _FOLDER.fullmatch(p.name)) for p in below]
        for path, match in named:
            if match and found.setdefault(match[1], path.parent) != path.parent:
                raise DatasetError(
                    path,
                    f"{match[1]} also lies in {found[match[1]]}",
                    "Keep one copy of each subject below the root.",
                )
        places = [path for path, match in named if not match]
    if not found:
        raise DatasetError(
            root,
            "no subject was found",
            "Name the folder that holds MOL-001, MOL-001_Registered and so on.",
        )
    return tuple(SubjectFolders(name, found[name]) for name in sorted(found))


def dicom_files(folder: Path) -> list[Path]:
    """The DICOM files of a folder, by name.

    Raises
    ------
    DatasetError
        If the folder is missing or holds none.
    """
    if not folder.is_dir():
        raise DatasetError(folder, "the folder is missing")
    files = sorted(
        p for p in folder.iterdir() if p.suffix.lower() == ".dcm" and not p.name.startswith(".")
    )
    if not files:
        raise DatasetError(folder, "the folder holds no .dcm file")
    return files


def images(folder: Path) -> list[Image]:
    """The images of a derived series in the order of their file numbers.

    Raises
    ------
    DatasetError
        If the folder is missing or empty, a number is missing or used twice, or a file is
        unreadable or without a place.
    """
    found = sorted((_image(path) for path in dicom_files(folder)), key=lambda image: image.number)
    for one, following in itertools.pairwise(found):
        if one.number == following.number:
            raise DatasetError(following.path, f"{one.path.name} has the same number")
        if one.number + 1 != following.number:
            raise DatasetError(
                folder, f"no file of number {one.number + 1}, after {one.path.name}, is there"
            )
    return found


def by_slice(found: Sequence[Image]) -> tuple[NDArray[np.float64], list[list[Image]]]:
    """The slices of a series: their places, ascending [mm], and the images of each in order."""
    ordered = sorted(found, key=lambda image: image.z_mm)
    steps = np.diff([image.z_mm for image in ordered], prepend=ordered[0].z_mm)
    slices: dict[int, list[Image]] = defaultdict(list)
    for label, image in zip(np.cumsum(steps > SAME_SLICE_MM).tolist(), ordered, strict=True):
        slices[label].append(image)
    columns = [sorted(column, key=lambda image: image.number) for column in slices.values()]
    return np.array([np.median([i.z_mm for i in column]) for column in columns]), columns


def _image(path: Path) -> Image:
    number = _NUMBER.search(path.stem)
    if number is None:
        raise DatasetError(path, "the file's name does not end in a number")
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
        place, pixel = header.ImagePositionPatient, header.PixelSpacing
        image = Image(
            path=path,
            number=int(number[1]),
            z_mm=float(place[2]),
            pixel_mm=(float(pixel[0]), float(pixel[1])),
            thickness_mm=float(header.SliceThickness),
            shape=(int(header.Rows), int(header.Columns)),
        )
    except InvalidDicomError as fault:
        raise DatasetError(path, "the file is not DICOM") from fault
    except (AttributeError, IndexError, TypeError, ValueError, EOFError, OSError) as fault:
        # What pydicom raises on absent, empty or damaged elements.
        raise DatasetError(path, f"position, spacing or size cannot be read ({fault})") from fault
    if not np.isfinite((image.z_mm, *image.pixel_mm)).all() or min(image.pixel_mm) <= 0:
        raise DatasetError(path, "position or spacing is no use")
    return image
