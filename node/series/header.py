"""What the node needs to know of one instance, without its pixels."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Header:
    """The attributes of one instance that receiving and grouping need; no patient identity.

    Every field is plain JSON data, so that the registry can keep a header and give it back
    (:func:`dataclasses.asdict`, ``Header(**row)`` after lists became tuples).

    Parameters
    ----------
    sop_class_uid, sop_instance_uid, study_instance_uid, series_instance_uid
        Identification; never empty.
    transfer_syntax_uid
        As received.
    modality
        (0008,0060), empty where absent.
    image_type
        (0008,0008) values, upper case.
    rows, columns
        0 where there are no pixels.
    has_pixels
        Whether the instance carries Pixel Data.
    frame_of_reference_uid
        (0020,0052), empty where absent.
    position_mm
        ImagePositionPatient, 3 values [mm], or None.
    orientation
        ImageOrientationPatient, 6 direction cosines, or None.
    pixel_mm
        PixelSpacing (row, column) [mm], or None.
    slice_thickness_mm
        (0018,0050) [mm], or None.
    instance_number, acquisition_number
        None where absent or no number.
    kernel
        ConvolutionKernel, empty where absent.
    series_description
        (0008,103E), empty where absent.
    times_s
        Every clock the instance carries, by source keyword (``AcquisitionDateTime``,
        ``AcquisitionTime`` (joined with its date), ``ContentTime``, ``FrameReferenceTime``,
        ``TriggerTime``, ...), in seconds; date-bearing ones as seconds since 1970 without zone.
    temporal_positions
        NumberOfTemporalPositions that the sender announces, or None.
    images_in_acquisition
        ImagesInAcquisition: how many images share this AcquisitionNumber, or None.
    """

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    modality: str = ""
    image_type: tuple[str, ...] = ()
    rows: int = 0
    columns: int = 0
    has_pixels: bool = False
    frame_of_reference_uid: str = ""
    position_mm: tuple[float, float, float] | None = None
    orientation: tuple[float, float, float, float, float, float] | None = None
    pixel_mm: tuple[float, float] | None = None
    slice_thickness_mm: float | None = None
    instance_number: int | None = None
    acquisition_number: int | None = None
    kernel: str = ""
    series_description: str = ""
    times_s: tuple[tuple[str, float], ...] = ()
    temporal_positions: int | None = None
    images_in_acquisition: int | None = None


@dataclass(frozen=True)
class Instance:
    """One instance at rest: its header and the Part 10 file that holds it."""

    header: Header
    path: Path
