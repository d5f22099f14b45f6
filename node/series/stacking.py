"""A recognised series' pixels as one scan."""

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from node.errors import InstanceUnreadableError, SpoolError
from node.perfusion import DynamicCt, fill
from node.refusals import Refusal, RefusalCode
from node.series.frames import CtpSeries
from node.series.geometry import Geometry
from node.series.header import Instance
from node.series.pixels import PixelFile, open_pixels

_MOST_THREADS = 8

_Cell = tuple[int, int, Instance]  # time point, slice, and the image there
_Take = Callable[[_Cell, NDArray[np.float32]], None]


@dataclass(frozen=True, eq=False)
class Stacked:
    """A scan on its analysis grid, and where that grid lies in the patient."""

    scan: DynamicCt
    geometry: Geometry


def stack(
    series: CtpSeries,
    max_pixel_mm: float,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Stacked | Refusal:
    """The series' attenuation, averaged in-plane as it is read.

    Blocks of f x f pixels become one, f the most that keeps a pixel within ``max_pixel_mm``:
    noise falls, resolution stays that of perfusion, and memory stays bounded. Images that never
    arrived are interpolated in time.

    Parameters
    ----------
    series
        As recognised.
    max_pixel_mm
        Largest pixel after averaging [mm].
    progress
        Called with the images read so far and their total.

    Raises
    ------
    SpoolError
        If a file cannot be opened.
    """
    factor = _factor(series.geometry, max_pixel_mm)
    geometry = series.geometry.binned(factor)
    frames, slices = series.time_s.shape
    hu = np.zeros((frames, slices, geometry.rows, geometry.columns), np.float32)
    cells = [(t, z, i) for t, row in enumerate(series.grid) for z, i in enumerate(row) if i]

    def take(cell: _Cell, image: NDArray[np.float32]) -> None:
        if image.shape != (series.geometry.rows, series.geometry.columns):
            raise InstanceUnreadableError(
                f"the pixels are {image.shape} instead of"
                f" {series.geometry.rows} x {series.geometry.columns}"
            )
        _bin(image, factor, hu[cell[0], cell[1]])

    problems: Counter[str] = Counter()
    for done, problem in enumerate(_read_all(cells, take), start=1):
        problems.update([problem] if problem else [])
        if progress is not None:
            progress(done, len(cells))
    if problems:
        return _unreadable(problems, len(cells))
    missing = np.array([[image is None for image in row] for row in series.grid])
    fill(hu, series.time_s, missing)
    return Stacked(DynamicCt(hu, series.time_s, geometry.spacing_mm, missing), geometry)


def _factor(geometry: Geometry, max_pixel_mm: float) -> int:
    """How many pixels become one along each side."""
    # 1e-6: three times 0.3333 mm, as headers round it, is still 1 mm.
    wanted = math.floor(max_pixel_mm / max(geometry.pixel_mm) + 1e-6)
    return max(1, min(wanted, geometry.rows, geometry.columns))


def _read_all(cells: list[_Cell], take: _Take) -> Iterator[str]:
    """Reads every image in parallel; what went wrong with each, empty if nothing.

    Many images of one file are read together: its header is parsed once, and one such file is
    open at a time.
    """
    by_file: dict[Path, list[_Cell]] = {}
    for cell in cells:
        by_file.setdefault(cell[2].path, []).append(cell)
    alone = [of_file for of_file in by_file.values() if len(of_file) == 1]
    together = [of_file for of_file in by_file.values() if len(of_file) > 1]
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as threads:
        for told in threads.map(lambda of_file: _read_file(of_file, take, map), alone):
            yield from told
        for of_file in together:
            yield from _read_file(of_file, take, threads.map)


def _read_file(of_file: list[_Cell], take: _Take, by: Callable[..., Iterable[str]]) -> list[str]:
    """Reads images of one file, one after the other or in parallel, as ``by`` maps."""
    path = of_file[0][2].path
    try:
        with open_pixels(path) as pixels:
            return list(by(lambda cell: _read(cell, pixels, take), of_file))
    except InstanceUnreadableError as fault:
        return [str(fault)] * len(of_file)
    except OSError as fault:
        raise SpoolError(f"{path} cannot be read: {fault.strerror}") from fault


def _read(cell: _Cell, pixels: PixelFile, take: _Take) -> str:
    try:
        take(cell, pixels.hu(cell[2].frame or 1))
    except InstanceUnreadableError as fault:
        return str(fault)
    return ""


def _bin(hu: NDArray[np.float32], factor: int, out: NDArray[np.float32]) -> None:
    """Writes the mean of each ``factor`` x ``factor`` block to ``out``."""
    rows, columns = out.shape[0] * factor, out.shape[1] * factor
    whole = hu[:rows, :columns]
    # Strided sums: several times faster than a mean over a five-dimensional view.
    lines = sum((whole[k::factor] for k in range(1, factor)), start=whole[::factor])
    np.copyto(out, sum((lines[:, k::factor] for k in range(1, factor)), start=lines[:, ::factor]))
    out /= factor * factor


def _unreadable(problems: Counter[str], total: int) -> Refusal:
    words, _ = problems.most_common(1)[0]
    return Refusal(
        RefusalCode.UNREADABLE_PIXELS,
        found=f"{problems.total()} of {total} images cannot be read: {words}",
        remedy="Send the series again, uncompressed if it can be.",
    )
