"""What a listener acknowledged, against what lies in its spool."""

import hashlib
import threading
from pathlib import Path

from node.errors import InstanceUnreadableError
from node.series import read_header


class Ledger:
    """Digests of acknowledged data sets; several threads write to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._acknowledged: set[bytes] = set()

    def acknowledged(self, data_set: bytes) -> None:
        """0x0000 was said to it."""
        with self._lock:
            self._acknowledged.add(_digest(data_set))

    def compare(self, spool: Path, told: str) -> None:
        """The spool has what was acknowledged, byte by byte, and nothing that cannot be read.

        Raises
        ------
        AssertionError
            If it has not, or holds such a file, or a temporary one.
        """
        files = [path for path in spool.rglob("*") if path.is_file()]
        litter = [path for path in files if path.suffix != ".dcm"]
        assert not litter, f"{told} left {litter[:3]}"
        kept = {_digest(_data_set(path)) for path in files}
        lost = len(self._acknowledged - kept)
        assert not lost, f"{told}: {lost} data sets were acknowledged and are not in the spool"
        unreadable = [path for path in files if not _readable(path)]
        assert not unreadable, f"{told}: {unreadable[:3]} was kept and cannot be read"


def _digest(data_set: bytes) -> bytes:
    return hashlib.sha256(data_set).digest()


def _data_set(path: Path) -> bytes:
    """What follows the file meta information, whose length is in its first element."""
    file = path.read_bytes()
    return file[144 + int.from_bytes(file[140:144], "little") :]


def _readable(path: Path) -> bool:
    try:
        read_header(path)
    except InstanceUnreadableError:
        return False
    return True
