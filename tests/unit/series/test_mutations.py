"""What fuzzing found, each at its smallest: the room says what is wrong, and survives."""

import io
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, RLELossless

from node.errors import InstanceUnreadableError
from node.refusals import Refusal, RefusalCode
from node.series import Instance, read_header, read_hu, read_source, recognise
from tests.fuzz.harness import little_memory
from tests.support.ctp import CtpSpec, build_instance, build_series, ctp_series, header_of
from tests.support.enhanced import enhanced
from tests.support.syntaxes import SYNTAXES

SPEC = CtpSpec(rows=32)


def written(dataset: Dataset, path: Path) -> Path:
    dcmwrite(path, dataset, enforce_file_format=True)
    return path


def image(**changed: object) -> Dataset:
    """A sound image but for these attributes; None leaves one out."""
    dataset = build_instance(SPEC, 3, 1)
    for keyword, value in changed.items():
        delattr(dataset, keyword) if value is None else setattr(dataset, keyword, value)
    return dataset


def compressed(syntax: str, **changed: object) -> Dataset:
    """A sound image, compressed, but for these attributes."""
    dataset = image()
    dataset.compress(syntax, generate_instance_uid=False)
    for keyword, value in changed.items():
        setattr(dataset, keyword, value)
    return dataset


def before_pixels(element: bytes) -> bytes:
    """A sound file with an element more in front of its pixel data."""
    buffer = io.BytesIO()
    dcmwrite(buffer, image(), enforce_file_format=True)
    head, mark, pixels = buffer.getvalue().rpartition(b"\xe0\x7f\x10\x00OW")
    return head + element + mark + pixels


def test_a_sequence_that_ends_too_soon_is_the_senders_fault(tmp_path: Path) -> None:
    """The parser has OSError for it; it is no fault of the disk, which would be tried again."""
    file = before_pixels(struct.pack("<HH2sHL", 0x5200, 0x9230, b"SQ", 0, 3) + b"\xfe\xff\x00")
    path = tmp_path / "a.dcm"
    path.write_bytes(file)
    for source in (file, path):
        with pytest.raises(InstanceUnreadableError, match="not a DICOM data set"):
            read_header(source)


def test_a_length_beyond_the_file_reserves_no_memory(tmp_path: Path) -> None:
    """A few bytes that claim to be 2 GiB are read as the few bytes that they are."""
    path = tmp_path / "a.dcm"
    path.write_bytes(
        before_pixels(struct.pack("<HH2sHL", 0x5200, 0x9230, b"UN", 0, 0x7FFFFFF0) + b"1234")
    )
    with little_memory(), pytest.raises(InstanceUnreadableError, match="truncated"):
        read_header(path)


@pytest.mark.parametrize(
    "made",
    [
        lambda: compressed(RLELossless, Rows=65535, Columns=65535),
        lambda: compressed(JPEG2000Lossless, Rows=2048, Columns=2048),
        lambda: image(Rows=65535, Columns=65535, BitsAllocated=None),
        lambda: described_frames(60),
    ],
    ids=["RLE", "JPEG 2000", "no BitsAllocated", "frames described"],
)
def test_an_image_that_its_bytes_cannot_hold_is_not_let_in(
    made: Callable[[], Dataset], tmp_path: Path
) -> None:
    """Whatever matrix or frames a header makes up, no memory is reserved for them."""
    with pytest.raises(InstanceUnreadableError, match=r"cannot hold|truncated"):
        read_header(written(made(), tmp_path / "a.dcm"))


def described_frames(frames: int) -> Dataset:
    """An Enhanced CT with pixels for one frame, and functional groups for many."""
    whole = enhanced(build_series(CtpSpec(rows=8, slices=1, frames=frames)))
    whole.NumberOfFrames = 1
    whole.PixelData = whole.PixelData[:128]
    return whole


def test_a_slice_without_content_is_let_in(tmp_path: Path) -> None:
    """Air, or nothing at all, is a hundred bytes in JPEG 2000, and no lie."""
    dataset = image(Rows=1024, Columns=1024, PixelData=bytes(2 << 20))
    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    path = written(dataset, tmp_path / "a.dcm")
    assert read_header(path).has_pixels
    np.testing.assert_array_equal(read_hu(path), np.full((1024, 1024), -1024))


@pytest.mark.parametrize("fragment", [b"", b"\0"])
def test_a_stream_of_nothing_is_unreadable(fragment: bytes, tmp_path: Path) -> None:
    """An empty fragment is no image, in any transfer syntax."""
    dataset = compressed(RLELossless, PixelData=encapsulate([b"ab"]))
    path = written(dataset, tmp_path / "a.dcm")
    item = b"\xfe\xff\x00\xe0" + struct.pack("<L", 2) + b"ab"
    shorter = b"\xfe\xff\x00\xe0" + struct.pack("<L", len(fragment)) + fragment
    path.write_bytes(path.read_bytes().replace(item, shorter))
    with pytest.raises(InstanceUnreadableError, match="no image"):
        read_hu(path)


def test_a_jpeg_of_32_bits_is_unreadable(tmp_path: Path) -> None:
    """GDCM ends the whole process over it, so it never gets there."""
    path = tmp_path / "a.dcm"
    SYNTAXES["JPEG Lossless SV1"].write(image(), path)
    allocated = struct.pack("<HH2sH", 0x0028, 0x0100, b"US", 2)
    path.write_bytes(path.read_bytes().replace(allocated + b"\x10\0", allocated + b"\x20\0"))
    assert read_header(path).transfer_syntax_uid == JPEGLosslessSV1
    with pytest.raises(InstanceUnreadableError, match="32 bits"):
        read_hu(path)


def test_a_jpeg_of_seven_bits_in_eight_is_unreadable(tmp_path: Path) -> None:
    """GDCM ends the whole process over spare bits in a byte."""
    path = tmp_path / "a.dcm"
    SYNTAXES["JPEG Baseline"].write(image(), path)
    stored = struct.pack("<HH2sH", 0x0028, 0x0101, b"US", 2)
    path.write_bytes(path.read_bytes().replace(stored + b"\x08\0", stored + b"\x07\0"))
    with pytest.raises(InstanceUnreadableError, match="7 bits"):
        read_hu(path)


@pytest.mark.parametrize("precision", [8, 16])
def test_a_jpeg_extended_of_other_than_twelve_bits_is_unreadable(
    precision: int, tmp_path: Path
) -> None:
    """GDCM's decoder of 12 bits ends the whole process over a stream of any other."""
    path = tmp_path / "a.dcm"
    SYNTAXES["JPEG Extended"].write(image(), path)
    file = bytearray(path.read_bytes())
    frame = file.rindex(b"\xff\xc1\0\x0b")
    assert file[frame + 4] == 12
    file[frame + 4] = precision
    path.write_bytes(file)
    with pytest.raises(InstanceUnreadableError, match=f"JPEG of {precision} bits"):
        read_hu(path)


@pytest.mark.parametrize("name", ["MONOCHROME!", "PALETTE COLOR", "RGB"])
@pytest.mark.parametrize("syntax", ["Explicit VR LE", "JPEG Lossless SV1"])
def test_an_image_that_is_not_grey_is_unreadable(name: str, syntax: str, tmp_path: Path) -> None:
    """Numbers of colours are no attenuation; and GDCM ends the process over an unknown name."""
    path = tmp_path / "a.dcm"
    SYNTAXES[syntax].write(image(), path)
    grey = struct.pack("<HH2sH", 0x0028, 0x0004, b"CS", 12) + b"MONOCHROME2 "
    other = struct.pack("<HH2sH", 0x0028, 0x0004, b"CS", 14) + name.ljust(14).encode()
    path.write_bytes(path.read_bytes().replace(grey, other))
    with pytest.raises(InstanceUnreadableError, match="not grey"):
        read_hu(path)


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [
        (8, b"\0\1\0\0", "another image"),
        (12, b"\0\1\0\0", "another image"),
        (16, b"\0\0\0\7", "another image"),
        (40, b"\0\3", "another image"),
        (42, b"\x1f", "another image"),
        (43, b"\2", "another image"),
        (2, b"\xff\x52", "no JPEG 2000 stream"),
    ],
    ids=["width", "height", "offset", "components", "bits", "sampling", "no size"],
)
def test_a_jpeg_2000_stream_of_another_image_is_unreadable(
    at: int, value: bytes, words: str, tmp_path: Path
) -> None:
    """OpenJPEG reserves memory for what the stream announces; that must be the data set's image."""
    path = written(compressed(JPEG2000Lossless), tmp_path / "a.dcm")
    file = bytearray(path.read_bytes())
    start = file.index(b"\xff\x4f\xff\x51") + at
    file[start : start + len(value)] = value
    path.write_bytes(file)
    with pytest.raises(InstanceUnreadableError, match=words):
        read_hu(path)


def test_floating_point_pixels_are_not_read_as_whole_numbers(tmp_path: Path) -> None:
    """Float Pixel Data belongs to parametric maps; no CT has it."""
    dataset = image(PixelData=None, BitsAllocated=32)
    dataset.FloatPixelData = bytes(4096)
    with pytest.raises(InstanceUnreadableError, match="floating point"):
        read_hu(written(dataset, tmp_path / "a.dcm"))


def test_a_source_with_damaged_meta_information_is_unreadable(tmp_path: Path) -> None:
    """The group length of the meta information is read by pydicom alone, and wants four bytes."""
    series = ctp_series(SPEC, tmp_path)
    first = series.instances[0].path
    file = first.read_bytes()
    length = struct.pack("<HH2sH", 2, 0, b"UL", 4) + file[140:144]
    first.write_bytes(file.replace(length, length[:6] + b"\6\0" + length[8:] + b"\0\0"))
    with pytest.raises(InstanceUnreadableError, match="any more"):
        read_source(series)


def test_a_series_of_as_many_geometries_as_images_is_no_perfusion() -> None:
    """Every image is compared with every other, as of a radial series: it stays cheap, and ends."""
    one = header_of(image())
    headers = [
        replace(one, sop_instance_uid=f"1.2.{n}", slice_thickness_mm=1 + n / 100)
        for n in range(1000)
    ]
    verdict = recognise([Instance(header, Path("x.dcm")) for header in headers])
    assert isinstance(verdict, Refusal)
    assert verdict.code == RefusalCode.NOT_PERFUSION
