"""A sender of bytes: what a toolkit would not send, or not so, from whichever address."""

import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pydicom.uid import ExplicitVRLittleEndian

from tests.support.upper_layer import associate_rq, c_store_rq, p_data, read_pdu

ACCEPTED, REJECTED, DATA, ABORTED = 0x02, 0x03, 0x04, 0x07
PATIENCE_S = 120.0
_FRAGMENT = 100_000
_STATUS = struct.pack("<HHI", 0, 0x0900, 2)


class RawSender:
    """One connection; ``heard`` is the type of the PDU that answered the association request."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.heard = 0

    def associate(self, syntaxes: Sequence[str] = (ExplicitVRLittleEndian,)) -> int:
        """The type of the answer, 0 where the connection ended; a context (1, 3 ...) for each."""
        self.sock.sendall(associate_rq(b"PERFUSION", b"RAW", syntaxes))
        self.heard = (read_pdu(self.sock) or b"\0")[0]
        return self.heard

    def store(self, sop_instance_uid: str, data_set: bytes, context: int = 1) -> int | None:
        """The status of a C-STORE of any bytes; None where the answer is none."""
        self.sock.sendall(p_data(c_store_rq(sop_instance_uid.encode()), 3, context))
        for at in range(0, len(data_set), _FRAGMENT):
            last = 2 if at + _FRAGMENT >= len(data_set) else 0
            self.sock.sendall(p_data(data_set[at : at + _FRAGMENT], last, context))
        return self.status()

    def status(self) -> int | None:
        """The status in the next PDU; None where it has none."""
        answer = read_pdu(self.sock)
        if answer[:1] != bytes([DATA]):
            return None
        at = answer.find(_STATUS) + len(_STATUS)
        return int.from_bytes(answer[at : at + 2], "little")


@contextmanager
def raw_sender(port: int, source: str = "127.0.0.1") -> Iterator[RawSender]:
    """A connection from an address of this machine, closed at the end of the block."""
    address = ("127.0.0.1", port)
    with socket.create_connection(address, PATIENCE_S, source_address=(source, 0)) as sock:
        yield RawSender(sock)
