"""The quantitative record: a float32 Parametric Map for every quantity (PS3.3 A.75)."""

from collections.abc import Sequence

import highdicom as hd
import numpy as np
from pydicom import Dataset
from pydicom.uid import UID

from node.derived import codes
from node.derived.background import reference
from node.derived.context import CREATOR, Context, SeriesPlan
from node.derived.functional_groups import (
    anchors,
    common_arguments,
    finished,
    frames_ascend,
    name_anatomy,
    pixel_measures,
)
from node.perfusion import PerfusionMaps, Quantity
from node.series import CtpSeries, Geometry, Instance

PLANS = {
    q: SeriesPlan(f"parametric map {q}", 8 + i, f"CTP {q} map [{q.meaning.unit.replace(' ', '')}]")
    for i, q in enumerate(Quantity)
}


def instance_uid(context: Context, quantity: Quantity) -> UID:
    """SOP Instance UID of a quantity's map, whether or not it is made."""
    return context.instance_uid(PLANS[quantity], 1)


def parametric_maps(
    context: Context,
    series: CtpSeries,
    geometry: Geometry,
    maps: PerfusionMaps,
    background: Sequence[Dataset],
) -> list[Dataset]:
    """One Parametric Map a quantity, frames ascending along the normal, in the map's unit."""
    grounds = anchors(background)
    made = [_encode(context, q, geometry, maps, grounds) for q in Quantity]
    for dataset in made:
        _cite_sources(dataset, series.shown_in(geometry))
    return made


def _cite_sources(dataset: Dataset, shown: Sequence[Sequence[Instance]]) -> None:
    """Let every frame refer to the first source image of its slice, after the background.

    The background series cites every source image of a slice; to repeat thousands of
    references in each of five maps would take longer than the analysis and say nothing new.
    """
    cited: dict[str, list[Dataset]] = {}
    frames = dataset.PerFrameFunctionalGroupsSequence
    for frame, (first, *_) in zip(frames, shown, strict=True):
        item = reference(first)
        frame.DerivationImageSequence[0].SourceImageSequence.append(item)
        cited.setdefault(first.header.series_instance_uid, []).append(item)
    for series_uid, items in cited.items():
        referenced = Dataset()
        referenced.SeriesInstanceUID = UID(series_uid)
        once = {item.ReferencedSOPInstanceUID: item for item in items}
        referenced.ReferencedInstanceSequence = [_bare(item) for item in once.values()]
        dataset.ReferencedSeriesSequence.append(referenced)


def _bare(item: Dataset) -> Dataset:
    bare = Dataset()
    bare.ReferencedSOPClassUID = item.ReferencedSOPClassUID
    bare.ReferencedSOPInstanceUID = item.ReferencedSOPInstanceUID
    return bare


def _encode(
    context: Context,
    quantity: Quantity,
    geometry: Geometry,
    maps: PerfusionMaps,
    grounds: list[Dataset],
) -> Dataset:
    plan, values = PLANS[quantity], np.ascontiguousarray(maps[quantity])
    low, high = quantity.meaning.window
    made = hd.pm.ParametricMap(
        source_images=grounds,
        pixel_array=values,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[_real_world(quantity, values)],
        voi_lut_transformations=[hd.VOILUTTransformation((low + high) / 2, high - low)],
        pixel_measures=pixel_measures(geometry),
        content_label=quantity.upper(),
        content_description=quantity.meaning.name,
        content_creator_name=CREATOR,
        image_flavor="PERFUSION",
        derivation=codes.PERFUSION_ANALYSIS,
        **common_arguments(context, plan),
    )
    dataset = finished(made, context, plan, geometry)
    name_anatomy(dataset)
    frames_ascend(dataset, geometry)
    return dataset


def _real_world(quantity: Quantity, values: np.ndarray) -> hd.pm.RealWorldValueMapping:
    """Stored value = real value; the range holds every value and the display window."""
    low, high = quantity.meaning.window
    return hd.pm.RealWorldValueMapping(
        lut_label=str(quantity),
        lut_explanation=quantity.meaning.name,
        unit=codes.unit(quantity),
        value_range=(min(low, float(values.min())), max(high, float(values.max()))),
        slope=1.0,
        intercept=0.0,
        quantity_definition=codes.quantity(quantity),
    )
