"""The quantitative record: a float32 Parametric Map for every quantity (PS3.3 A.75)."""

from collections.abc import Sequence

import highdicom as hd
import numpy as np
from pydicom import Dataset
from pydicom.uid import UID

from node.derived import codes
from node.derived.context import CREATOR, Context, SeriesPlan, concept
from node.derived.functional_groups import (
    anchors,
    common_arguments,
    finished,
    frames_ascend,
    name_anatomy,
    pixel_measures,
    source_anchor,
)
from node.perfusion import PerfusionMaps, Quantity
from node.series import CtpSeries, Geometry

PLANS = {
    q: SeriesPlan(f"parametric map {q}", 8 + i, f"CTP {q} map [{q.meaning.unit}] (Parametric Map)")
    for i, q in enumerate(Quantity)
}


def parametric_maps(
    context: Context,
    series: CtpSeries,
    geometry: Geometry,
    maps: PerfusionMaps,
    background: Sequence[Dataset],
) -> list[Dataset]:
    """One Parametric Map a quantity, frames ascending along the normal, in the map's unit."""
    grounds, further = anchors(background), _first_images(series, background[0].StudyInstanceUID)
    return [_encode(context, q, geometry, maps, (grounds, further)) for q in Quantity]


def _first_images(series: CtpSeries, study_uid: UID) -> list[Dataset]:
    """The first image of every slice.

    The background series cites every image of its slice; repeating thousands of references in
    each of five maps would cost more time than the analysis and say nothing new.
    """
    slices = zip(*series.grid, strict=True)
    first = [next((i for i in column if i is not None), None) for column in slices]
    return [source_anchor(i, study_uid) for i in first if i is not None]


def _encode(
    context: Context,
    quantity: Quantity,
    geometry: Geometry,
    maps: PerfusionMaps,
    references: tuple[list[Dataset], list[Dataset]],
) -> Dataset:
    plan, values = PLANS[quantity], np.ascontiguousarray(maps[quantity])
    low, high = quantity.meaning.window
    made = hd.pm.ParametricMap(
        source_images=references[0],
        further_source_images=references[1],
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
    dataset = finished(made, context, plan)
    name_anatomy(dataset)
    frames_ascend(dataset, geometry)
    return dataset


def _real_world(quantity: Quantity, values: np.ndarray) -> hd.pm.RealWorldValueMapping:
    """Stored value = real value; the range holds every value and the display window."""
    low, high = quantity.meaning.window
    return hd.pm.RealWorldValueMapping(
        lut_label=str(quantity),
        lut_explanation=quantity.meaning.name,
        unit=concept(codes.unit(quantity)),
        value_range=(min(low, float(values.min())), max(high, float(values.max()))),
        slope=1.0,
        intercept=0.0,
        quantity_definition=concept(codes.quantity(quantity)),
    )
