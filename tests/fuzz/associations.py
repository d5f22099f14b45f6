"""Association requests put together item by item, each of which may lie (PS3.8 section 9.3.2)."""

import random
import struct
from collections.abc import Callable

from tests.fuzz.conversations import ENDINGS, Conversation
from tests.support.upper_layer import RELEASE_RQ, c_store_rq, p_data

_APPLICATION, _PROPOSED, _ABSTRACT, _TRANSFER, _USER = 0x10, 0x20, 0x30, 0x40, 0x50
_CONTEXT_NAME = b"1.2.840.10008.3.1.1.1"
_CT, _EXPLICIT = b"1.2.840.10008.5.1.4.1.1.2", b"1.2.840.10008.1.2.1"
_UIDS = (
    *(
        b"",
        b"1",
        b".",
        b"1..2",
        b"9" * 65,
        b"9" * 5000,
        b"\0\0",
        b"1.2.3\0",
        b"\xff\xfe",
        b"1.2/../3",
    ),
    *(_CT, _EXPLICIT, b"1.2.840.10008.1.1", b"1.2.840.10008.3.1.1.1", b"1.2.840.10008.1.2.4.90"),
)
# Maximum length, implementation class and version, asynchronous operations, roles, extended and
# common extended negotiation, user identity asked and answered (PS3.7 Annex D), and unknown ones.
_USER_ITEMS = (
    *(0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59),
    0x00,
    0x10,
    0x20,
    0x50,
    0xFF,
)
_LENGTHS = (0, 1, 2, 3, 4, 5, 0x7FFF, 0x8000, 0xFFFF)
# Types of PDU: a request again, an acceptor's answers, data, release, abort, none at all.
_TYPES = (1, 1, 2, 3, 4, 5, 6, 7, 0, 8, 0x42)


def request_out_of_true(seed: int, number: int) -> Conversation:
    """The same conversation for the same numbers: a request, and what a sender says after it."""
    rng = random.Random(f"association {seed}:{number}")
    said = _pdu(rng, rng.choice(_BODIES)(rng))
    after = b""
    if rng.random() < 0.5:
        after = b"".join(rng.choice(_AFTER)(rng) for _ in range(rng.randint(1, 3)))
    before = rng.choice(_AFTER)(rng) if rng.random() < 0.1 else b""
    return Conversation(
        b"", (before + said, after) if after else (before + said,), rng.choice(ENDINGS)
    )


def _pdu(rng: random.Random, items: bytes) -> bytes:
    version = rng.choice((1, 1, 1, 1, 0, 2, 0xFFFF))
    titles = rng.choice(
        (b"PERFUSION".ljust(16) + b"FUZZ".ljust(16),) * 4 + (bytes(32), rng.randbytes(32))
    )
    body = struct.pack(">HH", version, rng.choice((0, 0, 0xFFFF))) + titles + bytes(32) + items
    length = len(body) if rng.random() < 0.8 else max(0, len(body) + rng.randint(-80, 80))
    return struct.pack(">BBI", rng.choice(_TYPES) if rng.random() < 0.1 else 1, 0, length) + body


def _item(rng: random.Random, kind: int, body: bytes, lie: float = 0.05) -> bytes:
    """An item whose length is now and then not its body's."""
    length = len(body) & 0xFFFF
    if rng.random() < lie:
        length = rng.choice((*_LENGTHS, max(0, length + rng.randint(-4, 4))))
    return struct.pack(">BBH", kind, 0, length & 0xFFFF) + body


def _uid(rng: random.Random, usual: bytes) -> bytes:
    return usual if rng.random() < 0.8 else rng.choice(_UIDS)


def _context(rng: random.Random, number: int, transfers: int = 1) -> bytes:
    syntaxes = [_item(rng, _ABSTRACT, _uid(rng, _CT))]
    syntaxes += [_item(rng, _TRANSFER, _uid(rng, _EXPLICIT)) for _ in range(transfers)]
    if rng.random() < 0.1:
        rng.shuffle(syntaxes)
    return _item(rng, _PROPOSED, struct.pack(">BBBB", number & 0xFF, 0, 0, 0) + b"".join(syntaxes))


def _user(rng: random.Random, items: int) -> bytes:
    usual = [_item(rng, 0x51, struct.pack(">I", rng.choice((16384, 0, 1, 7, 0xFFFFFFFF))))]
    usual.append(_item(rng, 0x52, _uid(rng, b"1.2.3")))
    for _ in range(items):
        body = rng.choice((rng.randbytes(rng.randint(0, 40)), struct.pack(">H", 0xFFFF), bytes(4)))
        usual.append(_item(rng, rng.choice(_USER_ITEMS), body, lie=0.2))
    return _item(rng, _USER, b"".join(usual))


def _usual(rng: random.Random) -> bytes:
    contexts = b"".join(_context(rng, 2 * n + 1) for n in range(rng.randint(1, 4)))
    return (
        _item(rng, _APPLICATION, _uid(rng, _CONTEXT_NAME))
        + contexts
        + _user(rng, rng.randint(0, 4))
    )


def _many_contexts(rng: random.Random) -> bytes:
    """More than the 128 that odd numbers of one byte can name, or the same one again and again."""
    numbers = range(rng.choice((129, 300, 1000)))
    step = rng.choice((0, 1, 2))
    contexts = b"".join(_context(rng, 1 + step * n) for n in numbers)
    return _item(rng, _APPLICATION, _CONTEXT_NAME) + contexts + _user(rng, 0)


def _many_syntaxes(rng: random.Random) -> bytes:
    return (
        _item(rng, _APPLICATION, _CONTEXT_NAME)
        + _context(rng, 1, rng.choice((200, 2000)))
        + _user(rng, 0)
    )


def _oversize(rng: random.Random) -> bytes:
    """An item as long as its length can say, and a request of a MiB of them."""
    one = _item(rng, rng.choice((_APPLICATION, _PROPOSED, _USER, 0x99)), bytes(0xFFFF))
    return one * rng.choice((1, 2, 15)) + _user(rng, 0)


def _nested(rng: random.Random) -> bytes:
    """Items where others belong, in each other."""
    body = rng.choice((b"", _EXPLICIT))
    for _ in range(rng.choice((2, 10, 200))):
        body = _item(rng, rng.choice((_APPLICATION, _PROPOSED, _ABSTRACT, _TRANSFER, _USER)), body)
    return body + _user(rng, rng.choice((0, 50)))


def _noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.choice((0, 1, 3, 4, 60, 3000)))


def _data(rng: random.Random) -> bytes:
    return p_data(c_store_rq(b"1.2.3"), rng.randrange(4))


def _other(rng: random.Random) -> bytes:
    return struct.pack(">BBI", rng.choice(_TYPES), 0, 4) + bytes(4)


_BODIES: tuple[Callable[[random.Random], bytes], ...] = (
    *(_usual, _usual, _usual, _many_contexts, _many_syntaxes, _oversize, _nested, _noise),
)
_AFTER: tuple[Callable[[random.Random], bytes], ...] = (
    *(_data, _other, _noise, lambda _: RELEASE_RQ, lambda rng: _pdu(rng, _usual(rng))),
)
