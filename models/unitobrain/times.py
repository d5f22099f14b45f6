"""When each image of a subject was acquired."""

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.unitobrain.errors import DatasetError
from models.unitobrain.layout import dicom_files
from node.errors import InstanceUnreadableError
from node.series import CtpSeries, Instance, read_header, recognise

# The protocols of the dataset (Gava et al. 2023): frames, and seconds between them.
_PROTOCOLS = {89: 0.5, 18: 2.81}


def frame_times(
    raw: Path, filtered: Path, z_mm: NDArray[np.float64], frames: int
) -> NDArray[np.float64]:
    """Time of every image, (T, Z) float64 [s] from the first.

    Derived files carry no clock that can be relied on. The raw series does: each slice takes
    the times of the raw slice next to it, so that the slabs of a shuttle stay apart. Where the
    raw series is absent, damaged or of another length, the count of frames tells the protocol.

    Parameters
    ----------
    raw, filtered
        The subject's raw folder, and the derived one that the times are for.
    z_mm
        Places of the derived slices [mm], ascending.
    frames
        Images of each slice.

    Raises
    ------
    DatasetError
        If neither the raw series nor the count of frames tells the times.
    """
    series = _recognised(raw) if raw.is_dir() else None
    if series is not None and len(series.time_s) == frames:
        places = series.geometry.position_mm[:, 2]
        nearest = np.abs(places[None, :] - z_mm[:, None]).argmin(axis=1)
        if np.abs(places[nearest] - z_mm).max() <= series.geometry.spacing_mm[0]:
            time_s = series.time_s[:, nearest]
            from_first: NDArray[np.float64] = time_s - time_s.min()
            return from_first
    if frames not in _PROTOCOLS:
        known = " and ".join(f"{count} x {step} s" for count, step in _PROTOCOLS.items())
        raise DatasetError(
            filtered,
            f"no times: {raw.name} does not give them, and {frames} frames are none of {known}",
        )
    return np.repeat(np.arange(frames)[:, None] * _PROTOCOLS[frames], len(z_mm), axis=1)


def _recognised(raw: Path) -> CtpSeries | None:
    """The raw folder's largest series where the node would take it, else None."""
    try:
        instances = [Instance(read_header(path), path) for path in dicom_files(raw)]
    except (InstanceUnreadableError, DatasetError):
        return None
    count = Counter(instance.header.series_instance_uid for instance in instances)
    largest = count.most_common(1)[0][0]
    series = recognise(i for i in instances if i.header.series_instance_uid == largest)
    return series if isinstance(series, CtpSeries) else None
