"""A syslog server that keeps what it is told: UDP, or TCP and TLS with counted octets."""

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from xml.etree import ElementTree as Xml

HEAD = re.compile(
    rb"<85>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 \S+ perfusion-node \d+ DICOM\+RFC3881 - "
    rb"\xef\xbb\xbf"
)


@dataclass
class Kept:
    """Audit messages, in the order in which they came."""

    port: int
    messages: list[Xml.Element] = field(default_factory=list)

    def take(self, text: bytes) -> None:
        head = HEAD.match(text)
        assert head, text[:120]
        self.messages.append(Xml.fromstring(text[head.end() :]))  # noqa: S314 - the node made it

    def events(self) -> list[str]:
        """The meaning of each message's event, with its type."""
        found = []
        for message in self.messages:
            event = message.find("EventIdentification")
            assert event is not None
            found.append(": ".join(code.attrib["originalText"] for code in event if code.attrib))
        return found

    def of(self, event: str) -> Xml.Element:
        """The only message of an event."""
        (found,) = (m for m, e in zip(self.messages, self.events(), strict=True) if e == event)
        return found


@contextmanager
def datagrams() -> Iterator[Kept]:
    """A server on UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        kept = Kept(sock.getsockname()[1])

        def serve() -> None:
            with suppress(OSError):
                while text := sock.recv(65536):
                    kept.take(text)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield kept


@contextmanager
def streams(tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Kept]:
    """A server on TCP, or on TLS."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        kept = Kept(listener.getsockname()[1])
        open_now: list[socket.socket] = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    sock, _ = listener.accept()
                    open_now.append(sock)
                    threading.Thread(target=read, args=[sock], daemon=True).start()

        def read(sock: socket.socket) -> None:
            with suppress(OSError, ValueError):
                secure = tls.wrap_socket(sock, server_side=True) if tls else sock
                open_now.append(secure)
                stream = secure.makefile("rb")
                while size := _size(stream):
                    kept.take(stream.read(size))

        threading.Thread(target=serve, daemon=True).start()
        yield kept
        listener.shutdown(socket.SHUT_RDWR)
        for each in open_now:
            with suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)


def _size(stream: object) -> int:
    digits = b""
    while (digit := stream.read(1)) not in (b" ", b""):  # type: ignore[attr-defined]
        digits += digit
    return int(digits or b"0")
