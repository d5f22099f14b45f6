"""A header that is walked straight says what pydicom reads in it, or is left to pydicom."""

import struct
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from node.errors import InstanceUnreadableError
from node.series import Header, read_header
from node.series.private import PRIVATE_TAGS
from node.series.walk import walk
from tests.support.ctp import CtpSpec, build_instance

PIXELS = b"\xe0\x7f\x10\x00"
SYNTAXES = {"explicit": ExplicitVRLittleEndian, "implicit": ImplicitVRLittleEndian}
GE = {0x00190010: ("LO", "GEMS_ACQU_01"), 0x00191024: ("DS", "12.5")}


def image(*, sequence: bool = False, private: bool = True) -> Dataset:
    dataset = build_instance(CtpSpec(rows=32), 1, 0)
    if private:
        for tag, (vr, value) in GE.items():
            dataset.add(DataElement(tag, vr, value))
    if sequence:
        item = Dataset()
        item.ReferencedSOPClassUID = item.ReferencedSOPInstanceUID = "1.2.3"
        dataset.ReferencedImageSequence = [item]
    return dataset


def encoded(dataset: Dataset, syntax: str) -> bytes:
    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, syntax == ImplicitVRLittleEndian
    write_dataset(file, dataset)
    return file.getvalue()


def read(data: bytes, syntax: str) -> Header | str:
    try:
        return read_header(data, syntax)
    except InstanceUnreadableError as fault:
        return str(fault)


def read_by_pydicom(data: bytes, syntax: str) -> Header | str:
    with patch("node.series.elements.walk", lambda *_args, **_options: None):
        return read(data, syntax)


def is_walked(data: bytes, syntax: str) -> bool:
    implicit = syntax == ImplicitVRLittleEndian
    tags = frozenset({0x00080018})
    return walk(data, implicit=implicit, tags=tags, noting=PRIVATE_TAGS) is not None


@pytest.mark.parametrize("syntax", SYNTAXES.values(), ids=SYNTAXES)
@pytest.mark.parametrize("sequence", [False, True], ids=["flat", "sequence"])
def test_an_ordinary_image_is_walked_and_reads_the_same(syntax: str, sequence: bool) -> None:
    """Private clocks, pixel data and sequences of a known length are no reason to ask pydicom."""
    data = encoded(image(sequence=sequence), syntax)
    assert is_walked(data, syntax)
    header = read(data, syntax)
    assert isinstance(header, Header)
    assert header == read_by_pydicom(data, syntax)
    assert dict(header.times_s)["MidScanTime"] == 12.5
    assert header.has_pixels


@pytest.mark.parametrize("syntax", SYNTAXES.values(), ids=SYNTAXES)
@pytest.mark.parametrize("kept", [0, 7, 100, 401, -1, -40, -3000])
def test_what_ends_early_is_left_to_pydicom(syntax: str, kept: int) -> None:
    """So a truncated instance is refused in the words it always was."""
    data = encoded(image(), syntax)[:kept]
    assert read(data, syntax) == read_by_pydicom(data, syntax)
    assert isinstance(read(data, syntax), str)


@pytest.mark.parametrize("syntax", SYNTAXES.values(), ids=SYNTAXES)
def test_an_item_without_a_length_is_left_to_pydicom(syntax: str) -> None:
    """Only the walk through its items says where it ends."""
    dataset = image(sequence=True)
    dataset["ReferencedImageSequence"].is_undefined_length = True
    data = encoded(dataset, syntax)
    assert not is_walked(data, syntax)
    assert isinstance(read(data, syntax), Header)


def test_vrs_that_are_written_where_none_should_be_are_left_to_pydicom() -> None:
    """Some senders announce implicit VRs and write them."""
    data = encoded(image(), ExplicitVRLittleEndian)
    assert not is_walked(data, ImplicitVRLittleEndian)
    assert isinstance(read(data, ImplicitVRLittleEndian), Header)


@pytest.mark.parametrize(
    "vr", [b"AT", b"CS", b"DS", b"FD", b"LO", b"OB", b"SQ", b"UN", b"US", b"ZZ"]
)
def test_a_wrong_vr_anywhere_reads_as_by_pydicom(vr: bytes) -> None:
    """Found by the fuzz of the wire: a character set of another VR can be read by nobody."""
    dataset = image(sequence=True)
    sound = encoded(dataset, ExplicitVRLittleEndian)
    for element in dataset:
        tag = int(element.tag)
        mark = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + element.VR.encode()
        at = sound.index(mark) + 4
        wrong = sound[:at] + vr + sound[at + 2 :]
        told = f"{element.keyword} as {vr!r}"
        syntax = ExplicitVRLittleEndian
        assert read(wrong, syntax) == read_by_pydicom(wrong, syntax), told


@settings(max_examples=200, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("syntax", SYNTAXES.values(), ids=SYNTAXES)
def test_damaged_headers_read_as_by_pydicom(syntax: str, data: st.DataObject) -> None:
    """Whatever a few wrong, missing or doubled bytes make of a header, both say the same."""
    sound = encoded(image(sequence=data.draw(st.booleans())), syntax)
    end = sound.index(PIXELS) + 12
    damaged = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, end))
        some = data.draw(st.binary(max_size=8))
        over = data.draw(st.sampled_from([0, len(some)]))
        damaged[at : at + over] = some
    assert read(bytes(damaged), syntax) == read_by_pydicom(bytes(damaged), syntax)
