"""What a reader must know of a series as it arrived."""

import numpy as np
from pydicom.uid import JPEGBaseline8Bit

from node.perfusion import Grade, QualityFlag
from node.series.frames import CtpSeries
from node.series.timing import INDICES


def source_flags(series: CtpSeries) -> tuple[QualityFlag, ...]:
    """The flags of what only the source images tell: their compression, and their clock."""
    return (*_lossy(series), *_counted(series))


def _lossy(series: CtpSeries) -> list[QualityFlag]:
    if not series.lossy:
        return []
    total = len(series.instances)
    # A grey level of 8 bits over a head's range is as much as tissue enhances by.
    coarse = sum(i.header.transfer_syntax_uid == JPEGBaseline8Bit for i in series.instances)
    if coarse:
        found = f"JPEG of 8 bits has changed {coarse} of {total} images"
        return [QualityFlag("lossy", Grade.FAIL, found)]
    found = f"lossy compression has changed {series.lossy} of {total} images"
    return [QualityFlag("lossy", Grade.CAUTION, found)]


def _counted(series: CtpSeries) -> list[QualityFlag]:
    if series.time_source not in INDICES:
        return []
    interval_s = float(np.median(np.diff(series.time_s, axis=0)))
    found = (
        f"no clock tells the time: {series.time_source} was counted, and a slice taken to be"
        f" imaged every {interval_s:.3g} s (analysis.index_interval_s)"
    )
    return [QualityFlag("index_clock", Grade.CAUTION, found)]
