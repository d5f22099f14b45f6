"""A recognised series' pixels as one scan."""

import math
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.errors import InstanceUnreadableError, SpoolError
from node.perfusion import DynamicCt, fill
from node.refusals import Refusal, RefusalCode
from node.series.frames import CtpSeries
from node.series.geometry import Geometry
from node.series.header import Instance
from node.series.pixels import read_hu

_MOST_THREADS = 8


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

    def read(cell: tuple[int, int, Instance]) -> str:
        t, z, instance = cell
        return _read_into(hu[t, z], instance, series.geometry, factor)

    problems: Counter[str] = Counter()
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as threads:
        for done, problem in enumerate(threads.map(read, cells), start=1):
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


def _read_into(
    out: NDArray[np.float32], instance: Instance, geometry: Geometry, factor: int
) -> str:
    """Fills ``out`` with the binned image; the words of what went wrong, empty if nothing."""
    try:
        hu = read_hu(instance.path)
    except InstanceUnreadableError as fault:
        return str(fault)
    except OSError as fault:
        raise SpoolError(f"{instance.path} cannot be read: {fault.strerror}") from fault
    if hu.shape != (geometry.rows, geometry.columns):
        return f"the pixels are {hu.shape} instead of {geometry.rows} x {geometry.columns}"
    _bin(hu, factor, out)
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
