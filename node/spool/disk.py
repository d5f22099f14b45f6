"""The disk under the spool: synchronised writes, digests, and its errors as the node's."""

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from node.errors import SpoolError, SpoolFullError

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# Preamble, "DICM" and (0002,0000) with its UL value: PS3.10 section 7.1.
_META_START = 128 + 4 + 12


@contextmanager
def faults(doing: str) -> Iterator[None]:
    """The disk's errors become the spool's."""
    try:
        yield
    except OSError as problem:
        fault = SpoolFullError if problem.errno in _NO_ROOM else SpoolError
        raise fault(f"could not {doing}: {problem.strerror or problem}") from problem


def write(fd: int, pieces: Iterable[bytes]) -> tuple[str, int]:
    """Digest of all but the first piece, and the size of the file."""
    written = []
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(fd, rest) :]
        written.append(piece)
    # Asked to forget them the kernel begins to write them: the disk works while they are digested.
    with suppress(OSError):
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    running = hashlib.sha256()
    for piece in written[1:]:
        running.update(piece)
    return running.hexdigest(), sum(map(len, written))


def digest(path: Path) -> str:
    """Digest of a file's data set; empty where it is no Part 10 file."""
    with path.open("rb") as file:
        head = file.read(_META_START)
        if len(head) < _META_START:
            return ""
        file.seek(data_set_offset(head))
        return hashlib.file_digest(file, "sha256").hexdigest()


def data_set_offset(part10: bytes) -> int:
    """Where the data set begins: the file meta says how long it is."""
    return _META_START + int.from_bytes(part10[_META_START - 4 : _META_START], "little")


def sync_folder(folder: Path) -> None:
    """Names made in the folder are on the disk afterwards."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_folders(folders: Sequence[Path]) -> Sequence[None]:
    """As :func:`sync_folder`, each once however often it is named."""
    for folder in dict.fromkeys(folders):
        with faults(f"synchronise {folder.name}"):
            sync_folder(folder)
    return [None] * len(folders)


def delete(paths: Iterable[Path], *, below: Path) -> int:
    """Bytes of files below a folder that were deleted, durably, and their empty folders.

    A folder is synchronised also where its files were gone already: whoever deleted them may
    have died before that.
    """
    ours = [path for path in paths if below in path.parents]
    with faults("delete files"):
        freed = sum(_unlinked(path) for path in ours)
        for folder in sorted({path.parent for path in ours}):
            if folder.is_dir():
                sync_folder(folder)
                _remove_empty(folder, below)
    return freed


def _unlinked(path: Path) -> int:
    """The size of a file that is gone now; 0 where it was before."""
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    return size


def _remove_empty(folder: Path, below: Path) -> None:
    """The folder and its parents go as far as they are empty, and no branch of the spool does."""
    while len(folder.relative_to(below).parts) > 1:
        try:
            folder.rmdir()
        except OSError:  # something came into it
            return
        folder = folder.parent


def removed_if_orphaned(path: Path) -> bool:
    """Whether the file had no living writer and is gone."""
    try:
        fd = os.open(path, os.O_RDWR)  # NFS locks nothing that is open for reading only: flock(2)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True
