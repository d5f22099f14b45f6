"""A DICOMweb server in memory, on 127.0.0.1, that answers as it is told."""

import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

from pydicom import Dataset, dcmread

from node.settings import WebDestination
from tests.support.running_node import free_port

JSON = "application/dicom+json"


@dataclass(frozen=True)
class Reply:
    """What a request is answered; ``status`` 0 ends the connection instead."""

    status: int = 200
    body: bytes = b""
    media_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    objects: tuple[Dataset, ...] = ()
    size: int = 0

    @property
    def uids(self) -> list[str]:
        return [str(o.SOPInstanceUID) for o in self.objects]


def report(
    stored: dict[str, int | None], failed: dict[str, int | None], status: int = 200
) -> Reply:
    """A Store Instances Response that names these objects, with warnings and reasons."""
    body = {
        "00081199": {"vr": "SQ", "Value": [_item(u, "00081196", w) for u, w in stored.items()]},
        "00081198": {"vr": "SQ", "Value": [_item(u, "00081197", r) for u, r in failed.items()]},
    }
    return Reply(status, json.dumps({k: v for k, v in body.items() if v["Value"]}).encode())


def _item(uid: str, tag: str, reason: int | None) -> dict[str, Any]:
    item: dict[str, Any] = {"00081155": {"vr": "UI", "Value": [uid]}}
    if reason is not None:
        item[tag] = {"vr": "US", "Value": [reason]}
    return item


def all_stored(asked: Asked) -> Reply:
    """What a server without a fault answers."""
    if asked.method == "POST":
        return report(dict.fromkeys(asked.uids), {})
    return Reply(200, b"[]")


@dataclass
class FakeDicomWeb:
    """A server that keeps what it was sent.

    Parameters
    ----------
    answer
        Answers every request; objects of requests that it answers with 200 count as received.
    """

    answer: Callable[[Asked], Reply] = all_stored
    asked: list[Asked] = field(default_factory=list)
    received: Counter[str] = field(default_factory=Counter)
    port: int = field(default_factory=free_port)
    tls: ssl.SSLContext | None = None
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/dicom-web"

    def destination(self, **values: Any) -> WebDestination:
        return WebDestination(name="web", **{"url": self.url, **values})

    def open(self) -> None:
        """Listen, again if it was closed."""
        self.server = _Server(("127.0.0.1", self.port), _handler(self))
        if self.tls:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections from now on, and end those that there are."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server.end_connections()
            self.server = None

    def replied(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        reply = self.answer(asked)
        if reply.status == 200:
            self.received.update(asked.uids)
        return reply


class _Server(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.append(request)
        super().process_request(request, client_address)

    def end_connections(self) -> None:
        for each in self._open:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # ended by itself

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or trusts us not, is what some tests are about."""


@contextmanager
def dicomweb(
    answer: Callable[[Asked], Reply] = all_stored, tls: ssl.SSLContext | None = None
) -> Iterator[FakeDicomWeb]:
    """A running server, for the length of a ``with`` block."""
    fake = FakeDicomWeb(answer, tls=tls)
    fake.open()
    try:
        yield fake
    finally:
        fake.close()


def _handler(fake: FakeDicomWeb) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply(fake.replied(Asked("GET", self.path, dict(self.headers))))

        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            body = self.rfile.read(size)
            objects = tuple(parts_of(body, self.headers["Content-Type"]))
            self._reply(fake.replied(Asked("POST", self.path, dict(self.headers), objects, size)))

        def _reply(self, reply: Reply) -> None:
            if not reply.status:
                self.close_connection = True
                return
            self.send_response(reply.status)
            if reply.body:
                self.send_header("Content-Type", reply.media_type)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            """The tests look at requests, not at lines."""

    return Handler


def parts_of(body: bytes, content_type: str) -> Iterator[Dataset]:
    """The objects of a multipart/related body, each of them whole."""
    assert content_type.startswith('multipart/related; type="application/dicom"; boundary=')
    delimiter = b"--" + content_type.rpartition("boundary=")[2].encode()
    opening, *parts, closing = body.split(delimiter)
    assert (opening, closing) == (b"", b"--\r\n")
    for part in parts:
        head, _, content = part.partition(b"\r\n\r\n")
        assert head == b"\r\nContent-Type: application/dicom"
        assert content.endswith(b"\r\n")
        yield dcmread(BytesIO(content[:-2]))


def uids_of(datasets: Sequence[Dataset]) -> list[str]:
    return [str(d.SOPInstanceUID) for d in datasets]
