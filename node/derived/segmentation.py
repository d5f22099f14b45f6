"""Core, hypoperfusion and brain as a binary Segmentation (PS3.3 A.51)."""

from collections.abc import Sequence
from dataclasses import dataclass

import highdicom as hd
import numpy as np
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentationTypeValues
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.sr.coding import Code

from node.derived import codes
from node.derived.context import CREATOR, MANUFACTURER, Context, SeriesPlan, ascii_text
from node.derived.functional_groups import anchors, common_arguments, finished, pixel_measures
from node.perfusion import Lesion, PerfusionMaps
from node.series import Geometry

PLAN = SeriesPlan("segmentation", 7, "CTP lesion segmentation", "SEG")
# The segments' numbers. Viewers draw them one over the other (seen in OHIF): the core is uppermost.
BRAIN, HYPOPERFUSION, CORE = 1, 2, 3


@dataclass(frozen=True, eq=False)
class _Segment:
    label: str
    meaning: str
    mask: NDArray[np.bool_]
    category: Code
    kind: Code
    rgb: tuple[int, int, int]


def segmentation(
    context: Context,
    geometry: Geometry,
    maps: PerfusionMaps,
    lesion: Lesion,
    background: Sequence[Dataset],
) -> Dataset:
    """One Segmentation; its segments overlap: core inside hypoperfusion inside brain."""
    segments = _segments(maps, lesion)
    masks = np.stack([s.mask for s in segments], axis=-1).astype(np.uint8)
    made = hd.seg.Segmentation(
        source_images=anchors(background),
        pixel_array=masks,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_describe(context, lesion, n, s) for n, s in enumerate(segments, 1)],
        pixel_measures=pixel_measures(geometry),
        content_label="LESION",
        content_description="Core and hypoperfusion by CT perfusion",
        content_creator_name=CREATOR,
        omit_empty_frames=bool(masks.any()),
        **common_arguments(context, PLAN),
    )
    for item, segment in zip(made.SegmentSequence, segments, strict=True):
        item.SegmentDescription = segment.meaning
    made["PixelData"].VR = "OB"
    return finished(made, context, PLAN, geometry)


def _segments(maps: PerfusionMaps, lesion: Lesion) -> list[_Segment]:
    limits = lesion.thresholds
    core = f"CBF < {100 * limits.rcbf:g} % of normal"
    low = f"Tmax > {limits.tmax_s:g} s"
    abnormal, anatomy = codes.ABNORMAL_STRUCTURE, codes.ANATOMICAL_STRUCTURE
    return [
        _Segment(
            "Brain (analysed)",
            "The voxels that were analysed",
            maps.brain,
            anatomy,
            codes.BRAIN,
            (120, 150, 220),
        ),
        _Segment(
            f"Hypoperfusion ({low}, core included)",
            f"{low}; the core is included",
            lesion.hypoperfusion,
            abnormal,
            codes.ISCHEMIA,
            (70, 200, 90),
        ),
        _Segment(
            f"Core ({core})",
            f"{core}, counted inside the hypoperfusion",
            lesion.core,
            abnormal,
            codes.INFARCT,
            (225, 35, 135),
        ),
    ]


def _describe(
    context: Context, lesion: Lesion, number: int, segment: _Segment
) -> hd.seg.SegmentDescription:
    model, limits = context.estimator, lesion.thresholds
    if model is None:
        raise ValueError("a segmentation needs the estimator that its maps came from")
    algorithm = hd.AlgorithmIdentificationSequence(
        name=ascii_text(model.name)[:64],
        version=ascii_text(model.version)[:64],
        family=codes.ARTIFICIAL_INTELLIGENCE,
        source=MANUFACTURER,
        parameters={
            "sha256": model.sha256,
            "tmax_s": f"{limits.tmax_s:g}",
            "rcbf": f"{limits.rcbf:g}",
            "min_lesion_ml": f"{limits.min_lesion_ml:g}",
        },
    )
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=segment.label,
        segmented_property_category=segment.category,
        segmented_property_type=segment.kind,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=context.uids.make("tracking", segment.label),
        tracking_id=segment.label,
        anatomic_regions=[codes.BRAIN],
        display_color=hd.color.CIELabColor.from_rgb(*segment.rgb),
    )
