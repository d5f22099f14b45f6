"""Broken and hostile conversations with a listener of its own process: ``--wire``.

After every thousand a sound image must be taken, by the same process, which must not have grown:
threads, descriptors and memory are read from /proc.
"""

import socket
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.conversations import Conversation, conversation
from tests.support.ctp import CtpSpec, build_instance
from tests.support.listening import encoded
from tests.support.running_node import free_port, wait_for
from tests.support.scp_process import scp_process, send
from tests.support.upper_layer import read_pdu

AT_ONCE = 8
EVERY = 1000
ANSWER_S = 3.0
SETTINGS = "idle_timeout_s = 2.0\nmax_associations = 200\n"
ABORTED, REJECTED = 7, 3


@dataclass(frozen=True)
class Use:
    """What a process holds."""

    threads: int
    descriptors: int
    memory_mib: float

    @classmethod
    def of(cls, pid: int) -> "Use":
        """What it holds now."""
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        )
        descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        memory_mib = int(status["VmRSS"].split()[0]) / 1024.0
        return cls(int(status["Threads"]), descriptors, memory_mib)


@dataclass
class Heard:
    """How conversations ended, and what the listener held, every so often and at rest."""

    endings: Counter[str] = field(default_factory=Counter)
    uses: list[Use] = field(default_factory=list)
    at_rest: Use | None = None

    @property
    def conversations(self) -> int:
        """How many there were."""
        return self.endings.total()


def fuzz_wire(cases: int, seed: int = 0, start: int = 0) -> Iterator[Heard]:
    """What was heard so far, after every thousand conversations and at the end.

    Parameters
    ----------
    cases
        How many conversations.
    seed
        Of all of them.
    start
        The first one's number: a run may go on where another stopped.

    Raises
    ------
    AssertionError
        If the listener dies, no longer takes a sound image, or keeps threads or descriptors.
    """
    heard, port = Heard(), free_port()
    bystander = build_instance(CtpSpec(), 0, 0)
    other = build_instance(CtpSpec(), 0, 1)
    said, uid = encoded(other), str(other.SOPInstanceUID)
    with (
        tempfile.TemporaryDirectory() as folder,
        scp_process(Path(folder), port, settings=SETTINGS) as process,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        taken = [str(bystander.SOPInstanceUID)]
        assert send(port, [bystander]) == taken
        before = _at_rest(process.pid, Use.of(process.pid).threads)
        for first in range(start, start + cases, EVERY):
            numbers = range(first, min(first + EVERY, start + cases))
            talks = (conversation(seed, number, said, uid) for number in numbers)
            heard.endings.update(pool.map(lambda talk: _hold(port, talk), talks))
            assert process.poll() is None, f"the listener died after {heard.conversations}"
            assert send(port, [bystander]) == taken, f"no service after {heard.conversations}"
            heard.uses.append(Use.of(process.pid))
            yield heard
        heard.at_rest = _at_rest(process.pid, before.threads)
        assert heard.at_rest.descriptors <= before.descriptors, (before, heard.at_rest)
        yield heard


def _at_rest(pid: int, threads: int) -> Use:
    """What the process holds once no association is left."""
    wait_for(lambda: Use.of(pid).threads <= threads, "the listener's threads end", 120)
    time.sleep(0.5)
    return Use.of(pid)


def _hold(port: int, talk: Conversation) -> str:
    """How one conversation ended."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S) as sock:
        if talk.ending == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            if talk.request:
                sock.sendall(talk.request)
                read_pdu(sock)
            for piece in talk.pieces:
                sock.sendall(piece)
            if talk.ending == "reset":
                return "reset by the sender"
            if talk.ending == "half-closed":
                sock.shutdown(socket.SHUT_WR)
            return _answer(sock)
        except TimeoutError:
            return "left waiting"
        except OSError:
            return "cut off by the listener"


def _answer(sock: socket.socket) -> str:
    """What the listener said last."""
    heard = b""
    while piece := sock.recv(65536):
        heard += piece
    if not heard:
        return "closed without a word"
    last = heard[-10:]
    if last[:1] == bytes([ABORTED]):
        return "aborted"
    return "rejected" if last[:1] == bytes([REJECTED]) else "answered"
