"""The background: a plain CT series on the maps' own grid, which the other results reference."""

from collections.abc import Iterable
from functools import cache

import numpy as np
from pydicom import DataElement, Dataset
from pydicom.tag import Tag
from pydicom.uid import UID

from node.derived import codes
from node.derived.context import Context, SeriesPlan, concept
from node.derived.ct_image import ct_image
from node.perfusion import PerfusionMaps
from node.series import CtpSeries, Geometry, Instance

PLAN = SeriesPlan("background", 0, "CTP background CT")
WINDOW_HU = (40, 80)  # centre and width in which early ischaemia is read
_PURPOSE = Tag("PurposeOfReferenceCodeSequence")
_HU = (-32768, 32767)  # what 16 signed bits hold


def background_images(
    context: Context, series: CtpSeries, geometry: Geometry, maps: PerfusionMaps
) -> list[Dataset]:
    """CT images of the mean attenuation before contrast, slices ascending [HU]."""
    source = series.geometry
    resampled = geometry.rows != source.rows or len(geometry.along_mm) != len(source.along_mm)
    # Every source instance of each slice: the whole provenance, written once, here.
    sources = series.shown_in(geometry)
    images = []
    for z, hu in enumerate(maps.baseline_hu):
        stored = np.clip(np.rint(hu), *_HU).astype(np.int16)
        image = ct_image(context, PLAN, geometry, z, stored)
        _describe(image, resampled)
        image.SourceImageSequence = references(sources[z])
        images.append(image)
    return images


def references(images: Iterable[Instance]) -> list[Dataset]:
    """Source Image Sequence items of images, one for all that are frames of one instance."""
    by_instance: dict[str, list[Instance]] = {}
    for image in images:
        by_instance.setdefault(image.header.sop_instance_uid, []).append(image)
    items = []
    for frames in by_instance.values():
        item = reference(frames[0])
        if len(frames) > 1:
            item.ReferencedFrameNumber = sorted(f.frame for f in frames if f.frame is not None)
        items.append(item)
    return items


def reference(instance: Instance | Dataset) -> Dataset:
    """A Source Image Sequence item that points at an instance or at one frame of it."""
    item = Dataset()
    if isinstance(instance, Instance):
        item.ReferencedSOPClassUID = UID(instance.header.sop_class_uid)
        item.ReferencedSOPInstanceUID = UID(instance.header.sop_instance_uid)
        if instance.frame is not None:
            item.ReferencedFrameNumber = instance.frame
    else:
        item.ReferencedSOPClassUID = instance.SOPClassUID
        item.ReferencedSOPInstanceUID = instance.SOPInstanceUID
    item[_PURPOSE] = _of_a_source_image()
    return item


@cache
def _of_a_source_image() -> DataElement:
    """The purpose that all these references share; nobody changes it."""
    return DataElement(_PURPOSE, "SQ", [concept(codes.SOURCE_IMAGE)])


def _describe(image: Dataset, resampled: bool) -> None:
    image.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    image.DerivationDescription = "Mean of the images before contrast arrives"
    steps = (codes.PIXEL_MEAN, codes.SPATIAL_RESAMPLING) if resampled else (codes.PIXEL_MEAN,)
    image.DerivationCodeSequence = [concept(step) for step in steps]
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = 0, 1, "HU"
    image.WindowCenter, image.WindowWidth = WINDOW_HU
    image.WindowCenterWidthExplanation = "BRAIN"
