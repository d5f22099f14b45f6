"""Results read back: volumes from a Segmentation, values and places from a Parametric Map."""

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from node.series import Geometry


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
