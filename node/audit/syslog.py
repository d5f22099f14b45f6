"""Syslog messages of RFC 5424, over UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425)."""

import os
import socket
import ssl
from contextlib import suppress
from datetime import datetime

from node import tls
from node.settings import AuditSettings

# Facility 10 (security and authorisation), severity 5 (notice): PS3.15 A.6.1.
_PRIORITY = 10 * 8 + 5
_APPLICATION = "perfusion-node"
_KIND = "DICOM+RFC3881"  # MSGID of PS3.15 A.6.1
_CONNECT_S = 5.0
_BOM = b"\xef\xbb\xbf"
_LONGEST_DATAGRAM = 65_000


def message(body: bytes, at: datetime, host: str) -> bytes:
    """A message as RFC 5424 has it, with a body in UTF-8."""
    moment = at.isoformat(timespec="milliseconds")
    head = f"<{_PRIORITY}>1 {moment} {host} {_APPLICATION} {os.getpid()} {_KIND} - "
    return head.encode("ascii", "replace") + _BOM + body


class Wire:
    """The way to a syslog server; it is connected again after a fault.

    Parameters
    ----------
    settings
        Where the server is, and how it is reached.
    """

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self._socket: socket.socket | None = None

    def send(self, text: bytes) -> None:
        """Hand a message over.

        Raises
        ------
        OSError
            If it cannot be.
        SettingsError
            If a certificate cannot be used.
        """
        if self._socket is None:
            self._socket = self._connected()
        try:
            if self._settings.protocol == "udp":
                self._socket.send(text[:_LONGEST_DATAGRAM])
            else:
                self._require_open(self._socket)
                self._socket.sendall(b"%d %s" % (len(text), text))
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """End the connection."""
        sock, self._socket = self._socket, None
        if sock is not None:
            with suppress(OSError):
                sock.close()

    def _connected(self) -> socket.socket:
        place = (self._settings.host, self._settings.port)
        if self._settings.protocol == "udp":
            family, kind, *_, address = socket.getaddrinfo(*place, type=socket.SOCK_DGRAM)[0]
            sock = socket.socket(family, kind)
            sock.connect(address)
            return sock
        sock = socket.create_connection(place, _CONNECT_S)
        if self._settings.protocol == "tls":
            files = self._settings.tls
            context = tls.requestor(files, "audit.tls", check_host=files.check_host)
            return context.wrap_socket(sock, server_hostname=self._settings.host)
        return sock

    @staticmethod
    def _require_open(sock: socket.socket) -> None:
        """A server never says anything: what can be read is its end, and a write would be lost."""
        sock.setblocking(False)
        try:
            if not sock.recv(1):
                raise ConnectionResetError("the syslog server ended the connection")
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        finally:
            sock.settimeout(_CONNECT_S)
