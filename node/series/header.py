"""What the node needs to know of one instance, without its pixels."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

Position = tuple[float, float, float]
Orientation = tuple[float, float, float, float, float, float]


class Frame(NamedTuple):
    """What one frame of a multi-frame instance says of itself, in the words of :class:`Header`.

    ``temporal_position`` is TemporalPositionIndex, ``stack_id`` StackID (PS3.3 C.7.6.16.2.2).
    """

    position_mm: Position | None
    orientation: Orientation | None
    pixel_mm: tuple[float, float] | None
    slice_thickness_mm: float | None
    image_type: tuple[str, ...]
    kernel: str
    times_s: tuple[tuple[str, float], ...]
    temporal_position: int | None
    stack_id: str


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
    protocol_name
        (0018,1030), empty where absent.
    times_s
        Every clock the instance carries, by source keyword (``AcquisitionDateTime``,
        ``AcquisitionTime`` (joined with its date), ``ContentTime``, ``FrameReferenceTime``,
        ``TriggerTime``, ...), in seconds; date-bearing ones as seconds since 1970 without zone.
        GE's private ``DeltaStartTime`` is the number as it is written: only a whole series tells
        seconds from milliseconds.
    time_indices
        Every count of the time points that the instance carries, by keyword
        (``TemporalPositionIdentifier``, ``TemporalPositionIndex`` of a frame, Canon's private
        ``VolumeNumber``): an order without seconds.
    temporal_positions
        NumberOfTemporalPositions that the sender announces, or None.
    images_in_acquisition
        ImagesInAcquisition: how many images share this AcquisitionNumber, or None.
    stack_id
        StackID of a frame, empty for a single-frame instance.
    lossy
        Whether compression, now or earlier, has changed the pixels.
    frames
        Of a multi-frame instance, in the order of its pixel data; see :func:`images_of`.
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
    position_mm: Position | None = None
    orientation: Orientation | None = None
    pixel_mm: tuple[float, float] | None = None
    slice_thickness_mm: float | None = None
    instance_number: int | None = None
    acquisition_number: int | None = None
    kernel: str = ""
    series_description: str = ""
    protocol_name: str = ""
    times_s: tuple[tuple[str, float], ...] = ()
    time_indices: tuple[tuple[str, int], ...] = ()
    temporal_positions: int | None = None
    images_in_acquisition: int | None = None
    stack_id: str = ""
    lossy: bool = False
    frames: tuple[Frame, ...] = ()

    @property
    def images(self) -> int:
        """How many images the instance holds: each frame is one."""
        return len(self.frames) or 1


@dataclass(frozen=True)
class Instance:
    """One instance at rest, or one frame of it: its header and the Part 10 file that holds it.

    ``frame`` counts from 1 in the pixel data of a multi-frame instance; None is all of it.
    """

    header: Header
    path: Path
    frame: int | None = None


def headers_of(header: Header) -> list[Header]:
    """The header of every image: each frame of a multi-frame instance is one."""
    # a registry gives frames back as plain tuples
    frames = enumerate(map(Frame._make, header.frames), start=1)
    return [_as_image(header, number, frame) for number, frame in frames] or [header]


def images_of(instances: Iterable[Instance]) -> list[Instance]:
    """Every image by itself: a multi-frame instance becomes one image a frame."""
    images = []
    for instance in instances:
        if instance.header.frames:
            numbered = enumerate(headers_of(instance.header), start=1)
            images += [Instance(header, instance.path, n) for n, header in numbered]
        else:
            images.append(instance)
    return images


def _as_image(whole: Header, number: int, frame: Frame) -> Header:
    own = frame._asdict()
    index = own.pop("temporal_position")
    if index is None:
        return replace(whole, frames=(), instance_number=number, **own)
    indices = (*whole.time_indices, ("TemporalPositionIndex", index))
    return replace(whole, frames=(), instance_number=index, time_indices=indices, **own)
