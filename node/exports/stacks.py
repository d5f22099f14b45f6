"""The pictures that a page shows of each series: all, or some where a study has very many."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from node.derived import evenly_spread
from node.exports.pictures import Picture

MOST_SLICES = 24  # of a series: some 2 MB of pictures
_BRAIN, _INSTRUCTIVE = "Brain", ("Core", "Hypoperfusion", "Brain")


@dataclass(frozen=True)
class Stack:
    """Pictures of one series.

    Parameters
    ----------
    series
        Its description.
    pictures
        Those that are shown, in their order.
    slices
        How many pictures the series has.
    """

    series: str
    pictures: tuple[Picture, ...]
    slices: int


def stacked(pictures: Sequence[Picture], segmentation: Dataset | None) -> list[Stack]:
    """The pictures by series; of very many, slices spread evenly through the brain.

    The slice with most core (or hypoperfusion, or brain) is among them.

    Parameters
    ----------
    pictures
        In the order of their series, every series with the same slices.
    segmentation
        Where brain and lesion are; without it, slices are spread over all.
    """
    made = []
    for name, group in groupby(pictures, lambda picture: picture.series):
        whole = tuple(group)
        chosen = tuple(range(len(whole)))
        if len(whole) > MOST_SLICES:
            areas = _areas(segmentation, [picture.location_mm for picture in whole])
            largest = next((areas[k] for k in _INSTRUCTIVE if areas[k].any()), areas[_BRAIN])
            chosen = evenly_spread(areas[_BRAIN] > 0, int(largest.argmax()), MOST_SLICES)
        made.append(Stack(name, tuple(whole[z] for z in chosen), len(whole)))
    return made


def _areas(
    segmentation: Dataset | None, locations_mm: Sequence[float]
) -> dict[str, NDArray[np.int64]]:
    """How many pixels each segment has in every slice, by its label without brackets."""
    areas = {label: np.zeros(len(locations_mm), np.int64) for label in _INSTRUCTIVE}
    if segmentation is None:
        return areas
    labels = {
        int(s.SegmentNumber): str(s.SegmentLabel).partition(" (")[0]
        for s in segmentation.SegmentSequence
    }
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    axes = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    normal = np.cross(axes[:3], axes[3:])
    items = segmentation.PerFrameFunctionalGroupsSequence
    frames = np.asarray(segmentation.pixel_array).reshape(len(items), -1)
    for item, frame in zip(items, frames, strict=True):
        number = int(item.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        position = np.array(item.PlanePositionSequence[0].ImagePositionPatient, float)
        z = int(np.abs(np.array(locations_mm) - position @ normal).argmin())
        areas[labels[number]][z] = np.count_nonzero(frame)
    return areas
