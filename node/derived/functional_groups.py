"""What Segmentation and Parametric Map share: their source images and the fixes to highdicom's."""

from collections.abc import Sequence
from typing import Any

import highdicom as hd
import numpy as np
from pydicom import Dataset
from pydicom.sequence import Sequence as DicomSequence

from node.derived import codes
from node.derived.context import MANUFACTURER, PRODUCT, Context, SeriesPlan, concept
from node.derived.plane import thickness_mm
from node.series import Geometry

_PLANE = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "Rows",
    "Columns",
    "PixelSpacing",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SliceThickness",
)
_NOBODY = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber")
_NO_VISIT = ("StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName")


def anchors(background: Sequence[Dataset]) -> list[Dataset]:
    """The background images without pixels and without a patient.

    highdicom validates what it copies; the identity is copied verbatim afterwards, by
    :meth:`Context.seal`, so that an odd name or date cannot stop a result.
    """
    made = []
    for image in background:
        anchor = Dataset()
        for keyword in _PLANE:
            setattr(anchor, keyword, image[keyword].value)
        for keyword in (*_NOBODY, *_NO_VISIT):
            setattr(anchor, keyword, "")
        made.append(anchor)
    return made


def pixel_measures(geometry: Geometry) -> hd.PixelMeasuresSequence:
    """Pixel spacing, thickness and the distance between slices."""
    return hd.PixelMeasuresSequence(
        pixel_spacing=geometry.pixel_mm,
        slice_thickness=thickness_mm(geometry),
        spacing_between_slices=geometry.spacing_mm[0],
    )


def common_arguments(context: Context, plan: SeriesPlan) -> dict[str, Any]:
    """Arguments that both of highdicom's classes take."""
    return {
        "series_instance_uid": context.series_uid(plan),
        "series_number": context.options.series_number + plan.offset,
        "sop_instance_uid": context.instance_uid(plan, 1),
        "instance_number": 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": PRODUCT,
        "software_versions": context.software_versions[0],
        "device_serial_number": context.serial_number,
    }


def plain(made: Dataset) -> Dataset:
    """The same elements without highdicom's classes, some of which refuse to be compared."""
    dataset = Dataset()
    for element in made:
        if element.VR == "SQ":
            dataset.add_new(element.tag, "SQ", [plain(item) for item in element.value])
        else:
            dataset[element.tag] = element
    return dataset


def finished(made: Dataset, context: Context, plan: SeriesPlan, geometry: Geometry) -> Dataset:
    """An object of highdicom as a plain dataset, clean and repeatable (DICOM.md 2.2 and 2.6)."""
    dataset = plain(made)
    library = [i for i in dataset.ContributingEquipmentSequence if _is_highdicom(i)]
    context.seal(dataset, plan)
    for item in library:
        item.ContributionDateTime = dataset.ContentDate + dataset.ContentTime
    dataset.ContributingEquipmentSequence.extend(library)
    organization = context.uids.make("dimension organization", plan.key)
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization
    # highdicom takes 1 mm for the distance between slices where there is only one.
    measures = [plain(item) for item in pixel_measures(geometry)]
    dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence = measures
    dataset.PositionReferenceIndicator = ""  # highdicom's None would read back as ''
    return dataset


def name_anatomy(dataset: Dataset) -> None:
    """Say which part of the body all frames show; 3D Slicer's reader dies without it."""
    anatomy = Dataset()
    anatomy.FrameLaterality = "U"
    anatomy.AnatomicRegionSequence = [concept(codes.BRAIN)]
    dataset.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = [anatomy]


def frames_ascend(dataset: Dataset, geometry: Geometry) -> None:
    """Order a Parametric Map's frames along the normal.

    highdicom writes the highest slice first; 3D Slicer's reader takes frame i for slice i
    counted from the lowest, and would show the map mirrored (DICOM.md 2.2).
    """
    items = list(dataset.PerFrameFunctionalGroupsSequence)
    place = [np.array(i.PlanePositionSequence[0].ImagePositionPatient, float) for i in items]
    order = np.argsort(np.array(place) @ geometry.normal, kind="stable")
    frames = np.frombuffer(dataset.FloatPixelData, "<f4").reshape(len(items), -1)
    dataset.FloatPixelData = frames[order].tobytes()
    ordered = [items[i] for i in order]
    for number, item in enumerate(ordered, 1):
        item.FrameContentSequence[0].DimensionIndexValues = number
    dataset.PerFrameFunctionalGroupsSequence = DicomSequence(ordered)


def _is_highdicom(item: Dataset) -> bool:
    return str(item.get("ManufacturerModelName", "")) == "highdicom"
