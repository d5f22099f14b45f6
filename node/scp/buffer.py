"""Where a data set grows while it comes in, without a copy between socket and bytes."""

import socket
import threading

# A claimed length is believed one step at a time: a peer gets no more memory than it fills.
STEP_BYTES = 1 << 20
_KEPT = 16 << 20


class Room:
    """How many bytes the data sets of all associations together may take.

    Parameters
    ----------
    size
        That many [bytes].
    """

    def __init__(self, size: int) -> None:
        self._free = size
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Whether there was room for so many more bytes; if so, they are taken."""
        with self._lock:
            if size > self._free:
                return False
            self._free -= size
            return True

    def give_back(self, size: int) -> None:
        """What was taken is free again."""
        with self._lock:
            self._free += size


class DataSetBuffer:
    """Bytes of one data set; over its limit, or where there is no room, they are read and dropped.

    Parameters
    ----------
    limit
        Most bytes that are kept [bytes].
    room
        Shared with the other associations.
    """

    def __init__(self, limit: int, room: Room) -> None:
        self._limit, self._room, self._taken = limit, room, 0
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
            step = min(size, STEP_BYTES)
            if not self._dropped and not self._grown(self._size + step):
                self._dropped = True
                self._cut()
            if self._dropped:
                receive_into(sock, bytearray(step), 0, step)
            else:
                receive_into(sock, self._bytes, self._size, step)
                self._size += step
            size -= step

    def take(self) -> bytes | None:
        """The data set, or None if it was dropped; its room is kept until :meth:`release`."""
        data_set = None if self._dropped else bytes(memoryview(self._bytes)[: self._size])
        if len(self._bytes) > _KEPT:
            self._bytes = bytearray()
        self._size, self._dropped = 0, False
        return data_set

    def release(self) -> None:
        """What was taken is no longer held: a large one's room is free again."""
        self._room.give_back(self._taken - len(self._bytes))
        self._taken = len(self._bytes)

    def close(self) -> None:
        """Gives back all room; nothing more comes in."""
        self._cut()

    def _cut(self) -> None:
        self._bytes, self._size = bytearray(), 0
        self.release()

    def _grown(self, size: int) -> bool:
        """Whether there are ``size`` bytes to fill: there were, or the buffer could grow."""
        if size > self._limit:
            return False
        if size > len(self._bytes):
            growth = max(size, min(2 * len(self._bytes), self._limit)) - len(self._bytes)
            if not self._room.take(growth):
                return False
            self._taken += growth
            self._bytes.extend(bytes(growth))
        return True


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
