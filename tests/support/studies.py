"""Studies for the tests of the whole node: simulated scans, and what comes along with them."""

import json
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.uid import MRImageStorage

from tests.support.ctp import CtpSpec, build_series, write_series

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Scan:
    """A simulated scan on disk; the files' names say nothing of their order."""

    files: tuple[Path, ...]
    truth: dict[str, Any]

    @property
    def first(self) -> Dataset:
        return dcmread(self.files[0], stop_before_pixels=True)

    @property
    def series_uid(self) -> str:
        return str(self.first.SeriesInstanceUID)

    @property
    def folder(self) -> Path:
        return self.files[0].parent


def simulated(folder: Path, *options: str) -> Scan:
    """A scan made by ``python -m models simulate``, its files renamed at random."""
    command = [sys.executable, "-m", "models", "simulate", "--out", str(folder), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    case = folder / "case-0001"
    files = sorted((case / "dicom").glob("*.dcm"))
    shuffled = folder / "shuffled"
    shuffled.mkdir()
    names = random.Random(7).sample(range(len(files)), len(files))
    moved = [path.rename(shuffled / f"{n:05d}") for path, n in zip(files, names, strict=True)]
    shutil.rmtree(case / "dicom")
    return Scan(tuple(sorted(moved)), json.loads((case / "truth.json").read_text()))


def small_scan(folder: Path, salt: str) -> Scan:
    """A scan that is analysed in a second or two: 4 slices x 24 frames x 128 x 128."""
    return simulated(folder, "--size", "128", "--slices", "4", "--frames", "24", "--salt", salt)


def one_image(folder: Path, seed: int) -> Path:
    """A CT series of a single image."""
    spec = CtpSpec(slices=1, frames=1, seed=seed)
    return write_series(build_series(spec), folder)[0]


def topogram(folder: Path, seed: int) -> Path:
    """A localizer."""
    (image,) = build_series(CtpSpec(slices=1, frames=1, seed=seed))
    image.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    return write_series([image], folder)[0]


def angiogram(folder: Path, seed: int) -> list[Path]:
    """A CTA: many slices, one time point."""
    return write_series(build_series(CtpSpec(slices=12, frames=1, seed=seed)), folder)


def mr_series(folder: Path, seed: int) -> list[Path]:
    """An MR series of two images."""
    images = build_series(CtpSpec(slices=2, frames=1, seed=seed))
    for image in images:
        image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = MRImageStorage
        image.Modality = "MR"
    return write_series(images, folder)


def short_scan(folder: Path, seed: int) -> list[Path]:
    """A CT perfusion series that ends after 22 s."""
    return write_series(build_series(CtpSpec(frames=12, interval_s=2.0, seed=seed)), folder)
