"""Reading one instance: header, truncation, damage, identity for the results."""

import contextlib
import io
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import DataElement, Dataset, dcmread
from pydicom.config import IGNORE
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import dcmwrite, write_dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    MRImageStorage,
)

from node.errors import InstanceUnreadableError, SpoolError
from node.series import read_header, read_source
from tests.support.ctp import CtpSpec, build_instance, ctp_series, header_of
from tests.support.peers import require

SPEC = CtpSpec(rows=8)


def part10(dataset: Dataset) -> bytes:
    """The dataset as a Part 10 file."""
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def data_set_of(file: bytes) -> bytes:
    """The bare data set of a Part 10 file."""
    group_length = int.from_bytes(file[140:144], "little")
    return file[144 + group_length :]


def pixel_data_at(file: bytes) -> int:
    """Where the value of an uncompressed PixelData element begins."""
    return file.rindex(b"\xe0\x7f\x10\x00OW") + 12


WHOLE = part10(build_instance(SPEC, 3, 1))


def test_a_header_holds_what_the_data_set_says(tmp_path: Path) -> None:
    """Path, bytes and stream give the same header, value for value."""
    dataset = build_instance(SPEC, 3, 1)
    path = tmp_path / "a.dcm"
    path.write_bytes(WHOLE)
    wanted = header_of(dataset)
    assert read_header(path) == read_header(WHOLE) == read_header(io.BytesIO(WHOLE)) == wanted


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian],
    ids=lambda uid: uid.name,
)
def test_a_bare_data_set_is_read_in_its_transfer_syntax(syntax: str) -> None:
    """What a C-STORE carries is a data set alone; the caller names its syntax."""
    dataset = build_instance(SPEC, 3, 1)
    dataset.file_meta.TransferSyntaxUID = syntax
    file = part10(dataset)
    header = read_header(data_set_of(file), syntax)
    assert header == read_header(file)
    assert header.transfer_syntax_uid == syntax
    assert header.has_pixels


def test_a_big_endian_file_is_read(tmp_path: Path) -> None:
    """Explicit VR Big Endian is retired, but archives still hold it."""
    dcmconv = require("dcmconv", package="dcmtk")
    (tmp_path / "little").write_bytes(WHOLE)
    subprocess.run([dcmconv, "+tb", tmp_path / "little", tmp_path / "big"], check=True)
    header = read_header(tmp_path / "big")
    assert header.transfer_syntax_uid == ExplicitVRBigEndian
    assert (header.rows, header.columns, header.instance_number) == (8, 8, 14)


def test_values_that_are_wrong_are_absent() -> None:
    """A bad DS, IS or TM is None and never a fault: the image itself may be good."""
    file = WHOLE.replace(b"20260314", b"2026XX14").replace(b"6.25\\6.25", b"6.25\\wide")
    header = read_header(file.replace(b"STANDARD", b"STAND\xe9RD"))
    assert header.pixel_mm is None
    assert dict(header.times_s)["AcquisitionTime"] < 86_400
    assert header.kernel == "STANDéRD"


@pytest.mark.parametrize(
    ("charset", "words"),
    [("ISO_IR 192", "관류 CT"), ("GB18030", "灌注"), (("", "ISO 2022 IR 87"), "灌流 CT")],
)
def test_the_description_is_read_in_its_character_set(
    charset: str | tuple[str, ...], words: str
) -> None:
    """Text is decoded after SpecificCharacterSet."""
    spec = CtpSpec(rows=8, charset=charset, series_description=words)
    assert read_header(part10(build_instance(spec, 0, 0))).series_description == words


@pytest.mark.parametrize(
    "keyword", ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"]
)
@pytest.mark.parametrize("value", [None, "", "../../etc/passwd", "1.2." + "3" * 70])
def test_an_instance_without_valid_identification_is_unreadable(
    keyword: str, value: str | None
) -> None:
    """UIDs name files and rows: one that is absent or no UID is not accepted."""
    dataset = build_instance(SPEC, 0, 0)
    if value is None:
        delattr(dataset, keyword)
    else:
        tag = dataset[keyword].tag
        dataset[tag] = DataElement(tag, "UI", value, validation_mode=IGNORE)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, dataset)
    with pytest.raises(InstanceUnreadableError, match="no valid"):
        read_header(buffer.getvalue(), ExplicitVRLittleEndian)


@pytest.mark.parametrize("data", [b"", b"no DICOM at all", b"\0" * 4096, WHOLE[132:]])
def test_what_is_no_dicom_is_unreadable(data: bytes) -> None:
    """Bytes without the DICM prefix are no Part 10 file."""
    with pytest.raises(InstanceUnreadableError):
        read_header(data)


def test_a_file_that_is_gone_is_a_fault_of_the_disk(tmp_path: Path) -> None:
    """A missing file is the spool's fault, which may be tried again, not the sender's."""
    with pytest.raises(SpoolError):
        read_header(tmp_path / "gone.dcm")


@given(st.integers(min_value=0, max_value=len(WHOLE) - 1))
@settings(max_examples=200, deadline=None)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_file_cut_anywhere_is_unreadable(length: int) -> None:
    """Truncation is found at every byte, in the header, in the pixel data and between the two.

    At the border of two elements the rest is a valid data set without pixels.
    """
    try:
        header = read_header(WHOLE[:length])
    except InstanceUnreadableError:
        return
    assert not header.has_pixels
    assert length < pixel_data_at(WHOLE)


@pytest.mark.parametrize("syntax", [JPEGLSLossless], ids=lambda uid: uid.name)
def test_encapsulated_pixels_that_end_early_are_unreadable(syntax: str) -> None:
    """Fragments must lead to the sequence delimiter."""
    dataset = build_instance(SPEC, 3, 1)
    dataset.compress(syntax, generate_instance_uid=False)
    file = part10(dataset)
    assert read_header(file).has_pixels
    for length in (len(file) - 1, len(file) - 8, len(file) - 20):
        with pytest.raises(InstanceUnreadableError, match="truncated"):
            read_header(file[:length])


def test_pixel_data_shorter_than_its_matrix_is_unreadable() -> None:
    """Rows x Columns x bits says how much there must be, whatever the element's length."""
    dataset = build_instance(SPEC, 3, 1)
    dataset.PixelData = dataset.PixelData[:-2]
    with pytest.raises(InstanceUnreadableError, match="truncated"):
        read_header(part10(dataset))


def test_an_object_without_pixel_data_is_read() -> None:
    """An object without pixels is no fault: the series it is in decides."""
    dataset = build_instance(SPEC, 3, 1)
    del dataset.PixelData
    assert not read_header(part10(dataset)).has_pixels


def test_a_deflated_bomb_is_stopped() -> None:
    """A small stream that inflates without end is not followed."""
    dataset = build_instance(CtpSpec(rows=64, noise_hu=0), 3, 1)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    with pytest.raises(InstanceUnreadableError, match="inflates"):
        read_header(part10(dataset), longest=1000)


@given(
    st.lists(
        st.tuples(st.integers(132, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=5
    )
)
@settings(max_examples=300, deadline=None)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_bytes_give_a_header_or_a_fault(damage: list[tuple[int, int]]) -> None:
    """Whatever byte is damaged, nothing but InstanceUnreadableError comes out."""
    file = bytearray(WHOLE)
    for at, value in damage:
        file[at] = value
    with contextlib.suppress(InstanceUnreadableError):
        assert read_header(bytes(file)).sop_instance_uid


def test_another_modality_is_read_like_any_other() -> None:
    """The header says what it is; whether it is wanted is decided elsewhere."""
    dataset = build_instance(SPEC, 0, 0)
    dataset.SOPClassUID, dataset.Modality = MRImageStorage, "MR"
    header = read_header(part10(dataset))
    assert (header.sop_class_uid, header.modality) == (MRImageStorage, "MR")


def test_the_source_is_the_first_instance_without_pixels(tmp_path: Path) -> None:
    """Identity and context of the results come from the first instance in use."""
    spec = CtpSpec(rows=8, patient_name="Yamada^Tarou=山田^太郎", charset=("", "ISO 2022 IR 87"))
    series = ctp_series(spec, tmp_path)
    source = read_source(series)
    assert "PixelData" not in source
    assert source.PatientName == dcmread(series.instances[0].path).PatientName
    assert str(source.PatientName) == spec.patient_name


def test_a_source_that_is_gone_or_damaged_is_a_fault(tmp_path: Path) -> None:
    """A spool that lost or damaged the file is a fault, never a crash."""
    series = ctp_series(SPEC, tmp_path)
    first = series.instances[0].path
    first.write_bytes(b"nothing")
    with pytest.raises(InstanceUnreadableError):
        read_source(series)
    first.unlink()
    with pytest.raises(SpoolError):
        read_source(series)
