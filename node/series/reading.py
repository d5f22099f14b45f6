"""One instance read: its header, or its context without pixels."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

import pydicom
from pydicom import Dataset

from node.errors import InstanceUnreadableError, SpoolError
from node.series.clocks import DAY_S, date_time_s, joined_s
from node.series.elements import MAX_INFLATED_BYTES, Elements, read_elements
from node.series.files import faults_told, open_file
from node.series.frames import CtpSeries
from node.series.header import Frame, Header, Instance, Orientation, Position
from node.series.lossy import declare_loss, is_lossy
from node.series.multiframe import (
    FRAME_ACQUISITION_DATE_TIME,
    FRAME_REFERENCE_DATE_TIME,
    FRAME_TYPE,
    FUNCTIONAL_GROUPS,
    STACK_ID,
    TEMPORAL_POSITION_INDEX,
    TEMPORAL_POSITION_TIME_OFFSET,
    frames_of,
)
from node.series.private import DELTA_START_TIME, MID_SCAN_TIME, VOLUME_NUMBER, Tag
from node.series.wholeness import PIXEL_DESCRIPTION, compression_ratio, require_whole

_UID = re.compile(r"[0-9]+([.][0-9]+)*")

_IDENTITY = {
    "sop_class_uid": 0x00080016,
    "sop_instance_uid": 0x00080018,
    "study_instance_uid": 0x0020000D,
    "series_instance_uid": 0x0020000E,
}
_IMAGE_TYPE, _MODALITY, _SERIES_DESCRIPTION = 0x00080008, 0x00080060, 0x0008103E
_ACQUISITION_DATE_TIME = 0x0008002A
_ACQUISITION_DATE, _ACQUISITION_TIME = 0x00080022, 0x00080032
_CONTENT_DATE, _CONTENT_TIME = 0x00080023, 0x00080033
_PROTOCOL = 0x00181030
_SLICE_THICKNESS, _TRIGGER_TIME, _KERNEL = 0x00180050, 0x00181060, 0x00181210
_ACQUISITION_NUMBER, _INSTANCE_NUMBER = 0x00200012, 0x00200013
_POSITION, _ORIENTATION, _FRAME_OF_REFERENCE = 0x00200032, 0x00200037, 0x00200052
_TEMPORAL_POSITION, _TEMPORAL_POSITIONS = 0x00200100, 0x00200105
_IMAGES_IN_ACQUISITION = 0x00201002
_ROWS, _COLUMNS, _PIXEL_SPACING = 0x00280010, 0x00280011, 0x00280030
_FRAME_REFERENCE_TIME = 0x00541300
_LOSSY = 0x00282110

_WANTED = frozenset(
    (
        *_IDENTITY.values(),
        *(_IMAGE_TYPE, _MODALITY, _SERIES_DESCRIPTION, _ACQUISITION_DATE_TIME),
        *(_ACQUISITION_DATE, _ACQUISITION_TIME, _CONTENT_DATE, _CONTENT_TIME),
        *(_SLICE_THICKNESS, _TRIGGER_TIME, _KERNEL, _ACQUISITION_NUMBER, _INSTANCE_NUMBER),
        *(
            _POSITION,
            _ORIENTATION,
            _FRAME_OF_REFERENCE,
            _TEMPORAL_POSITIONS,
            _IMAGES_IN_ACQUISITION,
        ),
        *(_PIXEL_SPACING, _FRAME_REFERENCE_TIME, _PROTOCOL, _LOSSY, _TEMPORAL_POSITION),
        *PIXEL_DESCRIPTION,
        *FUNCTIONAL_GROUPS,
    )
)

# numbers() has counted them; the type checker cannot.
_Two = tuple[float, float] | None
_Three = Position | None
_Six = Orientation | None


def read_header(
    source: Path | bytes | BinaryIO,
    transfer_syntax_uid: str | None = None,
    *,
    longest: int = MAX_INFLATED_BYTES,
) -> Header:
    """The header of one instance; its pixel data is measured, never read.

    Parameters
    ----------
    source
        A Part 10 file (path, bytes or seekable stream); with ``transfer_syntax_uid`` a bare
        data set, as a C-STORE carries it.
    transfer_syntax_uid
        How the bare data set is encoded.
    longest
        Of a deflated data set, once it is inflated [bytes].

    Raises
    ------
    InstanceUnreadableError
        If the bytes are no DICOM or end early, in the header or in the pixel data, or lack a
        valid UID of SOP class, SOP instance, study or series.
    SpoolError
        If the file cannot be opened.
    """
    if isinstance(source, Path):
        try:
            with open_file(source) as file:
                return _read(file, transfer_syntax_uid, longest)
        except OSError as fault:
            raise SpoolError(f"{source} cannot be read: {fault.strerror}") from fault
    stream = BytesIO(source) if isinstance(source, bytes) else source
    return _read(stream, transfer_syntax_uid, longest)


def read_source(series: CtpSeries) -> Dataset:
    """The first instance in use without its pixels: identity and context for the results.

    Where some are lossy it is the first of those, so that the results say so too (once lossy,
    always lossy: PS3.3 C.7.6.1.1.5).

    Raises
    ------
    InstanceUnreadableError
        If it is no longer a readable instance.
    SpoolError
        If the file cannot be opened.
    """
    first = next((i for i in series.instances if i.header.lossy), series.instances[0])
    with _opened(first.path) as stream:
        source = pydicom.dcmread(stream, stop_before_pixels=True)
        if first.header.lossy:
            declare_loss(source, _compression_ratio(first.path))
    return source


def read_context(instances: Sequence[Instance]) -> Dataset:
    """Whom a refusal concerns: the same instance, without its pixels, in whatever order they came.

    Raises
    ------
    InstanceUnreadableError
        If it is no longer a readable instance.
    SpoolError
        If the file cannot be opened.
    """
    with _opened(min(instances, key=lambda i: i.header.sop_instance_uid).path) as stream:
        return pydicom.dcmread(stream, stop_before_pixels=True)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with open_file(path) as stream, faults_told(f"{path} is not a DICOM file any more"):
            yield stream
    except OSError as fault:
        raise SpoolError(f"{path} cannot be read: {fault.strerror}") from fault


def _compression_ratio(path: Path) -> float | None:
    """Uncompressed by compressed size of the pixels; None where they are uncompressed."""
    with open_file(path) as stream:
        elements = read_elements(stream, PIXEL_DESCRIPTION)
        return compression_ratio(elements)


def _read(stream: BinaryIO, transfer_syntax_uid: str | None, longest: int) -> Header:
    elements = read_elements(stream, _WANTED, transfer_syntax_uid, longest=longest)
    header = _header(elements, tuple(map(_frame, frames_of(elements))))
    if elements.pixels is not None:
        require_whole(elements, elements.pixels, len(header.frames))
    return header


def _header(elements: Elements, frames: tuple[Frame, ...] = ()) -> Header:
    return Header(
        **{name: _uid(elements, name, tag) for name, tag in _IDENTITY.items()},
        transfer_syntax_uid=elements.transfer_syntax_uid,
        modality=elements.ascii(_MODALITY),
        image_type=_values((elements.ascii(FRAME_TYPE) or elements.ascii(_IMAGE_TYPE)).upper()),
        rows=elements.short(_ROWS) or 0,
        columns=elements.short(_COLUMNS) or 0,
        has_pixels=elements.pixels is not None and elements.pixels.length > 0,
        frame_of_reference_uid=elements.ascii(_FRAME_OF_REFERENCE),
        position_mm=cast(_Three, elements.numbers(_POSITION, 3)),
        orientation=cast(_Six, elements.numbers(_ORIENTATION, 6)),
        pixel_mm=cast(_Two, elements.numbers(_PIXEL_SPACING, 2)),
        slice_thickness_mm=elements.number(_SLICE_THICKNESS),
        instance_number=elements.integer(_INSTANCE_NUMBER),
        acquisition_number=elements.integer(_ACQUISITION_NUMBER),
        kernel=elements.text(_KERNEL),
        series_description=elements.text(_SERIES_DESCRIPTION),
        protocol_name=elements.text(_PROTOCOL),
        times_s=_times(elements),
        time_indices=_indices(elements),
        temporal_positions=elements.integer(_TEMPORAL_POSITIONS),
        images_in_acquisition=elements.integer(_IMAGES_IN_ACQUISITION),
        lossy=is_lossy(elements.transfer_syntax_uid, elements.ascii(_LOSSY)),
        frames=frames,
    )


def _frame(elements: Elements) -> Frame:
    """What is said of one frame, read as an image's header is."""
    image = _header(elements)
    return Frame(
        position_mm=image.position_mm,
        orientation=image.orientation,
        pixel_mm=image.pixel_mm,
        slice_thickness_mm=image.slice_thickness_mm,
        image_type=image.image_type,
        kernel=image.kernel,
        times_s=image.times_s,
        temporal_position=elements.unsigned_long(TEMPORAL_POSITION_INDEX),
        stack_id=elements.text(STACK_ID),
    )


def _uid(elements: Elements, name: str, tag: int) -> str:
    """A UID that can name a file; anything else in its place is a fault of the sender."""
    uid = elements.ascii(tag)
    if len(uid) > 64 or not _UID.fullmatch(uid):
        raise InstanceUnreadableError(f"the instance has no valid {name.replace('_', ' ')}")
    return uid


def _values(text: str) -> tuple[str, ...]:
    return tuple(value.strip() for value in text.split("\\")) if text else ()


def _times(elements: Elements) -> tuple[tuple[str, float], ...]:
    """Every clock of the image, the most trusted first (DICOM.md 1.1)."""
    clocks = (
        ("FrameReferenceDateTime", date_time_s(elements.ascii(FRAME_REFERENCE_DATE_TIME))),
        ("FrameAcquisitionDateTime", date_time_s(elements.ascii(FRAME_ACQUISITION_DATE_TIME))),
        ("AcquisitionDateTime", date_time_s(elements.ascii(_ACQUISITION_DATE_TIME))),
        (
            "AcquisitionTime",
            joined_s(elements.ascii(_ACQUISITION_DATE), elements.ascii(_ACQUISITION_TIME)),
        ),
        ("ContentTime", joined_s(elements.ascii(_CONTENT_DATE), elements.ascii(_CONTENT_TIME))),
        ("FrameReferenceTime", _from_milliseconds(elements, _FRAME_REFERENCE_TIME)),
        ("TriggerTime", _from_milliseconds(elements, _TRIGGER_TIME)),
        ("TemporalPositionTimeOffset", elements.double(TEMPORAL_POSITION_TIME_OFFSET)),
        ("MidScanTime", _within_a_day(elements, MID_SCAN_TIME)),
        ("DeltaStartTime", _within_a_day(elements, DELTA_START_TIME)),
    )
    return tuple((name, seconds) for name, seconds in clocks if seconds is not None)


def _indices(elements: Elements) -> tuple[tuple[str, int], ...]:
    """Every count of the time points (DICOM.md 1.1)."""
    indices = (
        ("TemporalPositionIdentifier", elements.integer(_TEMPORAL_POSITION)),
        ("VolumeNumber", elements.integer(VOLUME_NUMBER)),
    )
    return tuple((name, index) for name, index in indices if index is not None)


def _from_milliseconds(elements: Elements, tag: int) -> float | None:
    """A clock in ms as seconds; None where absent or longer than a day."""
    value = _within_a_day(elements, tag)
    return None if value is None else value / 1000


def _within_a_day(elements: Elements, tag: Tag) -> float | None:
    """A clock as it is written; None where absent or, if it is in ms, longer than a day."""
    value = elements.number(tag)
    return None if value is None or abs(value) > DAY_S * 1000 else value
