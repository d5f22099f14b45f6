"""One subject of the dataset: its scan and its maps on the same pixels."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.unitobrain.errors import DatasetError
from models.unitobrain.layout import SAME_SLICE_MM, Image, SubjectFolders, by_slice, images
from models.unitobrain.times import frame_times
from node.errors import InstanceUnreadableError
from node.perfusion import DynamicCt
from node.series import Eligibility, read_hu

# Pixels are averaged up to this size as the node does it (its setting analysis.max_pixel_mm).
MAX_PIXEL_MM = 1.0
NLR_MAPS = ("CBF", "CBV", "MTT", "TTP", "Delay")
# Where the median of a sound map lies, by far: published medians of these maps are 6-18
# ml/100 g/min, 1.0-1.6 ml/100 g, 4-10 s and -1.4 to 0.5 s (OpenPerfusion's table of 11 subjects).
_MEDIANS = {
    "CBF": (1.0, 100.0),
    "CBV": (0.2, 10.0),
    "MTT": (1.0, 30.0),
    "TTP": (0.5, 60.0),
    "Delay": (-10.0, 20.0),
}
_MEDIAN_HU = (0.0, 120.0)


@dataclass(frozen=True, eq=False)
class Subject:
    """One subject, its slices ascending.

    Parameters
    ----------
    name
        Such as ``MOL-001``.
    scan
        The registered and filtered scan.
    maps
        One (Z, Y, X) float32 array for each of :data:`NLR_MAPS`, on the scan's pixels: CBF
        [ml/100 g/min], CBV [ml/100 g], MTT, TTP and Delay [s].
    varies
        (Z,) bool, the slices where every map varies: a constant one was never computed.

    Raises
    ------
    ValueError
        If a map is missing, of another shape, or holds values that are not finite.
    """

    name: str
    scan: DynamicCt
    maps: Mapping[str, NDArray[np.float32]]
    varies: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if set(self.maps) != set(NLR_MAPS):
            raise ValueError(f"maps must be {NLR_MAPS}, got {sorted(self.maps)}")
        for kind, values in self.maps.items():
            if values.shape != self.scan.shape[1:] or not np.isfinite(values).all():
                raise ValueError(f"{kind} is not finite on the scan's pixels: {values.shape}")
        if self.varies.shape != self.scan.shape[1:2]:
            raise ValueError(f"varies is {self.varies.shape} for {self.scan.shape[1]} slices")


def read_subject(
    folders: SubjectFolders, progress: Callable[[int, int], None] = lambda done, total: None
) -> Subject:
    """A subject's scan and maps, every scale as its file says.

    Slices are told apart by their place along z and ordered by it, frames by the number of
    their file; maps are matched to slices by place. Maps of slices that the scan does not have
    are left alone.

    Parameters
    ----------
    folders
        Where its files lie.
    progress
        Called with the images read so far and their total.

    Raises
    ------
    DatasetError
        If a folder, map or slice is missing, a file is damaged or of another size or scale, or
        there are too few frames. It names the file or folder.
    """
    source = images(folders.filtered)
    first = source[0]
    for image in source:
        _same_size(image, first)
    z_mm, columns = by_slice(source)
    frames = _frames(folders.filtered, z_mm, columns)
    placed = {kind: _matched(folders.map(kind), z_mm, first) for kind in NLR_MAPS}
    factor = max(1, math.floor(MAX_PIXEL_MM / max(first.pixel_mm) + 1e-6))
    total, done = len(source) + len(NLR_MAPS) * len(z_mm), 0

    def read(image: Image) -> NDArray[np.float32]:
        nonlocal done
        done += 1
        progress(done, total)
        return _binned(_values(image), factor)

    hu = np.stack([[read(column[t]) for column in columns] for t in range(frames)])
    maps = {kind: np.stack([read(image) for image in placed[kind]]) for kind in NLR_MAPS}
    gap_mm = float(np.median(np.diff(z_mm))) if len(z_mm) > 1 else first.thickness_mm
    scan = DynamicCt(
        hu=hu,
        time_s=frame_times(folders.raw, folders.filtered, z_mm, frames),
        spacing_mm=(gap_mm, first.pixel_mm[0] * factor, first.pixel_mm[1] * factor),
        missing=np.zeros((frames, len(z_mm)), bool),
    )
    return Subject(folders.name, scan, maps, _varying(folders, scan, maps))


def _same_size(image: Image, first: Image) -> None:
    if image.shape != first.shape:
        raise DatasetError(
            image.path,
            f"{image.shape[0]} x {image.shape[1]} pixels, but {first.path.name} has "
            f"{first.shape[0]} x {first.shape[1]}",
        )
    if not np.allclose(image.pixel_mm, first.pixel_mm, rtol=1e-3):
        raise DatasetError(
            image.path, f"pixels of {image.pixel_mm} mm, those of {first.path.name} are others"
        )


def _frames(folder: Path, z_mm: NDArray[np.float64], columns: Sequence[Sequence[Image]]) -> int:
    """How many frames every slice has."""
    counts = [len(column) for column in columns]
    frames = max(counts)
    fewest = int(np.argmin(counts))
    if counts[fewest] != frames:
        raise DatasetError(
            folder,
            f"the slice at z = {z_mm[fewest]:.1f} mm has {counts[fewest]} images, "
            f"others have {frames}",
        )
    needed = Eligibility().min_frames
    if frames < needed:
        raise DatasetError(folder, f"{frames} frames of each slice, at least {needed} are needed")
    return frames


def _matched(folder: Path, z_mm: NDArray[np.float64], first: Image) -> list[Image]:
    """The map of every slice, in the slices' order."""
    found = images(folder)
    matched = []
    for z in z_mm:
        here = [image for image in found if abs(image.z_mm - z) <= SAME_SLICE_MM]
        if not here:
            raise DatasetError(folder, f"the map of the slice at z = {z:.1f} mm is missing")
        if len(here) > 1:
            raise DatasetError(here[1].path, f"{here[0].path.name} is a map of the same slice")
        _same_size(here[0], first)
        matched += here
    return matched


def _values(image: Image) -> NDArray[np.float32]:
    """The image's values by its own scale."""
    try:
        return read_hu(image.path)
    except (InstanceUnreadableError, OSError) as fault:
        raise DatasetError(image.path, str(fault)) from fault


def _binned(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """The mean of each block of factor x factor pixels."""
    rows, columns = (n // factor for n in values.shape)
    whole = values[: rows * factor, : columns * factor]
    means: NDArray[np.float32] = whole.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
    return means


def _varying(
    folders: SubjectFolders, scan: DynamicCt, maps: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.bool_]:
    """The slices where every map varies, (Z,), once each map is known to be of a sound scale."""
    varies = {kind: np.ptp(values, axis=(1, 2)) > 0 for kind, values in maps.items()}
    for kind, sound in varies.items():
        if not sound.any():
            raise DatasetError(folders.map(kind), "the maps of all slices are constant")
    every: NDArray[np.bool_] = np.logical_and.reduce(list(varies.values()))
    if not every.any():
        raise DatasetError(folders.map("CBF").parent, "in every slice one of the maps is constant")
    tissue = maps["CBF"] > 0
    for kind, (low, high) in _MEDIANS.items():
        _in_range(folders.map(kind), float(np.median(maps[kind][tissue])), low, high)
    _in_range(folders.filtered, float(np.median(scan.hu.mean(axis=0)[tissue])), *_MEDIAN_HU)
    return every


def _in_range(folder: Path, median: float, low: float, high: float) -> None:
    if not low <= median <= high:
        raise DatasetError(
            folder,
            f"the median where blood flows is {median:.4g}, it must lie from {low:g} to {high:g}: "
            "the scale is wrong",
            "See that RescaleSlope and RescaleIntercept of the files are the dataset's own.",
        )
