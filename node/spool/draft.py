"""A file that is written, and synchronised, before it has its name."""

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from node.spool.disk import faults, write


@dataclass(frozen=True)
class Draft:
    """Bytes on the disk; ``path`` leads to them in this process, as long as they are a draft."""

    path: Path
    sha256: str
    size: int

    def link(self, path: Path) -> None:
        """Gives them this name besides.

        Raises
        ------
        FileExistsError
            If it is another file's.
        FileNotFoundError
            If its folder is none.
        """
        # A descriptor is a link of /proc, and only with the first argument does Python follow it.
        os.link(self.path, path, src_dir_fd=_ANY_FOLDER, follow_symlinks=True)


_ANY_FOLDER = 0  # looked at only for relative paths


class Drafts:
    """Where files are drafted: below a folder, and without a name where its file system can.

    Such a file costs no entry of a folder, and is gone with its process (open(2), O_TMPFILE).

    Parameters
    ----------
    folder
        On the file system that the names are on.

    Raises
    ------
    OSError
        If nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._nameless = _knows_nameless_files(folder)

    @contextmanager
    def draft(self, pieces: Iterable[bytes], *, named: bool = False) -> Iterator[Draft]:
        """A synchronised file; unless it was given a name it is gone at the end of the block.

        ``named``: under a name of its own, by which it can be moved.
        """
        if self._nameless and not named:
            with faults("make a temporary file"):
                fd = os.open(self._folder, os.O_TMPFILE | os.O_RDWR, 0o600)
            path = _path_of(fd)
        else:
            with faults("make a temporary file"):
                fd, path = self._named()
        try:
            with faults("write a temporary file"):
                sha256, size = write(fd, pieces)
                os.fsync(fd)
            yield Draft(path, sha256, size)
        finally:
            if path.parent == self._folder:
                path.unlink(missing_ok=True)
            os.close(fd)

    def _named(self) -> tuple[int, Path]:
        """A new file, open and locked: remove_litter() leaves it to its writer.

        Between its making and its lock another process may have taken it for a dead one's.
        """
        while True:
            fd, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                removed = _was_removed(fd)
            except OSError:
                os.close(fd)
                Path(name).unlink(missing_ok=True)
                raise
            if not removed:
                return fd, Path(name)
            os.close(fd)


def _was_removed(fd: int) -> bool:
    """Whether an open file has lost its name; on a share the server may not know it any more."""
    try:
        return os.fstat(fd).st_nlink == 0
    except OSError as problem:
        if problem.errno != errno.ESTALE:
            raise
        return True


def _path_of(fd: int) -> Path:
    return Path(f"/proc/self/fd/{fd}")


def _knows_nameless_files(folder: Path) -> bool:
    """Whether a file can be made there without a name, and be given one."""
    try:
        fd = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    except OSError:
        return False
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix="probe.") as probe:
            Draft(_path_of(fd), "", 0).link(Path(probe) / "probe")
    except OSError:
        return False
    finally:
        os.close(fd)
    return True
