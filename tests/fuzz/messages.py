"""C-STORE messages that lie: in their command sets, their fragments and their data sets."""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO

from tests.fuzz.mutators import drawn, rewritten
from tests.fuzz.part10 import (
    DEFLATED,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Element,
    Part10,
    deflated,
    part10,
)
from tests.fuzz.values import nest
from tests.support.ctp import CtpSpec, build_instance
from tests.support.upper_layer import p_data

SYNTAXES = (EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE, DEFLATED)
"""Of the presentation contexts 1, 3, 5 and 7."""
LONGEST_MIB = 16
"""What the listener is told to take at most; a data set that inflates to more is a bomb."""

_UID, _CLASS = 0x00080018, b"1.2.840.10008.5.1.4.1.1.2\0"
# A spool of as many instances at most: most of what is sound comes under a UID that is known.
_INSTANCES = 40
_FIELDS = (
    *(0x0001, 0x0010, 0x0020, 0x0021, 0x0030, 0x0100, 0x0110, 0x0120, 0x0130, 0x0140, 0x0150),
    *(0x8001, 0x8010, 0x8020, 0x8021, 0x8030, 0x8100, 0x8110, 0x8120, 0x8130, 0x8140, 0x8150),
    *(0x0FFF, 0x0000, 0xFFFF, 0x1234),
)
_BROKEN_UIDS = (b"", b".", b"1..2", b"../../x\0", b"9" * 66, b"1.2\0.3", b"\xe9\xe9", b" ")


@dataclass(frozen=True)
class Message:
    """PDUs, the data set they carry if they carry it whole, and whether it may be acknowledged.

    ``broken``: what the data set is, nobody may say 0x0000 to.
    """

    kind: str
    pdus: bytes
    data_set: bytes
    broken: bool = False


def message(seed: int, number: int) -> Message:
    """The same message for the same numbers."""
    rng = random.Random(f"message {seed}:{number}")
    return rng.choices(_KINDS, _WEIGHTS)[0](rng)


@cache
def sound() -> Part10:
    """A small sound image, taken apart."""
    stream = BytesIO()
    build_instance(CtpSpec(rows=16), 0, 0).save_as(stream, enforce_file_format=True)
    return part10(stream.getvalue())


def _named(rng: random.Random) -> tuple[Part10, bytes]:
    """The sound image under one of some UIDs, which is also told."""
    uid = f"1.2.826.0.1.3680043.10.1137.9.{rng.randrange(_INSTANCES)}".encode()
    padded = uid + b"\0" * (len(uid) % 2)
    elements = rewritten(sound().elements, _UID, lambda e: (e._replace(value=padded),))
    return Part10(elements, sound().meta, EXPLICIT_LE), padded


def _elements(uid: bytes) -> list[tuple[int, bytes]]:
    """Of a C-STORE request's command set (PS3.7 table 9.3-1)."""
    return [
        *((0x0002, _CLASS), (0x0100, b"\x01\0"), (0x0110, b"\x01\0"), (0x0700, b"\0\0")),
        *((0x0800, b"\0\0"), (0x1000, uid)),
    ]


def _encoded(elements: list[tuple[int, bytes]], group: int = 0, length: int | None = None) -> bytes:
    body = b"".join(struct.pack("<HHI", group, tag, len(v)) + v for tag, v in elements)
    return struct.pack("<HHII", group, 0, 4, len(body) if length is None else length) + body


def _whole(command: bytes, data_set: bytes, context: int) -> bytes:
    return p_data(command, 3, context) + p_data(data_set, 2, context)


def _command(rng: random.Random) -> Message:
    """One to three lies in the command set; the data set is sound."""
    image, uid = _named(rng)
    elements = _elements(uid)
    for _ in range(rng.randint(1, 3)):
        rng.choice(_LIES)(rng, elements)
    length = rng.choice((None, None, None, 0, 1, 0xFFFFFFFF))
    command = _encoded(elements, rng.choice((0, 0, 0, 0, 8)), length)
    if rng.random() < 0.2:
        place = rng.randrange(len(command))
        command = rng.choice((command[:place], command + rng.randbytes(place), b""))
    context = rng.choice((1, 1, 1, 1, 1, 1, 1, 2, 3, 0, 255))
    return Message("command set", _whole(command, image.data_set, context), image.data_set)


def _drop(rng: random.Random, elements: list[tuple[int, bytes]]) -> None:
    if elements:
        del elements[rng.randrange(len(elements))]


def _twice(rng: random.Random, elements: list[tuple[int, bytes]]) -> None:
    if elements:
        tag, value = rng.choice(elements)
        elements.insert(rng.randrange(len(elements) + 1), (tag, rng.choice((value, b"", bytes(8)))))


def _other_value(rng: random.Random, elements: list[tuple[int, bytes]]) -> None:
    if elements:
        place = rng.randrange(len(elements))
        value = rng.choice(
            (b"", b"\0", b"\xff\xff", b"\1\1", bytes(4), rng.randbytes(66), bytes(30000))
        )
        elements[place] = elements[place][0], rng.choice((value, *_BROKEN_UIDS))


def _other_field(rng: random.Random, elements: list[tuple[int, bytes]]) -> None:
    field = rng.choice(_FIELDS).to_bytes(2, "little")
    elements[:] = [(tag, field if tag == 0x0100 else value) for tag, value in elements]


def _more(rng: random.Random, elements: list[tuple[int, bytes]]) -> None:
    many = rng.choice((1, 1, 1, 1, 1, 9, 9, 9, 50, 3000))
    elements += [
        (rng.randrange(0x10000), rng.randbytes(rng.choice((0, 2, 9)))) for _ in range(many)
    ]


def _shuffle(rng: random.Random, elements: list[tuple[int, bytes]]) -> None:
    rng.shuffle(elements)


def _fragments(rng: random.Random) -> Message:
    """Fragments in any order, number and size, with any control header (PS3.8 Annex E.2)."""
    image, uid = _named(rng)
    command, data_set = _encoded(_elements(uid)), image.data_set
    at, cut = rng.randrange(len(command)), rng.randrange(len(data_set))
    parts = [(command[:at], 1), (command[at:], 3), (data_set[:cut], 0), (data_set[cut:], 2)]
    for _ in range(rng.randint(1, 3)):
        how, place = rng.randrange(6), rng.randrange(len(parts))
        if how == 0:
            rng.shuffle(parts)
        elif how == 1:
            parts[place] = parts[place][0], rng.choice((0, 1, 2, 3, 4, 0x80, 0xFF))
        elif how == 2:
            parts.insert(place, (b"", rng.randrange(4)))
        elif how == 3:
            parts.insert(place, rng.choice(parts))
        elif how == 4 and len(parts) > 1:
            del parts[place]
        else:
            parts[place] = rng.randbytes(rng.choice((0, 1, 300))), parts[place][1]
    pdvs = [p_data(data, control, rng.choice((1,) * 9 + (3,))) for data, control in parts]
    if rng.random() < 0.3:  # all in one PDU
        inner = b"".join(pdv[6:] for pdv in pdvs)
        pdvs = [struct.pack(">BBI", 4, 0, len(inner)) + inner]
    return Message("fragments", b"".join(pdvs), b"")


def _header(rng: random.Random) -> Message:
    """One to three changes of the header, as the fuzz of the series room makes them."""
    image, uid = _named(rng)
    if rng.random() < 0.4:
        image = image.with_syntax(rng.choice(SYNTAXES))
    for _ in range(rng.randint(1, 3)):
        image = drawn([image], rng)(image)
    syntax = image.syntax if rng.random() < 0.9 else rng.choice(SYNTAXES)
    context = 2 * SYNTAXES.index(syntax) + 1
    return _carrying("header", image.data_set, uid, context)


def _identity(rng: random.Random) -> Message:
    """Without one of the UIDs that identify an instance, or with none in its place."""
    image, uid = _named(rng)
    tag, value = rng.choice((0x00080016, _UID, 0x0020000D, 0x0020000E)), rng.choice(_BROKEN_UIDS)
    elements = rewritten(image.elements, tag, lambda e: (e._replace(value=value),))
    broken = Part10(elements, image.meta, EXPLICIT_LE)
    return _carrying("identity", broken.data_set, uid, 1, broken=True)


def _cut_off(rng: random.Random) -> Message:
    """Ended early: within the pixels or the deflated stream, or anywhere, perhaps between two."""
    image, uid = _named(rng)
    whole = image.with_syntax(rng.choice(SYNTAXES))
    context = 2 * SYNTAXES.index(whole.syntax) + 1
    within = whole.syntax == DEFLATED or rng.random() < 0.5
    first = len(whole.data_set) - 500 if within and whole.syntax != DEFLATED else 1
    data_set = whole.data_set[: rng.randrange(first, len(whole.data_set) - 1)]
    return _carrying("cut off", data_set, uid, context, broken=within)


def _bomb(rng: random.Random) -> Message:
    """A few KiB that inflate to more than may be sent."""
    size = rng.choice((LONGEST_MIB + 1, 4 * LONGEST_MIB)) << 20
    uid, stream = _inflating_to(size)
    return _carrying("deflate bomb", stream, uid, 7, broken=True)


@cache
def _inflating_to(size: int) -> tuple[bytes, bytes]:
    """A UID, and the stream of an image with a private element of so many zeros."""
    image, uid = _named(random.Random(size))
    zeros = struct.pack("<HH2sHI", 0x7FE1, 0x1010, b"OB", 0, size) + bytes(size)
    return uid, deflated(image.data_set + zeros)


def _endless(rng: random.Random) -> Message:
    """Sequences that nobody ends, and a length that nothing bears out."""
    image, uid = _named(rng)
    start = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    deep = (start + item) * rng.choice((1, 60, 2000))
    huge = struct.pack("<HH2sHI", 0x0008, 0x2000, b"UT", 0, rng.choice((0x7FFFFFFF, 0xFFFFFFF0)))
    front = image.data_set[:120]
    return _carrying("endless", front + rng.choice((deep, huge, deep + huge)), uid, 1, broken=True)


def _large(rng: random.Random) -> Message:
    """Many elements, a deep sequence, or a value of a MiB: odd, and sound."""
    image, uid = _named(rng)
    many = [Element(0x00090000 | 0x1000 + n, "LO", b"x ") for n in range(4000)]
    odd = rng.choice((many, [nest(0x00091010, 500)], [Element(0x00091001, "OB", bytes(1 << 20))]))
    elements = tuple(sorted((*image.elements, *odd), key=lambda e: e.tag))
    return _carrying("large", Part10(elements, image.meta, EXPLICIT_LE).data_set, uid, 1)


def _carrying(
    kind: str, data_set: bytes, uid: bytes, context: int, *, broken: bool = False
) -> Message:
    """A sound command set with that data set."""
    pdus = _whole(_encoded(_elements(uid)), data_set, context)
    return Message(kind, pdus, data_set, broken)


_LIES: tuple[Callable[[random.Random, list[tuple[int, bytes]]], None], ...] = (
    *(_drop, _twice, _other_value, _other_value, _other_field, _other_field, _more, _shuffle),
)
_KINDS: tuple[Callable[[random.Random], Message], ...] = (
    *(_command, _fragments, _header, _identity, _cut_off, _bomb, _endless, _large),
)
_WEIGHTS = (28, 14, 34, 8, 8, 0.6, 6, 1.4)
