import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.scp.buffer import DataSetBuffer, Room

MIB = 1 << 20


def received(pieces: list[bytes], limit: int) -> bytes | None:
    """What a buffer holds after pieces came in through a real socket."""
    here, there = socket.socketpair()
    buffer = DataSetBuffer(limit, Room(MIB << 10))
    with here, there, ThreadPoolExecutor(1) as pool:
        sent = pool.submit(there.sendall, b"".join(pieces))
        for piece in pieces:
            buffer.receive(here, len(piece))
        sent.result()
    return buffer.take()


@given(st.lists(st.binary(max_size=5000), max_size=12))
def test_pieces_come_out_in_one(pieces: list[bytes]) -> None:
    """However a data set is cut, its bytes are the same."""
    assert received(pieces, limit=1 << 20) == b"".join(pieces)


def test_a_data_set_beyond_the_first_room_grows() -> None:
    """A data set of several steps and growths is whole."""
    pieces = [bytes([n]) * 700_000 for n in range(9)]
    assert received(pieces, limit=1 << 30) == b"".join(pieces)


@pytest.mark.parametrize(("size", "kept"), [(999, True), (1000, True), (1001, False)])
def test_over_the_limit_nothing_is_held(size: int, kept: bool) -> None:
    """Up to the limit a data set is kept, beyond it dropped; the next one starts afresh."""
    assert (received([bytes(size)], limit=1000) is not None) is kept


def test_an_end_within_a_data_set_is_told() -> None:
    """A connection that ends early is an EOFError, not a short data set."""
    here, there = socket.socketpair()
    there.sendall(b"half")
    there.close()
    with here, pytest.raises(EOFError):
        DataSetBuffer(100, Room(MIB)).receive(here, 8)


def filled(buffer: DataSetBuffer, size: int) -> None:
    """So many bytes come in."""
    here, there = socket.socketpair()
    with here, there, ThreadPoolExecutor(1) as pool:
        sent = pool.submit(there.sendall, bytes(size))
        buffer.receive(here, size)
        sent.result()


def test_all_data_sets_together_take_no_more_than_their_room() -> None:
    """Where others hold the room a data set is dropped; once they are stored there is some."""
    room = Room(40 * MIB)
    first, second = DataSetBuffer(64 * MIB, room), DataSetBuffer(64 * MIB, room)
    filled(first, 30 * MIB)
    filled(second, 20 * MIB)
    assert second.take() is None
    held = first.take()
    assert held is not None
    filled(second, 20 * MIB)
    assert second.take() is None, "what is being stored still takes its room"
    first.release()
    filled(second, 20 * MIB)
    assert second.take() == bytes(20 * MIB)


def test_a_connection_that_ends_gives_its_room_back() -> None:
    """A sender that breaks off in mid-image leaves no room taken."""
    room = Room(20 * MIB)
    for _ in range(3):
        broken_off = DataSetBuffer(64 * MIB, room)
        filled(broken_off, 12 * MIB)
        broken_off.close()
    assert room.take(20 * MIB)
