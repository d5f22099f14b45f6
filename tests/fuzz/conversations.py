"""What a broken or hostile sender may say on a socket: sound conversations with mishaps."""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.upper_layer import RELEASE_RQ, associate_rq, c_store_rq, p_data

ENDINGS = ("half-closed", "reset", "released")
_LENGTHS = (0, 1, 4, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@dataclass(frozen=True)
class Conversation:
    """Bytes in the pieces they are sent in, and how the connection ends.

    A sound ``request`` is sent before, and its answer awaited; it may be empty.
    """

    request: bytes
    pieces: tuple[bytes, ...]
    ending: str


def conversation(seed: int, number: int, data_set: bytes, uid: str) -> Conversation:
    """The same conversation for the same numbers."""
    rng = random.Random(f"{seed}:{number}")
    pdus, request = _sound(rng, data_set, uid.encode()), b""
    # Most get as far as an association, where there is more to break.
    if rng.random() < 0.7:
        request = bytes(pdus.pop(0))
    for _ in range(rng.randint(1, 4)):
        if pdus:
            rng.choice(_MISHAPS)(rng, pdus)
    said = b"".join(bytes(pdu) for pdu in pdus)
    if rng.random() < 0.15:
        said = said[: rng.randrange(len(said) + 1)]
    return Conversation(request, _pieces(rng, said), rng.choice(ENDINGS))


def _sound(rng: random.Random, data_set: bytes, uid: bytes) -> list[bytearray]:
    """An association, one C-STORE in fragments, a release."""
    cut = rng.randrange(1, len(data_set))
    parts = [
        associate_rq(b"PERFUSION", b"FUZZ"),
        p_data(c_store_rq(uid)),
        p_data(data_set[:cut], control=0),
        p_data(data_set[cut:], control=2),
        RELEASE_RQ,
    ]
    return [bytearray(part) for part in parts]


def _pieces(rng: random.Random, said: bytes) -> tuple[bytes, ...]:
    if rng.random() < 0.8 or len(said) < 4:
        return (said,)
    cuts = sorted(rng.sample(range(1, len(said)), min(rng.randint(1, 6), len(said) - 1)))
    return tuple(said[a:b] for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True))


def _flip(rng: random.Random, pdus: list[bytearray]) -> None:
    pdu = rng.choice(pdus)
    for _ in range(rng.randint(1, 8)):
        if pdu:
            # What matters stands at the front: lengths, types, contexts.
            place = rng.randrange(min(len(pdu), 120) if rng.random() < 0.7 else len(pdu))
            pdu[place] = rng.randrange(256)


def _lie_of_length(rng: random.Random, pdus: list[bytearray]) -> None:
    pdu = rng.choice(pdus)
    if len(pdu) >= 6:
        pdu[2:6] = struct.pack(
            ">I", rng.choice((*_LENGTHS, max(0, len(pdu) - 6 + rng.randint(-9, 9))))
        )


def _lie_of_fragment(rng: random.Random, pdus: list[bytearray]) -> None:
    pdu = rng.choice(pdus)
    if len(pdu) >= 12:
        pdu[6:10] = struct.pack(">I", rng.choice(_LENGTHS))


def _lie_of_item(rng: random.Random, pdus: list[bytearray]) -> None:
    """The length of an item of the association request, or of whatever comes first."""
    pdu = pdus[0]
    if len(pdu) > 78:
        place = rng.randrange(74, len(pdu) - 3)
        pdu[place : place + 2] = struct.pack(">H", rng.choice(_LENGTHS) & 0xFFFF)


def _other_type(rng: random.Random, pdus: list[bytearray]) -> None:
    pdu = rng.choice(pdus)
    if pdu:
        pdu[0] = rng.choice((*range(9), 0x47, 0x16, 0xFF))


def _drop(rng: random.Random, pdus: list[bytearray]) -> None:
    del pdus[rng.randrange(len(pdus))]


def _repeat(rng: random.Random, pdus: list[bytearray]) -> None:
    place = rng.randrange(len(pdus))
    pdus[place:place] = [bytearray(pdus[place]) for _ in range(rng.choice((1, 1, 2, 30)))]


def _swap(rng: random.Random, pdus: list[bytearray]) -> None:
    rng.shuffle(pdus)


def _insert(rng: random.Random, pdus: list[bytearray]) -> None:
    pdus.insert(
        rng.randrange(len(pdus) + 1), bytearray(rng.randbytes(rng.choice((1, 6, 60, 5000))))
    )


def _other_protocol(rng: random.Random, pdus: list[bytearray]) -> None:
    """What port scanners and lost browsers say."""
    pdus[:] = [
        bytearray(
            rng.choice(
                (
                    b"GET / HTTP/1.1\r\nHost: node\r\n\r\n",
                    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(64),
                    b"SSH-2.0-OpenSSH_9.6\r\n",
                    rng.randbytes(rng.randint(1, 300)),
                    b"",
                )
            )
        )
    ]


_MISHAPS: tuple[Callable[[random.Random, list[bytearray]], None], ...] = (
    *(_flip, _flip, _flip, _lie_of_length, _lie_of_fragment, _lie_of_item),
    *(_other_type, _drop, _repeat, _swap, _insert, _other_protocol),
)
