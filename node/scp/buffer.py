"""Where a data set grows while it comes in, without a copy between socket and bytes."""

import socket

# A claimed length is believed one step at a time: a peer gets no more memory than it fills.
_STEP = 1 << 20
_KEPT = 16 << 20


class DataSetBuffer:
    """Bytes of one data set; over its limit they are read and dropped.

    Parameters
    ----------
    limit
        Most bytes that are kept [bytes].
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = bytearray()
        self._size = 0
        self._dropped = False

    def receive(self, sock: socket.socket, size: int) -> None:
        """Appends ``size`` bytes from the socket.

        Raises
        ------
        EOFError
            If the connection ends before.
        OSError
            If it fails or stalls.
        """
        while size:
            step = min(size, _STEP)
            self._dropped = self._dropped or self._size + step > self._limit
            at = 0 if self._dropped else self._size
            self._make_room(at + step)
            receive_into(sock, self._bytes, at, step)
            self._size = at if self._dropped else at + step
            size -= step

    def take(self) -> bytes | None:
        """The data set, or None if it was over the limit; the buffer is empty afterwards."""
        data_set = None if self._dropped else bytes(memoryview(self._bytes)[: self._size])
        if len(self._bytes) > _KEPT:
            self._bytes = bytearray()
        self._size, self._dropped = 0, False
        return data_set

    def _make_room(self, size: int) -> None:
        if size > len(self._bytes):
            self._bytes.extend(bytes(max(size, 2 * len(self._bytes)) - len(self._bytes)))


def receive_into(sock: socket.socket, target: bytearray, at: int, size: int) -> None:
    """Fills ``target[at : at + size]`` from the socket.

    Raises
    ------
    EOFError
        If the connection ends before.
    OSError
        If it fails or stalls.
    """
    end = at + size
    with memoryview(target) as view:
        while at < end:
            count = sock.recv_into(view[at:end])
            if not count:
                raise EOFError("the connection ended within a PDU")
            at += count
