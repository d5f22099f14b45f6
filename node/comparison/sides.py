"""What a folder of results says of each study: maps by quantity, segments by name."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import ParametricMapStorage, SegmentationStorage

from node.comparison.volume import Volume
from node.perfusion import Quantity
from node.series import Geometry

_QUANTITY = re.compile(r"(?<![A-Z])(CBF|CBV|MTT|TTP|T-?MAX)(?![A-Z])")
_SEGMENTS: Mapping[str, tuple[str, ...]] = {
    "mismatch": ("mismatch", "penumbra"),
    "core": ("core", "infarct"),
    "hypoperfusion": ("hypoperf", "ischemi", "ischaemi", "tmax", "critical"),
    "brain": ("brain", "parenchyma"),
}


@dataclass
class Side:
    """What was found of one study.

    Attributes
    ----------
    maps, segments
        By quantity, and by name: ``core``, ``hypoperfusion``, ``mismatch``, ``brain``.
    notes
        What could not be used, and why.
    """

    study_instance_uid: str
    maps: dict[Quantity, Volume] = field(default_factory=dict)
    segments: dict[str, Volume] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def sides(datasets: Iterable[Dataset], scales: Mapping[Quantity, float]) -> list[Side]:
    """One side of every study among the data sets, by the studies' UIDs.

    Parametric Maps (of floats or integers), series of single slices whose rescaled values are
    a quantity that their description names, and binary Segmentations. Colour pictures hold no
    values and are left out.

    Parameters
    ----------
    scales
        Factors that bring a quantity's values to the node's unit.
    """
    found: dict[str, Side] = {}
    series: dict[tuple[str, str], list[Dataset]] = defaultdict(list)
    for dataset in datasets:
        uid = str(dataset.get("StudyInstanceUID", ""))
        side = found.setdefault(uid, Side(uid))
        if dataset.SOPClassUID == ParametricMapStorage:
            _add_map(side, dataset.get("SeriesDescription", ""), _of_frames(dataset), scales)
        elif dataset.SOPClassUID == SegmentationStorage:
            _add_segments(side, dataset)
        elif dataset.get("SamplesPerPixel", 1) == 1 and "ImagePositionPatient" in dataset:
            series[uid, str(dataset.SeriesInstanceUID)].append(dataset)
    for (uid, _), slices in series.items():
        _add_map(found[uid], words_of(slices[0]), _of_slices(slices), scales)
    return [found[uid] for uid in sorted(found)]


def words_of(dataset: Dataset) -> str:
    """Where a quantity is named."""
    kind = " ".join(dataset.get("ImageType", ()))
    return f"{dataset.get('SeriesDescription', '')} {kind} {dataset.get('ImageComments', '')}"


def quantity_in(words: str) -> Quantity | None:
    """The quantity that words name, if they name one."""
    named = {name.replace("-", "") for name in _QUANTITY.findall(words.upper())}
    if len(named) != 1:
        return None
    wanted = named.pop()
    return next(quantity for quantity in Quantity if str(quantity).upper() == wanted)


def _add_map(
    side: Side, words: str, volume: Volume | None, scales: Mapping[Quantity, float]
) -> None:
    quantity = quantity_in(words)
    if quantity is None or volume is None:
        return
    if quantity in side.maps:
        side.notes.append(f"a second map of {quantity.meaning.name} was left out")
        return
    scaled = volume.values * np.float32(scales.get(quantity, 1.0))
    side.maps[quantity] = Volume(scaled, volume.geometry)


def _add_segments(side: Side, dataset: Dataset) -> None:
    if dataset.SegmentationType != "BINARY":
        side.notes.append(f"a segmentation of type {dataset.SegmentationType} was left out")
        return
    frames = np.asarray(dataset.pixel_array).reshape(-1, dataset.Rows, dataset.Columns)
    numbers = np.array(
        [
            int(item.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
            for item in dataset.PerFrameFunctionalGroupsSequence
        ]
    )
    places, every = _filled(_positions(dataset), dataset)
    for segment in dataset.SegmentSequence:
        name = segment_in(segment.SegmentLabel) or segment_in(segment.get("SegmentDescription", ""))
        if name is None or name in side.segments:
            continue
        values = np.zeros((len(every), dataset.Rows, dataset.Columns), np.float32)
        own = numbers == int(segment.SegmentNumber)
        values[places[own]] = frames[own]
        side.segments[name] = _stacked(values, every, _plane(dataset))


def _filled(
    positions: NDArray[np.float64], dataset: Dataset
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Which slice each frame is, and where all slices lie: empty ones have no frame.

    One more at either end, so that a segment ends there.
    """
    _, cosines, _ = _plane(dataset)
    row_x, row_y, row_z, *column = (float(value) for value in cosines)
    normal = np.cross((row_x, row_y, row_z), column)
    along = (positions @ normal).round(2)
    known = np.unique(along)
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    gaps = np.diff(known)
    told = float(measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 5.0)
    step = min(told, float(gaps.min())) if len(gaps) else told
    between = [
        np.linspace(a, b, max(round((b - a) / step), 1), endpoint=False) for a, b in pairwise(known)
    ]
    every = np.concatenate([[known[0] - step], *between, [known[-1], known[-1] + step]])
    places = np.array([int(np.abs(every - at).argmin()) for at in along])
    return places, positions[0] + np.outer(every - positions[0] @ normal, normal)


def segment_in(words: str) -> str | None:
    """What a segment is, by the first word of its label that says so."""
    label = words.lower()
    found = {
        label.index(word): name
        for name, among in _SEGMENTS.items()
        for word in among
        if word in label
    }
    return found[min(found)] if found else None


def _of_frames(dataset: Dataset) -> Volume:
    """The values of a multi-frame map in the unit that its Real World Value Mapping gives."""
    values = np.asarray(dataset.pixel_array, np.float32).reshape(-1, dataset.Rows, dataset.Columns)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    mapping = shared.get("RealWorldValueMappingSequence", [Dataset()])[0]
    slope = float(mapping.get("RealWorldValueSlope", 1.0))
    values = values * np.float32(slope) + np.float32(mapping.get("RealWorldValueIntercept", 0.0))
    return _stacked(values, _positions(dataset), _plane(dataset))


def _of_slices(slices: list[Dataset]) -> Volume | None:
    """A series of single slices, rescaled; None where it is no stack of one size."""
    first = slices[0]
    positions = np.array([[float(v) for v in each.ImagePositionPatient] for each in slices])
    sizes = {(each.Rows, each.Columns) for each in slices}
    if len(sizes) > 1 or len({tuple(p) for p in positions.round(2)}) < len(slices):
        return None
    values = [
        np.asarray(each.pixel_array, np.float32) * np.float32(each.get("RescaleSlope", 1.0))
        + np.float32(each.get("RescaleIntercept", 0.0))
        for each in slices
    ]
    plane = (first, first.ImageOrientationPatient, first.PixelSpacing)
    return _stacked(np.stack(values), positions, plane)


def _positions(dataset: Dataset) -> NDArray[np.float64]:
    items = dataset.PerFrameFunctionalGroupsSequence
    return np.array(
        [[float(v) for v in i.PlanePositionSequence[0].ImagePositionPatient] for i in items]
    )


def _plane(dataset: Dataset) -> tuple[Dataset, Iterable[float], Iterable[float]]:
    """A multi-frame object with its orientation and pixel spacing."""
    shared = dataset.SharedFunctionalGroupsSequence[0]
    cosines = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    return dataset, cosines, shared.PixelMeasuresSequence[0].PixelSpacing


def _stacked(
    values: NDArray[np.float32],
    positions: NDArray[np.float64],
    plane: tuple[Dataset, Iterable[float], Iterable[float]],
) -> Volume:
    dataset, cosines, spacing = plane
    x, y, z, u, v, w = (float(value) for value in cosines)
    down, across = (float(value) for value in spacing)
    order = np.argsort(positions @ np.cross((x, y, z), (u, v, w)), kind="stable")
    geometry = Geometry(
        position_mm=positions[order],
        orientation=(x, y, z, u, v, w),
        pixel_mm=(down, across),
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        slice_thickness_mm=float(dataset.get("SliceThickness") or 5.0),
        frame_of_reference_uid=str(dataset.get("FrameOfReferenceUID", "")),
    )
    return Volume(values[order], geometry)
