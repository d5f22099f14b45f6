"""Files as pydicom may read them: whatever they claim, and its faults told as the sender's."""

import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydicom.errors import BytesLengthException, InvalidDicomError

from node.errors import InstanceUnreadableError

# What pydicom's reader raises on bytes that are no data set (seen by fuzzing).
READ_FAULTS = (
    AttributeError,
    BytesLengthException,
    EOFError,
    IndexError,
    InvalidDicomError,
    KeyError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)

# Below this a reader's buffer costs less than to ask how much is left.
_LITTLE = 1 << 16


class _Reader(io.BufferedReader):
    """A file that reserves memory for the bytes it has, not for all that a header claims."""

    def __init__(self, path: Path) -> None:
        raw = io.FileIO(os.fspath(path))
        super().__init__(raw)
        self._length = os.fstat(raw.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """At most ``size`` bytes, and at most what is left."""
        if size is not None and size > _LITTLE:
            size = min(size, max(0, self._length - self.tell()))
        return super().read(size)


def open_file(path: Path) -> io.BufferedReader:
    """The file, to be read where lengths may lie.

    Raises
    ------
    OSError
        If it cannot be opened.
    """
    return _Reader(path)


@contextmanager
def faults_told(words: str) -> Iterator[None]:
    """Tells what pydicom raises on damaged bytes as an InstanceUnreadableError of these words.

    pydicom has OSError as well for a sequence that ends too soon; only the disk's has a number.
    """
    try:
        yield
    except READ_FAULTS as fault:
        raise _unreadable(words, fault) from fault
    except OSError as fault:
        if fault.errno is not None:
            raise
        raise _unreadable(words, fault) from fault


def _unreadable(words: str, fault: Exception) -> InstanceUnreadableError:
    return InstanceUnreadableError(f"{words} ({type(fault).__name__})")
