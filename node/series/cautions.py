"""What a reader must know of a series as it arrived."""

import numpy as np
from pydicom.uid import JPEGBaseline8Bit

from node.perfusion import Grade, QualityCheck, Reading, caution_if, of_missing, of_sampling
from node.series.frames import CtpSeries
from node.series.timing import INDICES


def source_checks(series: CtpSeries) -> tuple[QualityCheck, ...]:
    """The checks of what only the source images tell: their compression, and their clock."""
    return _lossy(series), _counted(series)


def header_checks(series: CtpSeries) -> tuple[QualityCheck, ...]:
    """The checks that headers alone allow, before any pixel is read."""
    there = np.array([[image is not None for image in row] for row in series.grid])
    interval_s = float(np.median(np.diff(series.time_s, axis=0)))
    return of_sampling(interval_s), of_missing(~there), *source_checks(series)


def _lossy(series: CtpSeries) -> QualityCheck:
    total = len(series.instances)
    # A grey level of 8 bits over a head's range is as much as tissue enhances by.
    coarse = sum(i.header.transfer_syntax_uid == JPEGBaseline8Bit for i in series.instances)
    limit = "at most 0, fail for JPEG of 8 bits"
    reading = Reading(f"images changed by lossy compression, of {total}", series.lossy, "", limit)
    if coarse and series.lossy:
        found = f"JPEG of 8 bits has changed {coarse} of {total} images"
        return QualityCheck("lossy", Grade.FAIL, found, (reading,))
    found = f"lossy compression has changed {series.lossy} of {total} images"
    return QualityCheck("lossy", caution_if(bool(series.lossy)), found, (reading,))


def _counted(series: CtpSeries) -> QualityCheck:
    total, counted = len(series.instances), series.time_source in INDICES
    name = f"images whose time was only counted, of {total}"
    reading = Reading(name, total if counted else 0, "", "at most 0")
    found = f"{series.time_source} tells the time of {total} of {total} images"
    if counted:
        interval_s = float(np.median(np.diff(series.time_s, axis=0)))
        found = (
            f"no clock tells the time: {series.time_source} was counted, and a slice taken to be"
            f" imaged every {interval_s:.3g} s (analysis.index_interval_s)"
        )
    return QualityCheck("index_clock", caution_if(counted), found, (reading,))
