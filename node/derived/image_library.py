"""What a report was made from: its image library and its evidence (TID 1600, PS3.3 C.17.2)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Self

import highdicom as hd
from highdicom.sr import RelationshipTypeValues as Relation
from pydicom import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import UID

from node.derived import codes
from node.series import CtpSeries, Geometry, Instance

_MILLIMETER = Code("mm", "UCUM", "mm")
_POSITION = tuple(
    Code(str(110901 + i), "DCM", f"Image Position (Patient) {'XYZ'[i]}") for i in range(3)
)


@dataclass(frozen=True)
class Reference:
    """An instance of the study, by its UIDs."""

    series: str
    sop_class: str
    instance: str

    @classmethod
    def to(cls, dataset: Dataset) -> Self:
        """To a result."""
        return cls(dataset.SeriesInstanceUID, dataset.SOPClassUID, dataset.SOPInstanceUID)


def image_library(
    series: CtpSeries, geometry: Geometry, background: Sequence[Dataset]
) -> hd.sr.ContainerContentItem:
    """The background's images, and the first source image of each slice, with their places.

    What the images of a group share is said once, for the group. The background cites every
    other source image, and the evidence names them all.
    """
    library, ground = _container("111028", "Image Library"), _group(background[0].SeriesInstanceUID)
    ground.ContentSequence.extend(_shared(background[0]))
    for image, position in zip(background, geometry.position_mm, strict=True):
        entry = _entry(image.SOPClassUID, image.SOPInstanceUID)
        entry.ContentSequence = hd.sr.ContentSequence(_coordinates(position))
        ground.ContentSequence.append(entry)
    library.ContentSequence.append(ground)
    for series_uid, instances in _by_series(
        first for first, *_ in series.shown_in(geometry)
    ).items():
        group = _group(series_uid)
        for each in instances:
            header = each.header
            frames = None if each.frame is None else [each.frame]
            entry = _entry(header.sop_class_uid, header.sop_instance_uid, frames)
            group.ContentSequence.append(entry)
        library.ContentSequence.append(group)
    return library


def evidence(study: str, instances: Iterable[Reference]) -> Dataset:
    """The one item of an evidence sequence: instances of a study, each once, by series."""
    by_series: dict[str, dict[str, Reference]] = {}
    for each in instances:
        by_series.setdefault(each.series, {})[each.instance] = each
    item = Dataset()
    item.StudyInstanceUID = UID(study)
    item.ReferencedSeriesSequence = [
        _series_item(series, cited.values()) for series, cited in by_series.items()
    ]
    return item


def source_references(series: CtpSeries) -> Iterable[Reference]:
    """Every source instance, a multi-frame one as often as it has frames."""
    for image in chain.from_iterable(series.grid):
        if image is not None:
            header = image.header
            yield Reference(
                header.series_instance_uid, header.sop_class_uid, header.sop_instance_uid
            )


def _series_item(series_uid: str, cited: Iterable[Reference]) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = UID(series_uid)
    item.ReferencedSOPSequence = [_instance_item(each) for each in cited]
    return item


def _instance_item(cited: Reference) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = UID(cited.sop_class)
    item.ReferencedSOPInstanceUID = UID(cited.instance)
    return item


def _by_series(images: Iterable[Instance]) -> dict[str, list[Instance]]:
    found: dict[str, list[Instance]] = {}
    for image in images:
        found.setdefault(image.header.series_instance_uid, []).append(image)
    return found


def _group(series_uid: str) -> hd.sr.ContainerContentItem:
    group = _container("126200", "Image Library Group")
    named = hd.sr.UIDRefContentItem(codes.SERIES, UID(series_uid), Relation.HAS_ACQ_CONTEXT)
    group.ContentSequence.append(named)
    return group


def _shared(image: Dataset) -> list[hd.sr.ContentItem]:
    """What all images of the background have in common (TID 1602 and 1604)."""
    described = hd.sr.templates.ImageLibraryEntryDescriptors(image)
    return [item for item in described if item.name not in _POSITION]


def _coordinates(position: Iterable[float]) -> list[hd.sr.NumContentItem]:
    return [
        hd.sr.NumContentItem(
            name, float(value), _MILLIMETER, relationship_type=Relation.HAS_ACQ_CONTEXT
        )
        for name, value in zip(_POSITION, position, strict=True)
    ]


def _container(code: str, meaning: str) -> hd.sr.ContainerContentItem:
    name = Code(code, "DCM", meaning)
    item = hd.sr.ContainerContentItem(name, relationship_type=Relation.CONTAINS)
    item.ContentSequence = hd.sr.ContentSequence()
    return item


def _entry(
    sop_class: str, instance: str, frames: Sequence[int] | None = None
) -> hd.sr.ImageContentItem:
    return hd.sr.ImageContentItem(
        codes.SOURCE, sop_class, instance, frames, relationship_type=Relation.CONTAINS
    )
