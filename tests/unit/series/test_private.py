"""Private elements: found by their creator, and read for the time where nothing else tells it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from node.perfusion import Grade, raised
from node.refusals import Refusal, RefusalCode
from node.series import (
    CtpSeries,
    Eligibility,
    Header,
    Instance,
    read_header,
    recognise,
    source_checks,
)
from tests.support.ctp import CtpSpec, build_instance, build_series, header_of
from tests.support.enhanced import enhanced
from tests.support.layouts import DELTA_START, MID_SCAN

SPEC = CtpSpec(slices=2, rows=8)


def read(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> Header:
    """The header of a data set as it is encoded, its pixels left out."""
    stream = DicomBytesIO()
    stream.is_little_endian = syntax != ExplicitVRBigEndian
    stream.is_implicit_VR = syntax == ImplicitVRLittleEndian
    shown = Dataset({e.tag: e for e in dataset if e.tag != 0x7FE00010})
    write_dataset(stream, shown)
    return read_header(stream.getvalue(), syntax)


def clocked(clocks: dict[str, float]) -> CtpSeries | Refusal:
    """The scan whose clocks tell the seconds since its start, each times a number."""

    def readings(header: Header) -> tuple[tuple[str, float], ...]:
        since_s = dict(header.times_s)["AcquisitionTime"] - START_S
        return tuple((name, (since_s + 40.0) * per_s) for name, per_s in clocks.items())

    return recognise([Instance(replace(h, times_s=readings(h)), Path("/x")) for h in HEADERS])


HEADERS = [header_of(dataset) for dataset in build_series(SPEC)]
START_S = dict(HEADERS[0].times_s)["AcquisitionTime"]


@pytest.mark.parametrize(
    "syntax",
    [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian],
    ids=lambda uid: uid.name,
)
@pytest.mark.parametrize("vr", ["DS", "UN"])
@pytest.mark.parametrize("block", [0x10, 0x11, 0xFF])
@pytest.mark.parametrize(
    ("name", "place"), [("DeltaStartTime", DELTA_START), ("MidScanTime", MID_SCAN)]
)
def test_a_private_element_is_found_by_its_creator(
    name: str, place: tuple[int, str, int], block: int, vr: str, syntax: str
) -> None:
    """Whatever its block, its VR and the transfer syntax."""
    group, creator, element = place
    dataset = build_instance(SPEC, 0, 0)
    value = "12.5" if vr == "DS" else b"12.5"
    dataset.add_new((group, block), "LO", creator)
    dataset.add_new((group, block << 8 | element), vr, value)
    assert dict(read(dataset, syntax).times_s)[name] == 12.5


@pytest.mark.parametrize("creator", ["GEMS_PARM_02", "", None])
def test_the_element_of_another_creator_is_not_read(creator: str | None) -> None:
    """The same tag means something else under another name."""
    dataset = build_instance(SPEC, 0, 0)
    if creator is not None:
        dataset.add_new((0x43, 0x10), "LO", creator)
    dataset.add_new((0x43, 0x101E), "DS", "12.5")
    assert "DeltaStartTime" not in dict(read(dataset).times_s)


@pytest.mark.parametrize("value", ["Doe^Jane", "1\\2", "1e300", "nan", ""])
def test_only_a_number_is_kept_of_a_private_element(value: str) -> None:
    """Whatever a sender writes there, text never gets into a header."""
    dataset = build_instance(SPEC, 0, 0)
    without = read(build_instance(SPEC, 0, 0))
    block = dataset.private_block(0x43, "GEMS_PARM_01", create=True)
    block.add_new(0x1E, "UN", value.encode())
    block.add_new(0x1F, "LO", "Doe^Jane")
    assert read(dataset) == without


def test_frames_of_a_converted_object_have_private_clocks_of_their_own() -> None:
    """What a conversion could not assign it left in the frame's own group."""
    made = enhanced(build_series(SPEC)[:3])
    for number, frame in enumerate(made.PerFrameFunctionalGroupsSequence):
        item = Dataset()
        item.private_block(0x43, "GEMS_PARM_01", create=True).add_new(0x1E, "DS", str(number))
        frame.UnassignedPerFrameConvertedAttributesSequence = [item]
    found = [dict(frame.times_s)["DeltaStartTime"] for frame in read(made).frames]
    assert found == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("clocks", "source", "note"),
    [
        ({"DeltaStartTime": 1.0}, "DeltaStartTime", "in seconds"),
        ({"DeltaStartTime": 1000.0}, "DeltaStartTime", "in milliseconds"),
        ({"MidScanTime": 1.0}, "MidScanTime", "in seconds"),
        ({"MidScanTime": 1.0, "DeltaStartTime": 1000.0}, "MidScanTime", "in seconds"),
        ({"MidScanTime": 0.0, "DeltaStartTime": 1000.0}, "DeltaStartTime", "in milliseconds"),
        ({"TriggerTime": 1.0, "DeltaStartTime": 2.0}, "TriggerTime", ""),
    ],
)
def test_a_private_clock_is_read_in_the_unit_of_a_perfusion_scan(
    clocks: dict[str, float], source: str, note: str
) -> None:
    """Standard clocks come first, GE's seconds next; the note says what was taken."""
    series = clocked(clocks)
    assert isinstance(series, CtpSeries), series
    assert series.time_source == source
    assert series.time_s[:, 0] == pytest.approx(np.arange(SPEC.frames) * SPEC.interval_s)
    told = [text for text in series.notes if "private" in text]
    assert [source in text and text.endswith(note) for text in told] == [True] * bool(note)


@pytest.mark.parametrize("per_s", [0.0, 1e-3, 30.0, 10_000.0])
@pytest.mark.parametrize("name", ["DeltaStartTime", "MidScanTime"])
def test_a_private_clock_that_fits_no_unit_is_not_read(name: str, per_s: float) -> None:
    """Better no maps than maps of guessed seconds."""
    refusal = clocked({name: per_s})
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.NO_TIME


def test_a_count_is_no_clock_unless_the_settings_give_it_seconds() -> None:
    """Refused by default, naming the count and the setting; else analysed with a note."""
    images = [
        Instance(replace(h, times_s=(), time_indices=(("VolumeNumber", i // 2 * 2),)), Path("/x"))
        for i, h in enumerate(HEADERS)
    ]
    refusal = recognise(images)
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.NO_TIME
    assert "VolumeNumber counts the time points" in refusal.found
    assert "analysis.index_interval_s" in refusal.remedy
    series = recognise(images, Eligibility(index_interval_s=1.5))
    assert isinstance(series, CtpSeries)
    assert series.time_s[:, 0] == pytest.approx(np.arange(SPEC.frames) * 3.0)
    assert "VolumeNumber was counted, 1.5 s a step" in " ".join(series.notes)
    [flag] = raised(source_checks(series))
    assert (flag.code, flag.grade) == ("index_clock", Grade.CAUTION)
    assert "every 3 s" in flag.found


def test_a_count_changes_nothing_where_there_is_a_clock() -> None:
    """The setting is for images that have none."""
    images = [
        Instance(replace(h, time_indices=(("VolumeNumber", i // 2),)), Path("/x"))
        for i, h in enumerate(HEADERS)
    ]
    series = recognise(images, Eligibility(index_interval_s=1.5))
    assert isinstance(series, CtpSeries)
    assert series.time_source == "AcquisitionTime"
    assert raised(source_checks(series)) == ()


@pytest.mark.parametrize("value", ["7", " 7 ", "Doe^Jane"])
def test_canon_s_volume_number_is_kept_as_a_number_only(value: str) -> None:
    """It is text (LO) in the data set."""
    dataset = build_instance(SPEC, 0, 0)
    dataset.private_block(0x7005, "TOSHIBA_MEC_CT3", create=True).add_new(0x1F, "LO", value)
    found = read(dataset).time_indices
    assert found == ((("VolumeNumber", 7),) if "7" in value else ())


def test_a_private_clock_comes_before_a_standard_one_that_ties() -> None:
    """A clock that ticks every ten seconds does not separate the time points."""
    images = [
        Instance(
            replace(
                h,
                times_s=(
                    ("AcquisitionTime", dict(h.times_s)["AcquisitionTime"] // 10 * 10),
                    ("DeltaStartTime", (dict(h.times_s)["AcquisitionTime"] - START_S) * 1000),
                ),
            ),
            Path("/x"),
        )
        for h in HEADERS
    ]
    series = recognise(images)
    assert isinstance(series, CtpSeries)
    assert series.time_source == "DeltaStartTime"
    assert series.time_s[:, 0] == pytest.approx(np.arange(SPEC.frames) * SPEC.interval_s)
