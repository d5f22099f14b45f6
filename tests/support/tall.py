"""Scans of a wide detector: hundreds of thin slices, made from a simulated scan of 5 mm slices."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import generate_uid

ROOT = Path(__file__).parents[2]
THIN_MM = 0.5
# A slice of 0.5 mm has some three times the noise of the slice of 5 mm that it is read from.
_NOISE = 20.0
_SHIFT = 977  # pixels from one image's noise to the next one's: prime to 512 x 512


@dataclass(frozen=True, eq=False)
class ThickScan:
    """A simulated scan on disk, its images by time point and slice.

    Parameters
    ----------
    paths
        (T, Z) paths, slices ascending.
    thick_mm
        From one slice to the next [mm].
    """

    paths: tuple[tuple[Path, ...], ...]
    thick_mm: float

    @property
    def frames(self) -> int:
        return len(self.paths)

    @property
    def height_mm(self) -> float:
        return len(self.paths[0]) * self.thick_mm


def simulated(folder: Path, *, frames: int = 25, slices: int = 32, size: int = 512) -> ThickScan:
    """The demo's patient, as wide as a detector of 160 mm sees it; one that lies there is kept."""
    command = [sys.executable, "-m", "models", "simulate", "--out", str(folder)]
    shape = ["--frames", str(frames), "--slices", str(slices), "--size", str(size)]
    if not folder.exists():
        subprocess.run(
            [*command, *shape],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    files = sorted(next(folder.glob("case-*/dicom")).iterdir())  # time by time, ascending
    paths = tuple(tuple(files[t * slices : (t + 1) * slices]) for t in range(frames))
    return ThickScan(paths, float(pydicom.dcmread(files[0]).SliceThickness))


def write_tall(
    scan: ThickScan, folder: Path, slices: int, *, thin_mm: float = THIN_MM, seed: int = 0
) -> str:
    """The middle of a scan as so many thin slices, a series and study of its own; its UID.

    Between two slices' centres pixels are interpolated, and every image has noise of its own.
    """
    folder.mkdir(parents=True)
    study, series = generate_uid(None), generate_uid(None)  # short enough for a number more
    first_mm = (scan.height_mm - slices * thin_mm) / 2
    heights = (first_mm + (np.arange(slices) + 0.5) * thin_mm) / scan.thick_mm - 0.5
    noise = np.random.default_rng(seed)
    for frame, row in enumerate(scan.paths):
        grain: NDArray[np.int16] | None = None
        for z, (image, pixels) in enumerate(_between(row, heights)):
            if grain is None:
                grain = noise.normal(0.0, _NOISE, pixels.size).astype(np.int16)
            image.StudyInstanceUID, image.SeriesInstanceUID = study, series
            image.SeriesDescription = f"CTP Head {thin_mm:g}"
            number = frame * slices + z + 1
            image.InstanceNumber = number
            uid = f"{series}.{number}"
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = uid
            height_mm = (z - (slices - 1) / 2) * thin_mm
            image.SliceThickness = f"{thin_mm:g}"
            image.ImagePositionPatient = [*image.ImagePositionPatient[:2], f"{height_mm:.8g}"]
            image.SliceLocation = f"{height_mm:.8g}"
            grained = pixels + np.roll(grain, z * _SHIFT).reshape(pixels.shape)
            image.PixelData = np.maximum(grained, 0).astype("<i2").tobytes()
            image.save_as(folder / f"{number:05d}.dcm", enforce_file_format=True)
    return series


def _between(
    paths: tuple[Path, ...], heights: NDArray[np.float64]
) -> Iterator[tuple[Dataset, NDArray[np.int16]]]:
    """The image and the pixels at each height, in slices from the first one's centre; ascending."""
    images: dict[int, tuple[Dataset, NDArray[np.int16]]] = {}
    for height in np.clip(heights, 0.0, len(paths) - 1.0):
        low = min(int(height), max(len(paths) - 2, 0))
        near = range(low, min(low + 2, len(paths)))
        images = {z: images[z] if z in images else _read(paths[z]) for z in near}
        pixels = images[low][1]
        if len(near) > 1:
            step = images[low + 1][1] - pixels
            pixels = pixels + (step * np.float32(height - low)).astype(np.int16)
        yield images[low][0], pixels


def _read(path: Path) -> tuple[Dataset, NDArray[np.int16]]:
    image = pydicom.dcmread(path)
    return image, image.pixel_array
