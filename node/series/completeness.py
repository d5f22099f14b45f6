"""Whether a series is complete by its content (DESIGN.md section 6)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from node.series.assembly import frame_count, slice_labels
from node.series.header import Header, headers_of
from node.series.selection import is_slice


@dataclass(frozen=True)
class Completeness:
    """How much of a series' grid has arrived.

    Parameters
    ----------
    complete
        Every slice position has every time point, two or more, and every announced count is met.
        While a scan arrives volume by volume this holds after each volume: a grace period
        decides.
    slices, frames
        Size of the grid so far.
    received
        CT slices that have arrived.
    missing
        What is not there yet, for people; empty where complete.
    """

    complete: bool
    slices: int
    frames: int
    received: int
    missing: str


def completeness(headers: Iterable[Header]) -> Completeness:
    """How much of the grid of slice positions and time points has arrived.

    What is no CT slice (localizers, reports) is not counted.
    """
    once = {h.sop_instance_uid: h for h in headers}.values()
    slices = [image for h in once for image in headers_of(h) if is_slice(image)]
    if not slices:
        return Completeness(False, 0, 0, 0, "no CT slice has arrived")
    labels, _ = slice_labels(slices)
    per_slice = np.bincount(labels)
    frames = frame_count(per_slice)
    missing = _missing(slices, per_slice, frames)
    return Completeness(not missing, len(per_slice), frames, len(slices), missing)


def _missing(
    slices: list[Header], per_slice: "np.ndarray[tuple[int], np.dtype[np.intp]]", frames: int
) -> str:
    short = int(np.sum(per_slice < frames))
    over = int(np.sum(per_slice > frames))
    announced = max((h.temporal_positions or 0 for h in slices), default=0)
    if short:
        lacking = int(np.sum(frames - per_slice[per_slice < frames]))
        return f"{short} of {len(per_slice)} slices lack {lacking} image(s) of {frames} time points"
    if over:
        return f"{len(per_slice) - over} of {len(per_slice)} slices lack the next time point"
    if frames < announced:
        return f"{announced - frames} of {announced} announced time points"
    if lacking := _missing_of_acquisitions(slices):
        return f"{lacking} image(s) that their acquisitions announce"
    return "a second time point" if frames < 2 else ""


def _missing_of_acquisitions(slices: list[Header]) -> int:
    """Images that ImagesInAcquisition announces beyond those there."""
    there = Counter(h.acquisition_number for h in slices if h.images_in_acquisition)
    announced = {h.acquisition_number: h.images_in_acquisition or 0 for h in slices}
    return sum(max(0, announced[number] - count) for number, count in there.items())
