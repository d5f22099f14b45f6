"""The raw data elements of an encoded instance, and where its pixel data lies."""

import math
import struct
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import SEEK_END, BytesIO
from typing import BinaryIO

from pydicom import Dataset
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from node.errors import InstanceUnreadableError
from node.series.files import READ_FAULTS, faults_told
from node.series.private import PRIVATE_TAGS, Tag, private_values
from node.series.walk import walk
from node.series.watch import PixelElement, Watch, require_whole_header

# The largest Enhanced CT known is under 2 GiB; more out of a deflated stream is an attack.
MAX_INFLATED_BYTES = 2 << 30
_DEFLATED_PIECE, _INFLATED_PIECE = 1 << 16, 1 << 20

_CHARSET = 0x00080005
_TRANSFER_SYNTAX = 0x00020010
_TEXT_ENDS = {ord("\\")}


@dataclass(frozen=True, eq=False)
class Elements:
    """The wanted elements of one instance, undecoded; every getter is tolerant.

    Parameters
    ----------
    raw
        Value bytes by tag; of private elements only those known in :mod:`node.series.private`.
    transfer_syntax_uid
        As encoded.
    pixels
        The pixel data element, None where there is none.
    stream
        The (inflated) stream that ``pixels`` counts in.
    size
        Its length [bytes].
    sequences
        The items of every wanted sequence, by tag.
    """

    raw: dict[Tag, bytes]
    transfer_syntax_uid: str
    pixels: PixelElement | None
    stream: BinaryIO
    size: int
    sequences: Mapping[int, Sequence[Dataset]] = field(default_factory=dict)

    @property
    def byte_order(self) -> str:
        """``>`` or ``<``, as :mod:`struct` and numpy write it."""
        return ">" if self.transfer_syntax_uid == ExplicitVRBigEndian else "<"

    def text(self, tag: int) -> str:
        """One string in the instance's character set, trimmed; empty where absent."""
        raw = self.raw.get(tag, b"")
        if raw.isascii() and b"\x1b" not in raw:
            return raw.decode("ascii").strip(" \0")
        names = [name.strip(" \0") for name in self.ascii(_CHARSET).split("\\")]
        try:
            return decode_bytes(raw, convert_encodings(names), _TEXT_ENDS).strip(" \0")
        except READ_FAULTS:
            return raw.decode("ascii", "replace").strip(" \0")

    def ascii(self, tag: Tag) -> str:
        """One string of the default repertoire (UI, CS, DS, IS, DA, TM, DT), trimmed."""
        return self.raw.get(tag, b"").decode("latin-1").strip(" \0")

    def numbers(self, tag: Tag, count: int) -> tuple[float, ...] | None:
        """Exactly ``count`` finite decimal strings; None where absent or wrong."""
        if not self.raw.get(tag):
            return None
        values = [_number(part) for part in self.ascii(tag).split("\\")]
        finite = tuple(value for value in values if value is not None)
        return finite if len(finite) == len(values) == count else None

    def number(self, tag: Tag) -> float | None:
        """One finite decimal string; None where absent or wrong."""
        values = self.numbers(tag, 1)
        return values[0] if values else None

    def integer(self, tag: Tag) -> int | None:
        """One integer string within 32 bits (PS3.5 6.2, IS); None where absent or wrong."""
        value = self.number(tag)
        return int(value) if value is not None and abs(value) < 1 << 31 else None

    def short(self, tag: int, *, signed: bool = False) -> int | None:
        """One US or SS; None where absent or wrong."""
        raw = self.raw.get(tag, b"")
        if len(raw) != 2:
            return None
        value: int = struct.unpack(self.byte_order + ("h" if signed else "H"), raw)[0]
        return value

    def unsigned_long(self, tag: int) -> int | None:
        """One UL; None where absent or wrong."""
        raw = self.raw.get(tag, b"")
        return struct.unpack(self.byte_order + "L", raw)[0] if len(raw) == 4 else None

    def double(self, tag: int) -> float | None:
        """One finite FD; None where absent or wrong."""
        raw = self.raw.get(tag, b"")
        value = struct.unpack(self.byte_order + "d", raw)[0] if len(raw) == 8 else math.nan
        return value if math.isfinite(value) else None

    def items(self, tag: int) -> list["Elements"]:
        """The elements of every item of a sequence; none where it is absent.

        Raises
        ------
        InstanceUnreadableError
            If the bytes of the sequence are none.
        """
        made = []
        for item in self.sequences.get(tag, ()):
            raw, sequences = _parts(item)
            made.append(
                Elements(raw, self.transfer_syntax_uid, None, self.stream, self.size, sequences)
            )
        return made


def read_elements(
    stream: BinaryIO,
    tags: Collection[int],
    transfer_syntax_uid: str | None = None,
    *,
    longest: int = MAX_INFLATED_BYTES,
) -> Elements:
    """The elements ``tags`` of a stream, and where its pixel data lies.

    Parameters
    ----------
    stream
        Seekable, at the start of a Part 10 file or, with ``transfer_syntax_uid``, of a bare
        data set.
    tags
        What is wanted.
    transfer_syntax_uid
        How a bare data set is encoded.
    longest
        Of a deflated data set, once it is inflated [bytes].

    Raises
    ------
    InstanceUnreadableError
        If this is no DICOM, or it ends inside an element before the pixel data.
    """
    syntax = transfer_syntax_uid or _transfer_syntax_of_part10(stream)
    data = _inflated(stream, longest) if syntax == DeflatedExplicitVRLittleEndian else stream
    if (read := _walked(data, syntax, tags)) is not None:
        return read
    watch = Watch(data, PRIVATE_TAGS)
    raw, sequences = _parts(_data_set(data, syntax, watch, tags))
    size = data.seek(0, SEEK_END)
    if watch.pixels is None:
        require_whole_header(data, watch, size)
    raw |= private_values(watch.noted, partial(_noted, data, watch))
    return Elements(raw, syntax, watch.pixels, data, size, sequences)


def _walked(stream: BinaryIO, syntax: str, tags: Collection[int]) -> Elements | None:
    """The elements of an ordinary data set in memory, as :func:`read_elements` gives them."""
    if not isinstance(stream, BytesIO) or stream.tell() or syntax == ExplicitVRBigEndian:
        return None
    data = stream.getvalue()
    found = walk(
        data,
        implicit=syntax == ImplicitVRLittleEndian,
        tags=frozenset((*tags, _CHARSET)),
        noting=PRIVATE_TAGS,
    )
    if found is None:
        return None

    def noted(tag: int) -> bytes:
        start, length = found.noted[tag]
        return data[start : start + length]

    raw = found.raw | private_values(found.noted, noted)
    return Elements(raw, syntax, found.pixels, stream, len(data))


def _noted(stream: BinaryIO, watch: Watch, tag: int) -> bytes:
    start, length = watch.noted[tag]
    stream.seek(start)
    return stream.read(length)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _transfer_syntax_of_part10(stream: BinaryIO) -> str:
    """The transfer syntax in the file meta information; leaves ``stream`` at the data set."""
    if stream.read(132)[128:] != b"DICM":
        raise InstanceUnreadableError("the bytes are no DICOM file: the DICM prefix is missing")
    meta, _ = _parts(
        _data_set(
            stream,
            ExplicitVRLittleEndian,
            lambda tag, vr, length: tag >> 16 != 2,
            [_TRANSFER_SYNTAX],
        )
    )
    syntax = meta.get(_TRANSFER_SYNTAX, b"").decode("latin-1").strip(" \0")
    if not syntax:
        raise InstanceUnreadableError("the file meta information names no transfer syntax")
    return syntax


def _data_set(
    stream: BinaryIO,
    syntax: str,
    stop_when: Callable[[BaseTag, str | None, int], bool],
    tags: Collection[int],
) -> Dataset:
    """The elements ``tags`` as they are encoded, up to where ``stop_when`` says."""
    with faults_told("the bytes are not a DICOM data set"):
        return read_dataset(
            stream,
            is_implicit_VR=syntax == ImplicitVRLittleEndian,
            is_little_endian=syntax != ExplicitVRBigEndian,
            stop_when=stop_when,
            specific_tags=list(tags),
        )


def _parts(data_set: Dataset) -> tuple[dict[Tag, bytes], dict[int, Sequence[Dataset]]]:
    """Values as they are encoded, and the items of sequences, by tag."""
    raw: dict[Tag, bytes] = {}
    private: list[int] = []
    sequences: dict[int, Sequence[Dataset]] = {}
    with faults_told("the bytes are not a DICOM data set"):
        for element in list(data_set.elements()):
            tag = int(element.tag)
            if _is_sequence(element):
                sequences[tag] = data_set[element.tag].value
            elif isinstance(element, RawDataElement) and isinstance(element.value, bytes):
                raw[tag] = element.value
                private += [tag] if tag in PRIVATE_TAGS else []
    return raw | private_values(private, raw.__getitem__), sequences


def _is_sequence(element: DataElement | RawDataElement) -> bool:
    if element.VR is None:  # implicit VR: the dictionary knows
        return dictionary_has_tag(element.tag) and dictionary_VR(element.tag) == "SQ"
    return element.VR == "SQ"


def _inflated(stream: BinaryIO, longest: int) -> BinaryIO:
    """The data set of a deflated stream (PS3.5 A.5), in little more memory than it takes itself."""
    inflater, data, rest = zlib.decompressobj(-zlib.MAX_WBITS), BytesIO(), b""
    try:
        while not inflater.eof:
            given = rest or stream.read(_DEFLATED_PIECE)
            made = inflater.decompress(given, _INFLATED_PIECE)
            if not (given or made):
                raise InstanceUnreadableError("the deflated data set is truncated")
            rest = inflater.unconsumed_tail
            if data.tell() + len(made) > longest:
                raise InstanceUnreadableError(f"the data set inflates to over {longest} bytes")
            data.write(made)
    except zlib.error as fault:
        raise InstanceUnreadableError("the deflated data set is damaged") from fault
    data.seek(0)
    return data
