"""Small sound scans in every layout and transfer syntax: what is mutated."""

import io
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pydicom import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from tests.fuzz.part10 import (
    DEFLATED,
    EXPLICIT_BE,
    IMPLICIT_LE,
    PIXEL_DATA,
    UNDEFINED,
    Element,
    Fragments,
    Part10,
    part10,
)
from tests.support.ctp import CtpSpec, build_instance, build_series
from tests.support.enhanced import enhanced
from tests.support.layouts import LAYOUTS
from tests.support.syntaxes import SYNTAXES

_SMALL = CtpSpec(slices=2, frames=5, rows=8, interval_s=5.5, pixel_mm=25.0)
_OF_ENCODERS = replace(_SMALL, slices=1, rows=32)  # encoders of wavelets fail on smaller images
# What the room reads nothing of; without it a case takes half the time.
_UNREAD_GROUPS = frozenset({0x0010, 0x0040})
_UNREAD = frozenset(
    {
        *(0x00080020, 0x00080021, 0x00080030, 0x00080031, 0x00080050, 0x00080080, 0x00080090),
        *(0x00081030, 0x00081090, 0x00180010, 0x00180015, 0x00180060, 0x00181000, 0x00181020),
        *(0x00181150, 0x00181151, 0x00185100, 0x00200010, 0x00200011, 0x00201040, 0x00281050),
        *(0x00281051, 0x00281054, 0x00209221, 0x00209222),
    }
)

_PLAIN = {"Implicit VR LE": IMPLICIT_LE, "Explicit VR BE": EXPLICIT_BE, "Deflated": DEFLATED}
_ENCODED = tuple(name for name in SYNTAXES if name not in {*_PLAIN, "Explicit VR LE"})

NAMES = (
    *(f"layout: {name}" for name in LAYOUTS),
    *(f"syntax: {name}" for name in (*_PLAIN, *_ENCODED)),
    *(f"Enhanced CT: {name}" for name in (*_PLAIN, *_ENCODED)),
)
"""What :func:`seed` makes."""


@dataclass(frozen=True)
class Seed:
    """A sound scan as files in parts."""

    name: str
    files: tuple[Part10, ...]


@cache
def seed(name: str) -> Seed:
    """The scan of one of :data:`NAMES`."""
    kind, what = name.split(": ", 1)
    if kind == "layout":
        layout = LAYOUTS[what]
        small = replace(layout.spec, slices=2, frames=5, rows=8, interval_s=5.5, pixel_mm=25.0)
        return Seed(name, _parts(layout.write(build_series(small))))
    plain = _plain_images() if kind == "syntax" else _plain_frames()
    if what in _PLAIN:
        return Seed(name, tuple(file.with_syntax(_PLAIN[what]) for file in plain))
    uid, description, fragment = _encoder(what)
    return Seed(name, tuple(_encapsulated(file, uid, description, fragment) for file in plain))


def _parts(datasets: Iterable[Dataset]) -> tuple[Part10, ...]:
    files = []
    for dataset in datasets:
        syntax, buffer = dataset.file_meta.TransferSyntaxUID, io.BytesIO()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dcmwrite(buffer, dataset, enforce_file_format=True)
        file = part10(buffer.getvalue()).with_syntax(str(syntax))
        read = (e for e in file.elements if e.tag not in _UNREAD)
        kept = tuple(e for e in read if e.tag >> 16 not in _UNREAD_GROUPS)
        files.append(replace(file, elements=kept))
    return tuple(files)


@cache
def _plain_images() -> tuple[Part10, ...]:
    return _parts(build_series(_OF_ENCODERS))


@cache
def _plain_frames() -> tuple[Part10, ...]:
    return _parts([enhanced(build_series(_OF_ENCODERS))])


@cache
def _encoder(name: str) -> tuple[str, tuple[Element, ...], bytes]:
    """UID, description of the pixels and stream of one image in a compressed syntax."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.dcm"
        SYNTAXES[name].write(build_instance(_OF_ENCODERS, 3, 0), path)
        file = part10(path.read_bytes())
    [pixels] = [e.value for e in file.elements if e.tag == PIXEL_DATA]
    if not isinstance(pixels, Fragments):
        raise TypeError(f"{name} has encapsulated nothing")
    description = tuple(e for e in file.elements if e.tag >> 16 == 0x28)
    return str(SYNTAXES[name].uid), description, b"".join(pixels.parts[1:])


def _encapsulated(
    file: Part10, uid: str, description: tuple[Element, ...], fragment: bytes
) -> Part10:
    """The file with a compressed image in place of each of its frames."""
    told = {e.tag: e for e in description}
    [native] = [e.value for e in file.elements if e.tag == PIXEL_DATA]
    frames = max(1, len(native) // 2048)  # 32 x 32 values of 16 bits
    table = b"".join((i * (len(fragment) + 8)).to_bytes(4, "little") for i in range(frames))
    pixels = Element(PIXEL_DATA, "OB", Fragments((table, *[fragment] * frames)), UNDEFINED)
    kept = [told.get(e.tag, e) for e in file.elements if e.tag != PIXEL_DATA]
    return replace(file, elements=(*kept, pixels)).declaring(uid)
