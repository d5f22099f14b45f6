"""Pixels of one instance as attenuation, in every transfer syntax."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import (
    RLELossless,
)

from node.errors import InstanceUnreadableError
from node.series import read_header
from node.series.pixels import AIR_HU, MAX_HU, read_hu
from tests.support.ctp import CtpSpec, build_instance, slice_hu
from tests.support.syntaxes import SYNTAXES

SPEC = CtpSpec()
FRAME, SLICE = 6, 1


def attenuation() -> NDArray[np.float64]:
    """What the built instance holds, clipped as pixels are."""
    return np.clip(np.rint(slice_hu(SPEC, FRAME, SLICE)), AIR_HU, MAX_HU)


def stored(signed: bool) -> Dataset:
    """The instance with 12-bit unsigned or 16-bit signed pixels."""
    dataset = build_instance(SPEC, FRAME, SLICE)
    if signed:
        dataset.PixelRepresentation, dataset.BitsStored, dataset.HighBit = 1, 16, 15
        dataset.RescaleIntercept = 0
        dataset.PixelData = attenuation().astype("<i2").tobytes()
    return dataset


def written(dataset: Dataset, path: Path) -> Path:
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("name", SYNTAXES)
def test_every_transfer_syntax_gives_the_same_attenuation(
    name: str, signed: bool, tmp_path: Path
) -> None:
    """Every value comes back, 12 bits unsigned or 16 bits signed; of a lossy one, nearly."""
    syntax, path = SYNTAXES[name], tmp_path / "image.dcm"
    syntax.write(stored(signed), path)
    header = read_header(path)
    assert (header.transfer_syntax_uid, header.has_pixels) == (syntax.uid, True)
    np.testing.assert_allclose(read_hu(path), attenuation(), rtol=0, atol=syntax.off_by_hu)


@pytest.mark.parametrize(
    ("slope", "intercept"), [(1, -1024), (0.5, -1000), (2, 0), (1, None), (None, None)]
)
def test_slope_and_intercept_are_each_images_own(
    slope: float | None, intercept: float | None, tmp_path: Path
) -> None:
    """HU = slope * stored + intercept, 1 and 0 where absent (PS3.3 C.11.1)."""
    dataset = stored(False)
    values = np.arange(1024, dtype="<u2").reshape(32, 32)
    dataset.PixelData = values.tobytes()
    for keyword, value in (("RescaleSlope", slope), ("RescaleIntercept", intercept)):
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    wanted = values.astype(float) * (1.0 if slope is None else slope) + (intercept or 0)
    np.testing.assert_allclose(read_hu(written(dataset, tmp_path / "a.dcm")), wanted)


@pytest.mark.parametrize(("limit", "padded"), [(None, 1), (-1998, 3)])
def test_padding_is_air(limit: int | None, padded: int, tmp_path: Path) -> None:
    """Stored values that stand for no tissue become air, whatever the rescale makes of them."""
    dataset = stored(True)
    dataset.RescaleIntercept = 3000
    dataset.add_new("PixelPaddingValue", "SS", -2000)
    if limit is not None:
        dataset.add_new("PixelPaddingRangeLimit", "SS", limit)
    values = np.zeros(1024, "<i2")
    values[:3] = -2000, -1999, -1998
    dataset.PixelData = values.tobytes()
    hu = read_hu(written(dataset, tmp_path / "a.dcm"))
    assert (hu == AIR_HU).sum() == padded


def test_bits_above_those_stored_are_ignored(tmp_path: Path) -> None:
    """Old overlays live in the high bits, and a negative 12-bit value has its sign there."""
    dataset = stored(False)
    values = np.full(1024, 1024 + 40, "<u2")
    values[:8] |= 0xF000
    dataset.PixelData = values.tobytes()
    assert np.all(read_hu(written(dataset, tmp_path / "a.dcm")) == 40)
    dataset.PixelRepresentation, dataset.RescaleIntercept = 1, 0
    dataset.PixelData = np.full(1024, 0x0FFF, "<u2").tobytes()
    assert np.all(read_hu(written(dataset, tmp_path / "b.dcm")) == -1)


def test_values_are_clipped_to_what_ct_holds(tmp_path: Path) -> None:
    """Nothing lies below air, and metal tells perfusion nothing."""
    dataset = stored(True)
    dataset.PixelData = np.tile(np.array([-3024, 30000], "<i2"), 512).tobytes()
    assert set(np.unique(read_hu(written(dataset, tmp_path / "a.dcm")))) == {AIR_HU, MAX_HU}


@pytest.mark.parametrize(
    ("keyword", "value", "words"),
    [
        ("SamplesPerPixel", 3, "truncated"),
        ("RescaleSlope", 0, "RescaleSlope"),
        ("BitsStored", 17, "17 bits"),
        ("Rows", 33, "truncated"),
    ],
)
def test_pixels_that_make_no_sense_are_unreadable(
    keyword: str, value: int, words: str, tmp_path: Path
) -> None:
    """A description that does not fit the pixels is a fault with words, not a wrong picture."""
    dataset = stored(False)
    setattr(dataset, keyword, value)
    with pytest.raises(InstanceUnreadableError, match=words):
        read_hu(written(dataset, tmp_path / "a.dcm"))


def test_an_unknown_transfer_syntax_is_unreadable(tmp_path: Path) -> None:
    """Without a decoder the fault names the transfer syntax."""
    dataset = stored(False)
    dataset.compress(RLELossless, generate_instance_uid=False)
    path = written(dataset, tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes().replace(RLELossless.encode(), b"1.2.840.10008.1.2.9", 1))
    with pytest.raises(InstanceUnreadableError, match=r"1\.2\.840\.10008\.1\.2\.9"):
        read_hu(path)


FILES: dict[str, bytes] = {}


def encoded(syntax: str, folder: Path) -> bytes:
    """The instance in a compressed syntax, made once."""
    if syntax not in FILES:
        path = folder / "image.dcm"
        SYNTAXES[syntax].write(stored(False), path)
        FILES[syntax] = path.read_bytes()
    return FILES[syntax]


@pytest.mark.parametrize(
    "syntax", ["RLE", "JPEG Lossless SV1", "JPEG-LS", "JPEG 2000 lossless", "JPEG Extended"]
)
@given(data=st.data())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_streams_give_pixels_or_a_fault(
    syntax: str, data: st.DataObject, tmp_path: Path
) -> None:
    """No damaged stream ends or hangs the process; what comes out is an image or a fault."""
    file = bytearray(encoded(syntax, tmp_path))
    start = file.rindex(b"\xe0\x7f\x10\x00")
    places = st.integers(start + 8, len(file) - 1)
    for at, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
        file[at] = value
    path = tmp_path / "damaged.dcm"
    path.write_bytes(file[: data.draw(st.one_of(places, st.just(len(file))))])
    try:
        hu = read_hu(path)
    except InstanceUnreadableError:
        return
    assert hu.shape == (32, 32)
    assert np.isfinite(hu).all()
