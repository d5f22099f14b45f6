"""A recognised series' pixels as one scan."""

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from node.errors import InstanceUnreadableError, SpoolError
from node.perfusion import DynamicCt
from node.refusals import Refusal, RefusalCode
from node.series.cells import Cell, cells_of
from node.series.frames import CtpSeries
from node.series.geometry import Geometry
from node.series.header import Instance
from node.series.pixels import PixelFile, open_pixels

MAX_SLICE_MM = 5.0
_MOST_THREADS = 8
# Slices farther apart than this have a hole between them, and no mean.
_UNEVEN = 1.1
# Slices of a shuttle's next slab come this much of the interval after their neighbours.
_SLAB_GAP = 0.25

_Image = NDArray[np.float32]
_Problems = dict[Instance, str]


@dataclass(frozen=True, eq=False)
class Stacked:
    """A scan on its analysis grid, and where that grid lies in the patient."""

    scan: DynamicCt
    geometry: Geometry


def stack(
    series: CtpSeries,
    max_pixel_mm: float,
    max_slice_mm: float = MAX_SLICE_MM,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Stacked | Refusal:
    """The series' attenuation on the analysis grid, averaged as it is read.

    Blocks of f x f pixels become one, f the most that keeps a pixel within ``max_pixel_mm``, and
    as many thin slices one as ``max_slice_mm`` allows: noise falls to what maps are made of,
    resolution stays that of perfusion, and memory stays bounded. Images that never arrived are
    interpolated in time.

    Parameters
    ----------
    series
        As recognised.
    max_pixel_mm, max_slice_mm
        Largest pixel, and distance between slices, after averaging [mm].
    progress
        Called with the images read so far and their total.

    Raises
    ------
    SpoolError
        If a file cannot be opened.
    """
    source, geometry = series.geometry, analysed(series, max_pixel_mm, max_slice_mm)
    factor, groups = _factor(source, max_pixel_mm), source.grouped(_together(series, max_slice_mm))
    cells = cells_of(series, groups)
    hu = np.zeros((len(series.grid), len(groups), geometry.rows, geometry.columns), np.float32)

    def take(cell: Cell, share: float, image: _Image) -> None:
        if image.shape != (source.rows, source.columns):
            raise InstanceUnreadableError(
                f"the pixels are {image.shape} instead of {source.rows} x {source.columns}"
            )
        _add_binned(image, factor, share, hu[cell.frame, cell.z])

    problems: _Problems = {}
    done, total = 0, sum(len(cell.images) for cell in cells)
    for cell, told in _read_all(cells, take):
        problems.update(told)
        done += len(cell.images)
        if progress is not None:
            progress(done, total)
    if problems:
        return _unreadable(problems, len(series.instances))
    absent = np.array([[image is None for image in row] for row in series.grid])
    missing = np.stack([absent[:, group].any(axis=1) for group in groups], axis=1)
    time_s = np.stack([series.time_s[:, group].mean(axis=1) for group in groups], axis=1)
    return Stacked(DynamicCt(hu, time_s - time_s.min(), geometry.spacing_mm, missing), geometry)


def analysed(
    series: CtpSeries, max_pixel_mm: float, max_slice_mm: float = MAX_SLICE_MM
) -> Geometry:
    """The geometry that a series is analysed on.

    Parameters
    ----------
    series, max_pixel_mm, max_slice_mm
        As of :func:`stack`.
    """
    source = series.geometry
    return source.binned(_factor(source, max_pixel_mm), _together(series, max_slice_mm))


def _factor(geometry: Geometry, max_pixel_mm: float) -> int:
    """How many pixels become one along each side."""
    # 1e-6: three times 0.3333 mm, as headers round it, is still 1 mm.
    wanted = math.floor(max_pixel_mm / max(geometry.pixel_mm) + 1e-6)
    return max(1, min(wanted, geometry.rows, geometry.columns))


def _together(series: CtpSeries, max_slice_mm: float) -> int:
    """How many slices become one; slices at uneven distances stay as they are.

    No mean is of two slabs of a shuttle: these are imaged at different times.
    """
    geometry = series.geometry
    steps, step_mm, count = np.diff(geometry.along_mm), geometry.spacing_mm[0], len(series.grid[0])
    if not len(steps) or step_mm <= 0 or steps.max() > _UNEVEN * step_mm:
        return 1
    # 1e-3: eight times 0.62512 mm, as headers round it, is still 5 mm.
    most = max(1, min(math.floor(max_slice_mm / step_mm + 1e-3), count // 2))
    borders = _slab_borders(series.time_s)
    whole = (k for k in range(most, 0, -1) if not np.any((borders - count % k // 2) % k))
    return next(whole)


def _slab_borders(time_s: NDArray[np.float64]) -> NDArray[np.intp]:
    """The first slice of every slab but the lowest."""
    later = np.abs(np.median(np.diff(time_s, axis=1), axis=0))
    interval_s = float(np.median(np.diff(time_s, axis=0))) if len(time_s) > 1 else np.inf
    return np.flatnonzero(later > _SLAB_GAP * interval_s) + 1


_Take = Callable[[Cell, float, _Image], None]
_Open = Callable[[Path], AbstractContextManager[PixelFile]]


def _read_all(cells: list[Cell], take: _Take) -> Iterator[tuple[Cell, _Problems]]:
    """Reads every cell's images, cells in parallel; each cell, and what went wrong with it.

    Many images of one file are read together: its header is parsed once, and one such file is
    open at a time.
    """
    images = Counter(image.path for cell in cells for image, _ in cell.images)
    together: dict[Path, list[Cell]] = {}
    alone = []
    for cell in cells:
        first, *others = {image.path for image, _ in cell.images}
        if others or images[first] == 1:
            alone.append(cell)
        else:
            together.setdefault(first, []).append(cell)
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as threads:
        told = threads.map(lambda cell: _read(cell, open_pixels, take), alone)
        yield from zip(alone, told, strict=True)
        for path, of_file in together.items():
            yield from zip(of_file, _read_file(path, of_file, take, threads.map), strict=True)


def _read_file(
    path: Path, of_file: list[Cell], take: _Take, by: Callable[..., Iterable[_Problems]]
) -> list[_Problems]:
    """Reads the cells of one file in parallel, as ``by`` maps."""
    try:
        with open_pixels(path) as pixels:
            return list(by(lambda cell: _read(cell, lambda _: nullcontext(pixels), take), of_file))
    except InstanceUnreadableError as fault:
        return [dict.fromkeys((image for image, _ in cell.images), str(fault)) for cell in of_file]
    except OSError as fault:
        raise _unopened(path, fault) from fault


def _read(cell: Cell, opened: _Open, take: _Take) -> _Problems:
    """Reads one cell's images in order, so that their mean is the same every time."""
    problems = {}
    for image, share in cell.images:
        try:
            with opened(image.path) as pixels:
                take(cell, share, pixels.hu(image.frame or 1))
        except InstanceUnreadableError as fault:
            problems[image] = str(fault)
        except OSError as fault:
            raise _unopened(image.path, fault) from fault
    return problems


def _unopened(path: Path, fault: OSError) -> SpoolError:
    return SpoolError(f"{path} cannot be read: {fault.strerror}")


def _add_binned(hu: _Image, factor: int, share: float, out: _Image) -> None:
    """Adds a share of the mean of each ``factor`` x ``factor`` block to ``out``."""
    rows, columns = out.shape[0] * factor, out.shape[1] * factor
    whole = hu[:rows, :columns]
    # Strided sums: several times faster than a mean over a five-dimensional view.
    lines = sum((whole[k::factor] for k in range(1, factor)), start=whole[::factor])
    blocks = sum((lines[:, k::factor] for k in range(1, factor)), start=lines[:, ::factor])
    if share == 1.0:
        out += blocks / np.float32(factor * factor)
    else:
        out += blocks * np.float32(share / (factor * factor))


def _unreadable(problems: _Problems, total: int) -> Refusal:
    words, _ = Counter(problems.values()).most_common(1)[0]
    return Refusal(
        RefusalCode.UNREADABLE_PIXELS,
        found=f"{len(problems)} of {total} images cannot be read: {words}",
        remedy="Send the series again, uncompressed if it can be.",
    )
