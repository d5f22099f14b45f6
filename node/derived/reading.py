"""Results read back: a Segmentation's volumes, a Parametric Map's values, a report's numbers."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from node.derived import codes
from node.perfusion import Quantity
from node.series import Geometry

_SEGMENTS = {codes.INFARCT: "core", codes.ISCHEMIA: "hypoperfusion", codes.BRAIN: "brain"}
_VOLUMES = {finding.value: name for finding, name in _SEGMENTS.items()}
_VOLUMES[codes.PENUMBRA.value] = "mismatch"
_OTHERS = {
    codes.MISMATCH_RATIO.value: "mismatch_ratio",
    codes.INTENSITY_RATIO.value: "hypoperfusion_intensity_ratio",
    codes.quantity(Quantity.CBF).value: "normal_cbf",
}
_FINDING, _MEASUREMENTS = "121071", "126010"  # PS3.16 TID 1411 and 1500


def segment_volumes_ml(dataset: Dataset) -> dict[str, float]:
    """Volume of every segment of a binary Segmentation [ml].

    Returns
    -------
    dict
        Volume by the segment's label without what stands in brackets: ``Core``,
        ``Hypoperfusion``, ``Brain``. Voxels are counted; their size is PixelSpacing times
        SpacingBetweenSlices.
    """
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    area = float(measures.PixelSpacing[0]) * float(measures.PixelSpacing[1])
    voxel_ml = area * float(measures.SpacingBetweenSlices) / 1000.0
    counts = {int(s.SegmentNumber): 0 for s in dataset.SegmentSequence}
    frames = np.asarray(dataset.pixel_array).reshape(-1, dataset.Rows, dataset.Columns)
    for item, frame in zip(dataset.PerFrameFunctionalGroupsSequence, frames, strict=True):
        number = int(item.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        counts[number] += int(np.count_nonzero(frame))
    return {
        str(s.SegmentLabel).partition(" (")[0]: counts[int(s.SegmentNumber)] * voxel_ml
        for s in dataset.SegmentSequence
    }


def read_map(dataset: Dataset) -> tuple[NDArray[np.float32], Geometry]:
    """Values (Z, Y, X) float32 in the map's unit, slices ascending, and where they lie.

    Frames are placed by their PlanePositionSequence, never by their number.
    """
    shared = dataset.SharedFunctionalGroupsSequence[0]
    measures = shared.PixelMeasuresSequence[0]
    cosines = [float(v) for v in shared.PlaneOrientationSequence[0].ImageOrientationPatient]
    positions = np.array(
        [
            [float(v) for v in item.PlanePositionSequence[0].ImagePositionPatient]
            for item in dataset.PerFrameFunctionalGroupsSequence
        ]
    )
    order = np.argsort(positions @ np.cross(cosines[:3], cosines[3:]), kind="stable")
    shape = (len(positions), dataset.Rows, dataset.Columns)
    values = np.frombuffer(dataset.FloatPixelData, "<f4").reshape(shape)
    geometry = Geometry(
        position_mm=positions[order],
        orientation=(cosines[0], cosines[1], cosines[2], cosines[3], cosines[4], cosines[5]),
        pixel_mm=(float(measures.PixelSpacing[0]), float(measures.PixelSpacing[1])),
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        slice_thickness_mm=float(measures.SliceThickness),
        frame_of_reference_uid=str(dataset.FrameOfReferenceUID),
    )
    return values[order].astype(np.float32), geometry


def map_quantity(dataset: Dataset) -> Quantity:
    """The quantity of a Parametric Map: the label of its Real World Value Mapping."""
    shared = dataset.SharedFunctionalGroupsSequence[0]
    return Quantity(str(shared.RealWorldValueMappingSequence[0].LUTLabel))


def read_report(dataset: Dataset) -> dict[str, float]:
    """The numbers of a report, by their names in ``numbers.json``; ``brain_ml`` besides.

    What a report leaves out, such as a ratio without a core, is left out here.
    """
    measured = next(i for i in dataset.ContentSequence if _name(i) == _MEASUREMENTS)
    return {key: value for group in measured.ContentSequence for key, value in _numbers(group)}


def _numbers(group: Dataset) -> Iterator[tuple[str, float]]:
    finding = next((_value(i) for i in group.ContentSequence if _name(i) == _FINDING), "")
    for item in group.ContentSequence:
        if item.ValueType != "NUM":
            continue
        name, value = _name(item), _number(item)
        if name != codes.VOLUME.value:
            # a threshold's code is its name in numbers.json, shortened to what a code may have
            yield _OTHERS.get(name) or name.lower().replace("_pct", "_percent") + "_ml", value
            continue
        yield f"{_VOLUMES[finding]}_ml", value
        for child in item.get("ContentSequence", ()):
            if _name(child) == codes.UNCERTAINTY_BELOW.value:
                yield f"{_VOLUMES[finding]}_least_ml", value - _number(child)
            elif _name(child) == codes.UNCERTAINTY_ABOVE.value:
                yield f"{_VOLUMES[finding]}_most_ml", value + _number(child)


def _name(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeValue)


def _value(item: Dataset) -> str:
    return str(item.ConceptCodeSequence[0].CodeValue)


def _number(item: Dataset) -> float:
    return float(item.MeasuredValueSequence[0].NumericValue)
