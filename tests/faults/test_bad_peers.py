"""Peers that are slow, idle, silent, greedy or hostile take nothing that others need.

The listener is a process of its own, whose memory, threads and descriptors are read from /proc.
"""

import socket
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from tests.support.ctp import CtpSpec, build_instance
from tests.support.listening import encoded
from tests.support.processes import Use, forget_peak, peak_mib, processor_s
from tests.support.raw_sender import ABORTED, ACCEPTED, REJECTED, raw_sender
from tests.support.running_node import free_port, wait_for
from tests.support.scp_process import scp_process, send
from tests.support.upper_layer import RELEASE_RQ, associate_rq, c_store_rq, p_data

MIB = 1 << 20
# What an allocator and an interpreter hold on to beside what they are asked for.
SLACK_MIB = 48.0
SUCCESS, NO_ROOM, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xC000
# The listener's own limits on what has asked for nothing, see node/scp/places.py.
MOST_SILENT = 32


@dataclass
class Scp:
    """A listener's process, and what it held before anybody came."""

    port: int
    pid: int
    spool: Path
    before: Use

    def check_serves(self, number: int = 0) -> None:
        """A sound image is taken."""
        sound = image(number)
        assert send(self.port, [sound]) == [str(sound.SOPInstanceUID)]

    def check_rests(self) -> None:
        """Every thread and descriptor that peers had cost is given back."""
        wait_for(lambda: Use.of(self.pid).threads <= self.before.threads, "threads end", 90)
        assert Use.of(self.pid).descriptors <= self.before.descriptors

    def files(self) -> list[Path]:
        return [path for path in self.spool.rglob("*") if path.is_file()]


def image(number: int) -> Dataset:
    return build_instance(CtpSpec(), 0, number)


@pytest.fixture
def scp(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scp]:
    """A listener with the settings that the test is given; it has stored one image."""
    port = free_port()
    with scp_process(tmp_path, port, settings=str(getattr(request, "param", ""))) as process:
        running = Scp(port, process.pid, tmp_path / "data" / "spool", Use.of(process.pid))
        running.check_serves()
        wait_for(lambda: Use.of(process.pid).threads <= running.before.threads, "it rests", 60)
        running.before = Use.of(process.pid)
        yield running


@pytest.mark.parametrize("scp", ["pdu_timeout_s = 3.0\n"], indirect=True)
@pytest.mark.parametrize("asked", [False, True], ids=["request", "image"])
def test_senders_of_a_few_bytes_a_second_are_cut_off(scp: Scp, asked: bool) -> None:
    """A PDU that does not come to its end holds no place for ever, however it trickles."""
    drip = associate_rq(b"PERFUSION", b"SLOW") if not asked else p_data(c_store_rq(b"1.2.3"))
    with ExitStack() as stack:
        slow = [stack.enter_context(raw_sender(scp.port)) for _ in range(10)]
        if asked:
            assert {sender.associate() for sender in slow} == {ACCEPTED}
        for place, byte in enumerate(drip[:100]):
            ended = 0
            for sender in slow:
                try:
                    sender.sock.send(bytes([byte]))
                except ConnectionError:
                    ended += 1
            if ended == len(slow):
                break
            if place == 1:
                scp.check_serves(1)
            time.sleep(0.3)
        assert ended == len(slow), "they were let go on"
    scp.check_rests()
    assert len(scp.files()) == 2


def test_two_hundred_idle_connections_of_one_peer_cost_little(scp: Scp) -> None:
    """One peer has 25 places at most; others come in, and little memory and time are taken."""
    with ExitStack() as stack:
        answers = Counter(stack.enter_context(raw_sender(scp.port)).associate() for _ in range(200))
        assert answers[ACCEPTED] == 25
        assert answers[REJECTED] == 175
        use = Use.of(scp.pid)
        assert use.threads <= scp.before.threads + 2 * 25 + MOST_SILENT
        assert use.memory_mib < scp.before.memory_mib + SLACK_MIB
        with raw_sender(scp.port, "127.0.0.2") as other:
            assert other.associate() == ACCEPTED
            sound = image(1)
            assert other.store(str(sound.SOPInstanceUID), encoded(sound)) == SUCCESS
            other.sock.sendall(RELEASE_RQ)
        time.sleep(1.0)
        began = processor_s(scp.pid)
        time.sleep(4.0)
        # pynetdicom alone would look at 25 associations 50,000 times a second, and take a core
        assert processor_s(scp.pid) - began < 1.0
    scp.check_rests()


def test_senders_that_never_release_give_way_to_one_that_has_something(scp: Scp) -> None:
    """Where all fifty places are held by associations that are quiet, the quietest ends."""
    with ExitStack() as stack:
        for number in range(50):
            peer = stack.enter_context(raw_sender(scp.port, f"127.0.0.{2 + number // 10}"))
            assert peer.associate() == ACCEPTED

        def came_in() -> bool:
            with raw_sender(scp.port, "127.0.0.9") as late:
                if late.associate() == REJECTED:
                    return False
                sound = image(1)
                return late.store(str(sound.SOPInstanceUID), encoded(sound)) == SUCCESS

        assert not came_in(), "nobody was quiet for long"
        wait_for(came_in, "a place is free", 40)
    scp.check_rests()


def large_image(number: int, mib: int) -> tuple[str, bytes]:
    """A sound image with a private element of so many MiB."""
    dataset = image(number)
    block = dataset.private_block(0x7FE1, "BAD PEER", create=True)
    block.add_new(0x10, "OB", bytes(mib * MIB))
    return str(dataset.SOPInstanceUID), encoded(dataset)


@pytest.mark.parametrize(
    "scp", ["max_instance_mib = 64.0\nmax_receiving_mib = 100.0\n"], indirect=True
)
def test_large_images_of_many_senders_share_a_bounded_memory(scp: Scp) -> None:
    """Six times 40 MiB do not fit into 100: some are stored, the others asked to try again."""
    forget_peak(scp.pid)
    images = [large_image(number, 40) for number in range(1, 7)]
    with ExitStack() as stack, ThreadPoolExecutor(6) as pool:
        senders = [stack.enter_context(raw_sender(scp.port)) for _ in images]
        assert {sender.associate() for sender in senders} == {ACCEPTED}
        half = []
        for sender, (uid, data_set) in zip(senders, images, strict=True):
            sender.sock.sendall(p_data(c_store_rq(uid.encode())))
            half.append(pool.submit(sender.sock.sendall, p_data(data_set[: 38 * MIB], control=0)))
        for sent in half:  # each of them has most of its image on the way
            sent.result()
        for sender, (_, data_set) in zip(senders, images, strict=True):
            sender.sock.sendall(p_data(data_set[38 * MIB :], control=2))
        statuses = Counter(sender.status() for sender in senders)
    assert set(statuses) == {SUCCESS, NO_ROOM}
    assert statuses[SUCCESS] + statuses[NO_ROOM] == 6
    # the buffers, and for a moment a copy of each of the images in them
    assert peak_mib(scp.pid) < scp.before.memory_mib + 2 * 100 + SLACK_MIB
    with raw_sender(scp.port) as again:
        again.associate()
        assert [again.store(*each) for each in images] == [SUCCESS] * 6


@pytest.mark.parametrize("scp", ["max_instance_mib = 64.0\n"], indirect=True)
def test_a_data_set_without_end_is_not_held(scp: Scp) -> None:
    """A PDU that claims 4 GiB and fills 300 MiB takes no more than the size of an instance."""
    forget_peak(scp.pid)
    with raw_sender(scp.port) as sender:
        assert sender.associate() == ACCEPTED
        sender.sock.sendall(p_data(c_store_rq(b"1.2.3")))
        claimed = (0xFFFFFFF0).to_bytes(4, "big")
        pdv = (0xFFFFFFE0).to_bytes(4, "big")
        sender.sock.sendall(b"\x04\0" + claimed + pdv + b"\x01\x00")
        for _ in range(300):
            sender.sock.sendall(bytes(MIB))
        scp.check_serves(1)
    assert peak_mib(scp.pid) < scp.before.memory_mib + 64 + SLACK_MIB
    scp.check_rests()
    assert len(scp.files()) == 2


@pytest.mark.parametrize("scp", ["max_instance_mib = 64.0\n"], indirect=True)
def test_deflate_bombs_at_once_take_the_memory_of_one(scp: Scp) -> None:
    """A MiB that inflates to a GiB is followed to the size of an instance, one at a time."""
    bomb = bytearray(zlib.compressobj(wbits=-15).compress(encoded(image(1))))
    deflater = zlib.compressobj(9, wbits=-15)
    for _ in range(1024):
        bomb += deflater.compress(bytes(MIB))
    bomb += deflater.flush()
    forget_peak(scp.pid)

    def status(_: int) -> int | None:
        with raw_sender(scp.port) as sender:
            sender.associate([DeflatedExplicitVRLittleEndian])
            return sender.store(str(image(1).SOPInstanceUID), bytes(bomb))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(status, range(8))) == [NOT_UNDERSTOOD] * 8
    assert peak_mib(scp.pid) < scp.before.memory_mib + 64 + SLACK_MIB
    scp.check_serves(2)


def hostile_header(kind: str) -> bytes:
    """The start of a sound image, and then what no scanner sends."""
    start = encoded(image(1))[:200]
    sequence = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\xff\xff\xff\xff"
    if kind == "sequences in each other":
        return start + sequence * 200_000
    if kind == "a value of 4 GiB":
        return start + b"\x08\0\x00\x20UT\0\0\xf0\xff\xff\xff" + bytes(1000)
    if kind == "items without end":
        return start + sequence[:12] + (sequence[12:] + b"\xfe\xff\x0d\xe0\0\0\0\0") * 100_000
    elements = (0x1000 + number for number in range(60_000))
    return start + b"".join(b"\x09\0" + n.to_bytes(2, "little") + b"LO\x02\0xy" for n in elements)


@pytest.mark.parametrize(
    "kind",
    [
        "sequences in each other",
        "a value of 4 GiB",
        "items without end",
        "elements by the thousand",
    ],
)
def test_hostile_headers_take_little_memory_and_nobodys_place(scp: Scp, kind: str) -> None:
    """Whatever a header claims is answered C000, while another sender's image is taken."""
    forget_peak(scp.pid)
    header = hostile_header(kind)
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        senders = [stack.enter_context(raw_sender(scp.port)) for _ in range(4)]
        assert {sender.associate() for sender in senders} == {ACCEPTED}
        uid = str(image(1).SOPInstanceUID)
        answers = [pool.submit(sender.store, uid, header) for sender in senders]
        scp.check_serves(2)
        assert [answer.result() for answer in answers] == [NOT_UNDERSTOOD] * 4
    # four data sets of up to 4 MiB each, taken apart in Python
    assert peak_mib(scp.pid) < scp.before.memory_mib + 4 * SLACK_MIB
    scp.check_rests()
    assert len(scp.files()) == 2


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: node\r\n\r\n",
        b"\x16\x03\x01\x02\0" + bytes(600),
        b"\x01\0" + (0xFFFFFFFF).to_bytes(4, "big") + bytes(100_000),
        associate_rq(b"PERFUSION", b"LONG")[:74] + (b"\x20\0\xff\xff" + bytes(0xFFFF)) * 20,
    ],
    ids=["HTTP", "TLS", "4 GiB of request", "a request of oversize items"],
)
def test_garbage_before_the_association_costs_nothing(scp: Scp, said: bytes) -> None:
    """Fifty who say it are each aborted or let go; nothing of it is held."""
    forget_peak(scp.pid)
    with ExitStack() as stack:
        for _ in range(50):
            sock = stack.enter_context(raw_sender(scp.port)).sock
            try:
                sock.sendall(said)
                sock.shutdown(socket.SHUT_WR)
                assert sock.recv(1) in (bytes([ABORTED]), b"")
            except OSError:
                continue  # cut off before all of it was said
        scp.check_serves(1)
    assert peak_mib(scp.pid) < scp.before.memory_mib + SLACK_MIB
    scp.check_rests()
