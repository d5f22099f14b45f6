"""The same scan in the layouts that scanners and archives make of it."""

import math
import random
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from pydicom import Dataset
from pydicom.uid import ImplicitVRLittleEndian, generate_uid

from tests.support.ctp_spec import CtpSpec
from tests.support.enhanced import enhanced, legacy_converted

_PREFIX = "1.2.826.0.1.3680043.10.1137."
_CLOCKS = ("AcquisitionDate", "AcquisitionTime", "ContentDate", "ContentTime")
DELTA_START = (0x43, "GEMS_PARM_01", 0x1E)
MID_SCAN = (0x19, "GEMS_ACQU_01", 0x24)
SPEC = CtpSpec(slices=6, frames=14, rows=48, interval_s=3.0, pixel_mm=4.0)

Write = Callable[[Sequence[Dataset]], list[Dataset]]


@dataclass(frozen=True)
class Layout:
    """One way in which a scan arrives.

    Parameters
    ----------
    write
        Makes it of the plain images: one series, time by time.
    spec
        What the plain images show.
    outcome
        What becomes of it, as docs/input.md says; a refusal has its code.
    time_s
        The time of each image by time point and slice, where it is not the spec's.
    frames, missing
        Time points and missing images of the scan that comes out.
    scans
        How many scans there are in it.
    slabs
        Into how many of them, by the slices, the scan comes apart.
    padded
        Whether the corner of each image is padding.
    index_interval_s
        What the settings say of the time between time points.
    """

    write: Write
    spec: CtpSpec = SPEC
    outcome: str = "the same scan"
    time_s: Callable[[int, int], float] | None = None
    frames: int = SPEC.frames
    missing: int = 0
    scans: int = 1
    slabs: int = 1
    padded: bool = False
    index_interval_s: float | None = None


def series_per_time_point(images: Sequence[Dataset]) -> list[Dataset]:
    """Copies of the images with a series UID, number and description for each time point."""
    made = []
    for image in images:
        copy = deepcopy(image)
        number = int(image.AcquisitionNumber)
        copy.SeriesInstanceUID = _uid("time point", image.SeriesInstanceUID, number)
        copy.SeriesNumber = 100 + number
        copy.SeriesDescription = f"{image.SeriesDescription} volume {number}"
        made.append(copy)
    return made


def series_per_slab(images: Sequence[Dataset]) -> list[Dataset]:
    """Copies of axial images, the upper half of the slices as a series of its own."""
    places = sorted({float(image.ImagePositionPatient[2]) for image in images})
    made = []
    for image in images:
        copy = deepcopy(image)
        slab = 2 * places.index(float(image.ImagePositionPatient[2])) // len(places) + 1
        copy.SeriesInstanceUID = _uid("slab", image.SeriesInstanceUID, slab)
        copy.SeriesDescription = f"{image.SeriesDescription} slab {slab}"
        made.append(copy)
    return made


def series_per_time_point_and_slab(images: Sequence[Dataset]) -> list[Dataset]:
    """A series for each table position every time it is imaged."""
    return series_per_slab(series_per_time_point(images))


def _one_after_the_other(images: Sequence[Dataset]) -> list[Dataset]:
    """The upper half of the slices imaged when the lower is done, with contrast given again."""
    places = sorted({float(image.ImagePositionPatient[2]) for image in images})
    for image in images:
        if places.index(float(image.ImagePositionPatient[2])) >= len(places) // 2:
            later = _taken(image) + timedelta(minutes=3)
            image.AcquisitionTime = image.ContentTime = f"{later:%H%M%S.%f}"
    return list(images)


def _uid(*what: object) -> str:
    return str(generate_uid(_PREFIX, [str(part) for part in what]))


def _each(change: Callable[[int, Dataset], None]) -> Write:
    """A layout that differs in some attributes of each image, given its number from 0."""

    def write(images: Sequence[Dataset]) -> list[Dataset]:
        for number, image in enumerate(images):
            change(number, image)
        return list(images)

    return write


def _with(**values: object) -> Callable[[int, Dataset], None]:
    def change(_: int, image: Dataset) -> None:
        for keyword, value in values.items():
            setattr(image, keyword, value)

    return change


def _numbered(number: Callable[[int], int | None]) -> Write:
    return _each(lambda i, image: setattr(image, "InstanceNumber", number(i)))


def _taken(image: Dataset) -> datetime:
    return datetime.strptime(image.AcquisitionDate + image.AcquisitionTime, "%Y%m%d%H%M%S.%f")


def _clocked(change: Callable[[Dataset, datetime], None]) -> Write:
    """A layout whose images carry no clock but those that ``change`` sets."""

    def one(_: int, image: Dataset) -> None:
        taken = _taken(image)
        for keyword in _CLOCKS:
            delattr(image, keyword)
        change(image, taken)

    return _each(one)


def _only(keyword: str, form: str, **constant: str) -> Write:
    def change(image: Dataset, taken: datetime) -> None:
        _with(**constant)(0, image)
        setattr(image, keyword, f"{taken:{form}}")

    return _clocked(change)


def _milliseconds(keyword: str) -> Write:
    def change(image: Dataset, taken: datetime) -> None:
        setattr(image, keyword, round((taken - SPEC.start).total_seconds() * 1000, 3))

    return _clocked(change)


def _private(group: int, creator: str, element: int, per_s: float) -> Write:
    """A layout whose only clock is private, and stands behind another creator's block."""

    def change(image: Dataset, taken: datetime) -> None:
        image.private_block(group, "ANOTHER CREATOR", create=True).add_new(element, "DS", "1")
        ticks = (taken - SPEC.start).total_seconds() * per_s
        block = image.private_block(group, creator, create=True)
        block.add_new(element, "DS", f"{ticks:.6g}")

    return _clocked(change)


def _implicit(images: Sequence[Dataset]) -> list[Dataset]:
    for image in images:
        image.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    return _private(*DELTA_START, 1000.0)(images)


def _at(time_s: Callable[[int, int], float]) -> Write:
    """A layout whose images were taken at other times, by time point and slice."""

    def one(number: int, image: Dataset) -> None:
        taken = SPEC.start + timedelta(seconds=time_s(*divmod(number, SPEC.slices)))
        image.AcquisitionDate = image.ContentDate = f"{taken:%Y%m%d}"
        image.AcquisitionTime = image.ContentTime = f"{taken:%H%M%S.%f}"

    return _each(one)


def _spiral(frame: int, z: int) -> float:
    """A table that swings up and down: odd passes see the slices in the other order."""
    place = z if frame % 2 == 0 else SPEC.slices - 1 - z
    return frame * 3.0 + place * 0.4


def _irregular(frame: int, z: int) -> float:
    """Dense while contrast passes, sparse afterwards, as wide detectors do."""
    del z
    return frame * 2.0 if frame < 9 else 16.0 + (frame - 8) * 4.5


def _shuffled(images: Sequence[Dataset]) -> list[Dataset]:
    return random.Random(7).sample(list(images), len(images))


def _twice(images: Sequence[Dataset]) -> list[Dataset]:
    return [*images, *deepcopy(list(images[10:14]))]


def _drawn_on(images: Sequence[Dataset]) -> list[Dataset]:
    copy = deepcopy(images[8])
    copy.SOPInstanceUID = copy.file_meta.MediaStorageSOPInstanceUID = _uid("drawn")
    copy.InstanceNumber = 999
    return [*images, copy]


def _with_strangers(images: Sequence[Dataset]) -> list[Dataset]:
    """A topogram, a dose report and a derived image in the same series."""
    strangers = deepcopy(list(images[:3]))
    for number, image in enumerate(strangers):
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = _uid("x", number)
    topogram, report, derived = strangers
    topogram.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    derived.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    report.file_meta.MediaStorageSOPClassUID = report.SOPClassUID
    return [*strangers, *images]


def _scaled(number: int, image: Dataset) -> None:
    """Another slope and intercept in each image, the same attenuation."""
    if number % 2:
        stored = np.frombuffer(image.PixelData, "<u2")
        image.PixelData = (stored * 2).astype("<u2").tobytes()
        image.RescaleSlope, image.BitsStored, image.HighBit = 0.5, 16, 15


def _padded(_: int, image: Dataset) -> None:
    """The corner outside the field of view at a value that stands for no tissue."""
    stored = np.frombuffer(image.PixelData, "<i2").reshape(image.Rows, image.Columns).copy()
    stored[:2, :2] = -2000
    image.PixelRepresentation, image.BitsStored, image.HighBit = 1, 16, 15
    image.add_new("PixelPaddingValue", "SS", -2000)
    image.PixelData = stored.tobytes()


def _two_runs(images: Sequence[Dataset]) -> list[Dataset]:
    """The same scan again ten minutes later, time points as series both times."""
    again = deepcopy(list(images))
    for image in again:
        later = _taken(image) + timedelta(minutes=10)
        image.AcquisitionTime = image.ContentTime = f"{later:%H%M%S.%f}"
        image.SOPInstanceUID = _uid("again", image.SOPInstanceUID)
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.SeriesInstanceUID = _uid("again", image.SeriesInstanceUID)
    return [*series_per_time_point(images), *series_per_time_point(again)]


def _per_time_point(images: Sequence[Dataset]) -> list[Dataset]:
    step = SPEC.slices
    return [enhanced(images[n : n + step]) for n in range(0, len(images), step)]


def _without(*gone: int) -> Write:
    return lambda images: [image for n, image in enumerate(images) if n not in gone]


_counted = _clocked(
    lambda image, _: setattr(image, "TemporalPositionIdentifier", image.AcquisitionNumber)
)
_numbered_by_canon = _clocked(
    lambda image, _: image.private_block(0x7005, "TOSHIBA_MEC_CT3", create=True).add_new(
        0x1F, "LO", str(image.AcquisitionNumber)
    )
)
_COUNTED = "the same scan, flagged index_clock"
_MIDNIGHT = replace(SPEC, start=datetime(2026, 3, 14, 23, 59, 45))
_WHOLE = replace(SPEC, start=datetime(2026, 3, 14, 9, 26, 53))
_SLOPE = math.sqrt(0.5)

LAYOUTS: dict[str, Layout] = {
    "one series, time by time": Layout(list),
    "one series, slice by slice": Layout(list, replace(SPEC, slice_major=True)),
    "files in any order": Layout(_shuffled),
    "instance numbers restart at each time point": Layout(_numbered(lambda i: i % 6 + 1)),
    "instance numbers all alike": Layout(_numbered(lambda _: 1)),
    "instance numbers at random": Layout(_numbered(lambda i: i * 7919 % 84)),
    "no instance numbers": Layout(_numbered(lambda _: None)),
    "images stored twice": Layout(_twice, outcome="the same scan; the copies are left out"),
    "an image drawn on and stored again": Layout(
        _drawn_on, outcome="the same scan; the drawing is left out"
    ),
    "AcquisitionDateTime": Layout(_only("AcquisitionDateTime", "%Y%m%d%H%M%S.%f")),
    "AcquisitionDateTime with a zone": Layout(_only("AcquisitionDateTime", "%Y%m%d%H%M%S.%f+0100")),
    "AcquisitionTime without a date": Layout(_only("AcquisitionTime", "%H%M%S.%f")),
    "AcquisitionTime at a standstill, ContentTime moves": Layout(
        _only("ContentTime", "%H%M%S.%f", AcquisitionTime="092653", ContentDate="20260314")
    ),
    "FrameReferenceTime": Layout(_milliseconds("FrameReferenceTime")),
    "TriggerTime": Layout(_milliseconds("TriggerTime")),
    "a clock of whole seconds": Layout(
        _only("AcquisitionTime", "%H%M%S", AcquisitionDate="20260314"), _WHOLE
    ),
    "midnight, the date turns": Layout(list, _MIDNIGHT),
    "midnight, the date stands still": Layout(
        _each(_with(AcquisitionDate="20260314", ContentDate="20260314")), _MIDNIGHT
    ),
    "midnight, no date": Layout(_only("AcquisitionTime", "%H%M%S.%f"), _MIDNIGHT),
    "no clock but TemporalPositionIdentifier": Layout(_counted, outcome="refused, no_time"),
    "TemporalPositionIdentifier, index_interval_s set": Layout(
        _counted, outcome=_COUNTED, index_interval_s=3.0
    ),
    "Canon's volume number, index_interval_s set": Layout(
        _numbered_by_canon, outcome=_COUNTED, index_interval_s=3.0
    ),
    "Enhanced CT without a clock, index_interval_s set": Layout(
        lambda images: [enhanced(images, clock="")], outcome=_COUNTED, index_interval_s=3.0
    ),
    "no clock but GE's DeltaStartTime, in milliseconds": Layout(_private(*DELTA_START, 1000.0)),
    "no clock but GE's DeltaStartTime, in seconds": Layout(_private(*DELTA_START, 1.0)),
    "no clock but GE's DeltaStartTime, implicit VR": Layout(_implicit),
    "no clock but GE's DeltaStartTime, in no known unit": Layout(
        _private(*DELTA_START, 10.0), outcome="refused, no_time"
    ),
    "no clock but GE's MidScanTime": Layout(_private(*MID_SCAN, 1.0)),
    "shuttle of two slabs": Layout(list, replace(SPEC, slab_offset_s=1.5)),
    "shuttle of two slabs, each a series": Layout(
        series_per_slab, replace(SPEC, slab_offset_s=1.5)
    ),
    "shuttle of two slabs, a series for each of them every time": Layout(
        series_per_time_point_and_slab, replace(SPEC, slab_offset_s=1.5)
    ),
    "shuttle of two slabs, each a series, midnight between them, no date": Layout(
        lambda images: series_per_slab(_only("AcquisitionTime", "%H%M%S.%f")(images)),
        replace(SPEC, slab_offset_s=1.5, start=datetime(2026, 3, 14, 23, 59, 59)),
    ),
    "two slabs scanned one after the other, each a series": Layout(
        lambda images: series_per_slab(_one_after_the_other(images)),
        outcome="the same slabs, two scans",
        scans=2,
        slabs=2,
    ),
    "two slabs scanned one after the other, each a series, contrast during one": Layout(
        series_per_slab,
        replace(SPEC, slab_offset_s=60.0),
        outcome="the same slabs, two scans; the one without contrast is refused, no_bolus",
        scans=2,
        slabs=2,
    ),
    "two slabs scanned one after the other, one series": Layout(
        _one_after_the_other, outcome="refused, slabs_apart"
    ),
    "adaptive spiral": Layout(_at(_spiral), time_s=_spiral),
    "irregular sampling": Layout(_at(_irregular), time_s=_irregular),
    "overlapping slices": Layout(_each(_with(SliceThickness=10.0))),
    "gaps between slices": Layout(_each(_with(SliceThickness=2.5))),
    "oblique": Layout(list, replace(SPEC, orientation=(_SLOPE, _SLOPE, 0, -0.5, 0.5, _SLOPE))),
    "gantry tilted": Layout(list, replace(SPEC, orientation=(1, 0, 0, 0, 0.96, -0.28))),
    "from the feet to the head": Layout(list, replace(SPEC, orientation=(1, 0, 0, 0, -1, 0))),
    "slope and intercept per image": Layout(_each(_scaled)),
    "padding": Layout(_each(_padded), outcome="the same scan; padding is air", padded=True),
    "a missing image": Layout(
        _without(27), outcome="the same scan; the image is interpolated in time", missing=1
    ),
    "a fifth of the images missing": Layout(
        _without(*range(1, 84, 5)), outcome="refused, incomplete"
    ),
    "an incomplete last volume": Layout(
        _without(82, 83), outcome="the same scan without that volume", frames=13
    ),
    "cut off at 18 s": Layout(_without(*range(42, 84)), outcome="refused, too_few_frames"),
    "topogram, dose report and derived image among them": Layout(
        _with_strangers, outcome="the same scan; they are left out"
    ),
    "all images derived": Layout(
        _each(_with(ImageType=["DERIVED", "SECONDARY", "AXIAL"])), outcome="refused, derived"
    ),
    "one series a time point": Layout(series_per_time_point),
    "two runs, one series a time point": Layout(_two_runs, outcome="the same scan, twice", scans=2),
    "Enhanced CT, one object": Layout(lambda images: [enhanced(images)]),
    "Enhanced CT, one object a time point": Layout(_per_time_point),
    "Enhanced CT, seconds only": Layout(
        lambda images: [enhanced(images, clock="TemporalPositionTimeOffset")]
    ),
    "Legacy Converted Enhanced CT": Layout(
        lambda images: [legacy_converted(images, _uid("legacy"))]
    ),
}
"""Every layout by its name in docs/input.md."""
