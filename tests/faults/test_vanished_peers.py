"""Peers that are gone without a word, in a network of their own whose cable can be pulled."""

import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ctp import CtpSpec, build_instance
from tests.support.listening import encoded
from tests.support.namespace import in_a_network_of_its_own
from tests.support.peers import require
from tests.support.processes import Use
from tests.support.raw_sender import ACCEPTED, raw_sender
from tests.support.running_node import free_port, wait_for
from tests.support.scp_process import scp_process, send
from tests.support.upper_layer import c_store_rq, p_data

SILENCE_S = 5.0
# An address of this machine, and one that nobody has.
HERE, NOWHERE = "10.99.0.1", "10.99.1.77"
_SYN, _SYN_RECEIVED = 2, "03"


def check_serves(port: int) -> None:
    """A sound image is taken."""
    sound = build_instance(CtpSpec(), 0, 1)
    assert send(port, [sound]) == [str(sound.SOPInstanceUID)]


@contextmanager
def cable_pulled() -> Iterator[None]:
    """Nothing of what is sent in this network arrives."""
    ip = require("ip", package="iproute2")
    subprocess.run([ip, "link", "set", "lo", "down"], check=True)
    try:
        yield
    finally:
        subprocess.run([ip, "link", "set", "lo", "up"], check=True)


def test_a_peer_that_vanishes_in_mid_image_is_let_go(tmp_path: Path) -> None:
    """No FIN and no RST ever comes: after the idle time its place is free, and nothing is kept."""

    def vanish() -> tuple[Use, Use, Use]:
        port = free_port()
        settings = f"idle_timeout_s = {SILENCE_S}\npdu_timeout_s = {SILENCE_S}\n"
        with scp_process(tmp_path, port, settings=settings) as process:
            before = _at_rest(process.pid)
            with raw_sender(port) as peer:
                assert peer.associate() == ACCEPTED
                peer.sock.sendall(p_data(c_store_rq(b"1.2.3")))
                half = encoded(build_instance(CtpSpec(), 0, 0))[:900]
                peer.sock.sendall(p_data(half, control=0))
                # Its end is a reset, and the cable is pulled before that is sent.
                reset = struct.pack("ii", 1, 0)
                peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                with cable_pulled():
                    peer.sock.close()
            held = Use.of(process.pid)
            check_serves(port)
            wait_for(lambda: Use.of(process.pid).threads <= before.threads, "it is let go", 90)
            return before, held, Use.of(process.pid)

    before, held, after = in_a_network_of_its_own(vanish)
    assert held.descriptors > before.descriptors, "the listener heard of it"
    assert after.descriptors <= before.descriptors
    assert len(list((tmp_path / "data" / "spool").rglob("*.dcm"))) == 1


def test_half_open_connections_keep_nobody_out(tmp_path: Path) -> None:
    """Five hundred SYNs that nobody follows up: the kernel's queue is full, and senders come in."""

    def knock() -> tuple[int, Use, Use]:
        ip = require("ip", package="iproute2")
        # what is sent to nowhere comes back, is nobody's, and is dropped
        subprocess.run([ip, "addr", "add", HERE, "dev", "lo"], check=True)
        subprocess.run([ip, "route", "add", NOWHERE, "dev", "lo"], check=True)
        port = free_port()
        with scp_process(tmp_path, port, settings='host = "0.0.0.0"\n') as process:
            before = _at_rest(process.pid)
            with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
                for number in range(500):
                    raw.sendto(_syn(20_000 + number, port), (HERE, 0))
            half_open = _half_open(port)
            check_serves(port)
            return half_open, before, Use.of(process.pid)

    half_open, before, after = in_a_network_of_its_own(knock)
    assert half_open > 50
    assert after.descriptors <= before.descriptors + 1
    assert after.threads <= before.threads + 2


def _at_rest(pid: int) -> Use:
    """What a listener holds that has just answered somebody, once it is done with that."""
    seen = [Use.of(pid)]

    def still() -> bool:
        seen.append(Use.of(pid))
        return len(seen) > 10 and len({(use.threads, use.descriptors) for use in seen[-10:]}) == 1

    wait_for(still, "the listener rests", 60)
    return seen[-1]


def _half_open(port: int) -> int:
    """How many handshakes with a port have begun and not ended, in this thread's network."""
    lines = Path("/proc/thread-self/net/tcp").read_text().splitlines()[1:]
    found = [line.split() for line in lines]
    return sum(f[1].endswith(f":{port:04X}") and f[3] == _SYN_RECEIVED for f in found)


def _syn(source_port: int, port: int) -> bytes:
    """An IPv4 packet with a TCP segment that asks for a connection from an address nobody has."""
    ends = socket.inet_aton(NOWHERE) + socket.inet_aton(HERE)
    tcp = struct.pack(">HHIIBBHHH", source_port, port, 1, 0, 5 << 4, _SYN, 1024, 0, 0)
    checksum = _checksum(ends + struct.pack(">BBH", 0, socket.IPPROTO_TCP, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack(">H", checksum) + tcp[18:]
    return struct.pack(">BBHHHBBH", 0x45, 0, 40, 0, 0, 64, socket.IPPROTO_TCP, 0) + ends + tcp


def _checksum(data: bytes) -> int:
    """Of the Internet (RFC 1071)."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
