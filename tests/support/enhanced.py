"""Classic CT images written again as multi-frame: Enhanced and Legacy Converted Enhanced CT."""

import datetime
from collections.abc import Iterable, Sequence

from highdicom.legacy import LegacyConvertedEnhancedCTImage
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

_PREFIX = "1.2.826.0.1.3680043.10.1137."
# What the instance says of itself, the same words in a classic image (PS3.3 table A.38-1).
_SHARED = (
    *("SpecificCharacterSet", "StudyDate", "StudyTime", "AccessionNumber", "Modality"),
    *("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions"),
    *("InstitutionName", "ReferringPhysicianName", "StudyDescription", "SeriesDescription"),
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    *("PatientAge", "PatientPosition", "StudyInstanceUID", "SeriesInstanceUID", "StudyID"),
    *("SeriesNumber", "FrameOfReferenceUID", "PositionReferenceIndicator", "SeriesDate"),
    *("SeriesTime", "SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "ContrastBolusAgent"),
    *("BodyPartExamined", "ProtocolName"),
)


def enhanced(images: Sequence[Dataset], uid: str = "", *, clock: str = "both") -> Dataset:
    """One Enhanced CT of these images, a frame each in their order.

    Parameters
    ----------
    images
        Classic CT images of one series.
    uid
        SOP Instance UID; made from the first image's where empty.
    clock
        ``both``: FrameAcquisitionDateTime and FrameReferenceDateTime; the name of one; or
        ``TemporalPositionTimeOffset``: seconds since the first frame and no date at all; empty:
        no clock but TemporalPositionIndex.
    """
    first = images[0]
    made = FileDataset("", {}, file_meta=FileMetaDataset())
    for keyword in _SHARED:
        if keyword in first:
            made[keyword] = first[keyword]
    made.SOPClassUID = EnhancedCTImageStorage
    made.SOPInstanceUID = uid or generate_uid(_PREFIX, ["enhanced", str(first.SOPInstanceUID)])
    made.ImageType = ["ORIGINAL", "PRIMARY", "PERFUSION", "NONE"]
    made.InstanceNumber, made.NumberOfFrames = 1, len(images)
    if clock:
        made.ContentDate, made.ContentTime = first.ContentDate, first.ContentTime
    if clock not in {"", "TemporalPositionTimeOffset"}:
        made.AcquisitionDateTime = first.AcquisitionDate + first.AcquisitionTime
    made.PixelPresentation, made.VolumetricProperties = "MONOCHROME", "VOLUME"
    made.VolumeBasedCalculationTechnique = "NONE"
    made.BurnedInAnnotation, made.LossyImageCompression = "NO", "00"
    made.PresentationLUTShape = "IDENTITY"
    made.SharedFunctionalGroupsSequence = [_shared(first)]
    made.PerFrameFunctionalGroupsSequence = _per_frame(images, clock)
    organization = generate_uid(_PREFIX, ["dimensions", str(made.SOPInstanceUID)])
    made.DimensionOrganizationSequence = [_item(DimensionOrganizationUID=organization)]
    made.DimensionIndexSequence = [
        _item(
            DimensionOrganizationUID=organization,
            DimensionIndexPointer=tag_for_keyword(keyword),
            FunctionalGroupPointer=tag_for_keyword("FrameContentSequence"),
        )
        for keyword in ("StackID", "InStackPositionNumber", "TemporalPositionIndex")
    ]
    made.PixelData = b"".join(image.PixelData for image in images)
    made["PixelData"].VR = "OW"
    _name(made)
    return made


def legacy_converted(images: Sequence[Dataset], uid: str) -> Dataset:
    """One Legacy Converted Enhanced CT of these images, as highdicom converts them."""
    first = images[0]
    made = LegacyConvertedEnhancedCTImage(
        list(images),
        series_instance_uid=str(first.SeriesInstanceUID),
        series_number=int(first.SeriesNumber),
        sop_instance_uid=uid,
        instance_number=1,
    )
    _name(made)
    return made


def _name(made: Dataset) -> None:
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


def _item(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _shared(first: Dataset) -> Dataset:
    return _item(
        PixelMeasuresSequence=[
            _item(PixelSpacing=first.PixelSpacing, SliceThickness=first.SliceThickness)
        ],
        PlaneOrientationSequence=[_item(ImageOrientationPatient=first.ImageOrientationPatient)],
        CTReconstructionSequence=[_item(ConvolutionKernel=first.ConvolutionKernel)],
        CTImageFrameTypeSequence=[
            _item(
                FrameType=["ORIGINAL", "PRIMARY", "PERFUSION", "NONE"],
                PixelPresentation="MONOCHROME",
                VolumetricProperties="VOLUME",
                VolumeBasedCalculationTechnique="NONE",
            )
        ],
    )


def _per_frame(images: Sequence[Dataset], clock: str) -> list[Dataset]:
    places = sorted({_place(image) for image in images})
    times = sorted({_taken(image) for image in images})
    return [_frame(image, clock, places, times) for image in images]


def _frame(
    image: Dataset,
    clock: str,
    places: Sequence[tuple[float, ...]],
    times: Sequence[datetime.datetime],
) -> Dataset:
    taken = _taken(image)
    place, moment = places.index(_place(image)) + 1, times.index(taken) + 1
    content = _item(
        StackID="1",
        InStackPositionNumber=place,
        TemporalPositionIndex=moment,
        DimensionIndexValues=[1, place, moment],
        FrameAcquisitionNumber=moment,
        FrameAcquisitionDuration=1000.0,
    )
    for keyword in _clocks(clock):
        setattr(content, keyword, f"{taken:%Y%m%d%H%M%S.%f}")
    frame = _item(
        FrameContentSequence=[content],
        PlanePositionSequence=[_item(ImagePositionPatient=image.ImagePositionPatient)],
        PixelValueTransformationSequence=[
            _item(
                RescaleIntercept=image.RescaleIntercept,
                RescaleSlope=image.RescaleSlope,
                RescaleType="HU",
            )
        ],
    )
    if clock == "TemporalPositionTimeOffset":
        offset_s = (taken - times[0]).total_seconds()
        frame.TemporalPositionSequence = [_item(TemporalPositionTimeOffset=offset_s)]
    return frame


def _clocks(clock: str) -> Iterable[str]:
    if clock == "both":
        return "FrameAcquisitionDateTime", "FrameReferenceDateTime"
    return () if clock in {"", "TemporalPositionTimeOffset"} else (clock,)


def _place(image: Dataset) -> tuple[float, ...]:
    return tuple(float(value) for value in reversed(image.ImagePositionPatient))


def _taken(image: Dataset) -> datetime.datetime:
    taken = image.AcquisitionDate + image.AcquisitionTime
    return datetime.datetime.strptime(taken, "%Y%m%d%H%M%S.%f")
