"""What a series is, in numbers, whether or not it can be analysed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.refusals import Refusal
from node.series.assembly import frame_count, slice_labels
from node.series.eligibility import Eligibility
from node.series.frames import CtpSeries
from node.series.header import Header, Instance, images_of
from node.series.recognition import clock_for, recognise
from node.series.selection import is_slice


@dataclass(frozen=True, eq=False)
class Survey:
    """A series, and what would become of it.

    Parameters
    ----------
    verdict
        What :func:`recognise` says.
    images, slices, frames
        CT slices, slice positions, and time points at most positions; 0 where there are none.
    first
        The header of one slice, None where there is none.
    spacing_mm
        Distance between neighbouring slices; None for a single one.
    time_source
        The attribute that the times are read from; empty where none tells the images apart.
    slice_times_s
        For each slice, lowest first, the times of its images from the earliest of all [s].
    """

    verdict: CtpSeries | Refusal
    images: int
    slices: int
    frames: int
    first: Header | None
    spacing_mm: float | None
    time_source: str
    slice_times_s: tuple[NDArray[np.float64], ...]


def survey(instances: Sequence[Instance], limits: Eligibility) -> Survey:
    """What is in a series and what would become of it; no pixel is read.

    Parameters
    ----------
    instances
        All that is there of one series.
    limits
        What a series must have to be analysed.
    """
    verdict = recognise(instances, limits)
    once = {i.header.sop_instance_uid: i for i in instances}.values()
    headers = [image.header for image in images_of(once) if is_slice(image.header)]
    if not headers:
        return Survey(verdict, 0, 0, 0, None, None, "", ())
    labels, along_mm = slice_labels(headers)
    clock = clock_for(headers, labels, limits)
    places = np.array([np.median(along_mm[labels == z]) for z in range(labels.max() + 1)])
    times: tuple[NDArray[np.float64], ...] = ()
    if clock is not None:
        since_s = clock.time_s - np.nanmin(clock.time_s)
        since_s[np.isnan(since_s)] = np.inf  # sorted to the end, and cut off there
        ordered = (np.sort(since_s[labels == z]) for z in range(len(places)))
        times = tuple(column[np.isfinite(column)] for column in ordered)
    return Survey(
        verdict=verdict,
        images=len(headers),
        slices=len(places),
        frames=frame_count(np.bincount(labels)),
        first=headers[0],
        spacing_mm=float(np.median(np.diff(places))) if len(places) > 1 else None,
        time_source=clock.source if clock else "",
        slice_times_s=times,
    )
