"""TLS of the listener: handshakes in threads of their own, each with its time."""

import select
import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import cast

from node import log, tls
from node.errors import SettingsError
from node.settings import ScpTls

_LOG = log.get("scp")
# Connections that are within their handshake: over this many the oldest are let go, so that
# somebody who only connects takes nothing from those who send.
_MOST_SHAKING = 32
_ENDED = "the connection ended within the handshake"


class HandshakeError(Exception):
    """A connection that did not become an encrypted one; its message says why."""


class TlsSocket(ssl.SSLSocket):
    """An encrypted connection whose next bytes can be looked at without taking them."""

    _ahead = b""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """As any socket's; of the flags it knows MSG_PEEK."""
        if flags == socket.MSG_PEEK:
            if not self._ahead:
                self._ahead = super().recv(buflen)
            return self._ahead[:buflen]
        if not self._ahead:
            return super().recv(buflen, flags)
        taken, self._ahead = self._ahead[:buflen], self._ahead[buflen:]
        return taken

    def recv_into(self, buffer, nbytes=None, flags=0):  # type: ignore[no-untyped-def]
        """As any socket's."""
        if not self._ahead:
            return super().recv_into(buffer, nbytes, flags)
        view = memoryview(buffer)
        taken = self._ahead[: nbytes or len(view)]
        view[: len(taken)] = taken
        self._ahead = self._ahead[len(taken) :]
        return len(taken)

    def shutdown(self, how: int) -> None:
        """As any socket's, while another thread reads: that one finds the end, and no fault."""
        socket.socket.shutdown(self, how)

    def pending(self) -> int:
        """How many bytes can be read without waiting; a poll of the connection misses these."""
        return len(self._ahead) + super().pending()


def has_read_ahead(connection: socket.socket) -> bool:
    """Whether bytes can be read that a poll does not know of."""
    return isinstance(connection, TlsSocket) and connection.pending() > 0


class Encryption:
    """Turns accepted connections into encrypted ones.

    Certificates are read again when their files change, so that a renewed one counts for the next
    connection; while the new ones cannot be used, the last that could are.

    Parameters
    ----------
    settings
        Certificates, who must show one, and how long a handshake may take.

    Raises
    ------
    SettingsError
        If a certificate or key cannot be used.
    """

    def __init__(self, settings: ScpTls) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._shaking: dict[TlsSocket, float] = {}
        self._read = self._changes()
        self._context = _context(settings)

    def over(self, connection: socket.socket) -> TlsSocket:
        """The connection, encrypted; the time that this takes is bounded.

        Raises
        ------
        HandshakeError
            If the peer does not speak TLS, or not well enough, or takes too long; the connection
            is closed.
        """
        deadline = time.monotonic() + self._settings.handshake_s
        connection.setblocking(False)
        try:
            wrapped = cast(
                TlsSocket,
                self._current().wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                ),
            )
        except OSError as fault:
            connection.close()
            raise HandshakeError(_ENDED) from fault
        try:
            self._begin(wrapped, deadline)
            _shake(wrapped, deadline)
        except HandshakeError:
            wrapped.close()
            raise
        finally:
            with self._lock:
                self._shaking.pop(wrapped, None)
        wrapped.setblocking(True)
        return wrapped

    def close(self) -> None:
        """Ends what is within its handshake."""
        with self._lock:
            for each in self._shaking:
                _cut(each)

    def _begin(self, wrapped: TlsSocket, deadline: float) -> None:
        with self._lock:
            self._shaking[wrapped] = deadline
            for each in sorted(self._shaking, key=self._shaking.__getitem__)[:-_MOST_SHAKING]:
                _cut(each)

    def _current(self) -> ssl.SSLContext:
        with self._lock:
            if (found := self._changes()) != self._read:
                self._read = found
                try:
                    self._context = _context(self._settings)
                except SettingsError as fault:
                    _LOG.error("certificate_not_usable", found=str(fault), remedy=fault.remedy)
                else:
                    _LOG.info("certificate_read_again", file=str(self._settings.cert))
            return self._context

    def _changes(self) -> tuple[float, ...]:
        files = (self._settings.cert, self._settings.key, self._settings.ca)
        return tuple(_changed(each) for each in files if each is not None)


def _context(settings: ScpTls) -> ssl.SSLContext:
    context = tls.acceptor(settings)
    context.sslsocket_class = TlsSocket
    return context


def _shake(wrapped: TlsSocket, deadline: float) -> None:
    """A handshake without blocking: a peer that drips its bytes has no more time for it."""
    while True:
        try:
            wrapped.do_handshake()
        except ssl.SSLWantReadError:
            _await(wrapped, select.POLLIN, deadline)
        except ssl.SSLWantWriteError:
            _await(wrapped, select.POLLOUT, deadline)
        except ssl.SSLError as fault:
            raise HandshakeError(tls.words(fault)) from fault
        except OSError as fault:
            raise HandshakeError(_ENDED) from fault
        else:
            return


def _await(wrapped: TlsSocket, events: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(wrapped, events)
    left_s = deadline - time.monotonic()
    if left_s <= 0 or not poll.poll(left_s * 1000.0):
        raise HandshakeError("the handshake took too long")


def _cut(wrapped: TlsSocket) -> None:
    with suppress(OSError):
        wrapped.shutdown(socket.SHUT_RDWR)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
