"""Part 10 files taken apart and put together again, by an encoder that lets them lie.

pydicom's writer refuses what it knows to be wrong; a sender's does not. Here a value may have any
bytes, a length may be a lie, and the file meta information may name another transfer syntax.
"""

import struct
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

IMPLICIT_LE, EXPLICIT_LE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, EXPLICIT_BE = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"

UNDEFINED = 0xFFFFFFFF
PIXEL_DATA = 0x7FE00010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_SYNTAX = 0x00020010

# Value representations whose length takes four bytes (PS3.5 table 7.1-1).
_LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
# Bytes of one number, which big endian turns round.
_WIDTHS = {"US": 2, "SS": 2, "OW": 2, "AT": 2, "UL": 4, "SL": 4, "FL": 4, "OF": 4, "FD": 8}


class Items(NamedTuple):
    """The items of a sequence."""

    items: tuple["DataSet", ...]


class Fragments(NamedTuple):
    """Encapsulated pixel data, the offset table first."""

    parts: tuple[bytes, ...]


class Element(NamedTuple):
    """One data element, little endian; ``length`` is declared in place of the true one."""

    tag: int
    vr: str
    value: bytes | Items | Fragments
    length: int | None = None


DataSet = tuple[Element, ...]


@dataclass(frozen=True)
class Part10:
    """A file in parts.

    Parameters
    ----------
    elements
        Of the data set.
    meta
        Of the file meta information.
    syntax
        How the data set is encoded, whatever ``meta`` says.
    preamble
        What stands before the meta information.
    """

    elements: DataSet
    meta: DataSet
    syntax: str
    preamble: bytes = b"\0" * 128 + b"DICM"

    @cached_property
    def encoded(self) -> bytes:
        """The file."""
        return self.preamble + _encoded(self.meta, EXPLICIT_LE) + self.data_set

    @cached_property
    def data_set(self) -> bytes:
        """The bare data set, as a C-STORE carries it."""
        body = _encoded(self.elements, self.syntax)
        return deflated(body) if self.syntax == DEFLATED else body

    def with_syntax(self, uid: str) -> "Part10":
        """The same data set in another uncompressed transfer syntax."""
        return replace(self.declaring(uid), syntax=uid)

    def declaring(self, uid: str) -> "Part10":
        """The same bytes under the name of another transfer syntax."""
        value = uid.encode() + b"\0" * (len(uid) % 2)
        meta = tuple(e._replace(value=value) if e.tag == _SYNTAX else e for e in self.meta)
        return replace(self, meta=meta)


def deflated(body: bytes) -> bytes:
    """As PS3.5 A.5 has it: without zlib's own frame."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(body) + deflater.flush()


def part10(file: bytes) -> Part10:
    """A sound file in explicit VR little endian, taken apart."""
    every, _ = _decoded(file, 132, len(file))
    meta = tuple(e for e in every if e.tag >> 16 == 2)
    return Part10(tuple(e for e in every if e.tag >> 16 != 2), meta, EXPLICIT_LE, file[:132])


def _decoded(data: bytes, at: int, end: int) -> tuple[DataSet, int]:
    """The elements from ``at`` to ``end`` or to the end of an item, and where they end."""
    elements = []
    while at < end:
        tag = _tag(data, at)
        if tag == _ITEM_END:
            return tuple(elements), at + 8
        vr = data[at + 4 : at + 6].decode("ascii")
        if vr in _LONG:
            length, at = int.from_bytes(data[at + 8 : at + 12], "little"), at + 12
        else:
            length, at = int.from_bytes(data[at + 6 : at + 8], "little"), at + 8
        value: bytes | Items | Fragments
        stop = end if length == UNDEFINED else at + length
        if vr == "SQ":
            value, at = _items(data, at, stop)
        elif length == UNDEFINED:
            value, at = _fragments(data, at)
        else:
            value, at = data[at:stop], stop
        elements.append(Element(tag, vr, value, UNDEFINED if length == UNDEFINED else None))
    return tuple(elements), at


def _items(data: bytes, at: int, end: int) -> tuple[Items, int]:
    items = []
    while at < end:
        tag, length = _tag(data, at), int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8
        if tag == _SEQUENCE_END:
            break
        item, at = _decoded(data, at, end if length == UNDEFINED else at + length)
        items.append(item)
    return Items(tuple(items)), at


def _fragments(data: bytes, at: int) -> tuple[Fragments, int]:
    parts = []
    while _tag(data, at) == _ITEM:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        parts.append(data[at + 8 : at + 8 + length])
        at += 8 + length
    return Fragments(tuple(parts)), at + 8


def _tag(data: bytes, at: int) -> int:
    group, element = struct.unpack_from("<HH", data, at)
    return int(group << 16 | element)


def _encoded(elements: DataSet, syntax: str) -> bytes:
    return b"".join(_element(element, syntax) for element in elements)


def _element(element: Element, syntax: str) -> bytes:
    order = ">" if syntax == EXPLICIT_BE else "<"
    body = _value(element, syntax, order)
    length = len(body) if element.length is None else element.length
    if element.length == UNDEFINED and not isinstance(element.value, bytes):
        body += _marker(_SEQUENCE_END, 0, order)
    if syntax == IMPLICIT_LE:
        return _marker(element.tag, length, order) + body
    start = struct.pack(f"{order}HH", element.tag >> 16, element.tag & 0xFFFF)
    start += element.vr.encode("latin-1")[:2]
    if element.vr in _LONG:
        return start + struct.pack(f"{order}HL", 0, length) + body
    return start + struct.pack(f"{order}H", length & 0xFFFF) + body


def _value(element: Element, syntax: str, order: str) -> bytes:
    value = element.value
    if isinstance(value, Fragments):
        return b"".join(_marker(_ITEM, len(part), order) + part for part in value.parts)
    if isinstance(value, Items):
        return b"".join(
            _item(item, syntax, order, endless=element.length == UNDEFINED) for item in value.items
        )
    width = _WIDTHS.get(element.vr, 1)
    if order == ">" and width > 1 and len(value) % width == 0:
        numbers = (value[i : i + width][::-1] for i in range(0, len(value), width))
        return b"".join(numbers)
    return value


def _item(item: DataSet, syntax: str, order: str, *, endless: bool) -> bytes:
    body = _encoded(item, syntax)
    if endless:
        return _marker(_ITEM, UNDEFINED, order) + body + _marker(_ITEM_END, 0, order)
    return _marker(_ITEM, len(body), order) + body


def _marker(tag: int, length: int, order: str) -> bytes:
    return struct.pack(f"{order}HHL", tag >> 16, tag & 0xFFFF, length & UNDEFINED)
