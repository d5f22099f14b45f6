"""The files that a person names: in a folder, in a zip, or one by itself."""

import lzma
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from node.cli.options import BadCallError
from node.cli.output import counted, progress

MOST_FILES = 100_000
MOST_BYTES = 32 * 2**30
"""A zip may hold so much once unpacked: eight times the largest study that is expected."""
_ZIP_FAULTS = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(RuntimeError, NotImplementedError),  # encrypted; a method that zipfile does not know
)
_SPARE_BYTES = 2**30  # left to the disk that a zip is unpacked on


@contextmanager
def files_of(source: Path, *, leave_out: Collection[Path] = ()) -> Iterator[list[Path]]:
    """Every file below a folder, the file itself, or what a zip holds while the block lasts.

    Parameters
    ----------
    source
        A folder, a zip or another file; links to folders are not followed.
    leave_out
        Folders below ``source`` that are none of it: the results of an earlier run.

    Raises
    ------
    BadCallError
        If a zip is damaged, encrypted, or too large once unpacked.
    """
    if source.is_dir():
        own = {folder.resolve() for folder in leave_out}
        yield [
            path
            for path in sorted(source.rglob("*"))
            if path.is_file() and own.isdisjoint(path.resolve().parents)
        ]
    elif zipfile.is_zipfile(source):
        with tempfile.TemporaryDirectory(prefix="perfusion-node-") as name:
            yield _unpacked(source, Path(name))
    else:
        yield [source]


def is_dicom(path: Path) -> bool:
    """Whether a file has the mark of PS3.10 7.1 and is more than a directory of others.

    Raises
    ------
    BadCallError
        If it cannot be read.
    """
    if path.name.upper() == "DICOMDIR":
        return False
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError as fault:
        raise BadCallError(
            f"{path} cannot be read: {fault.strerror}", "Check its owner and permissions."
        ) from fault


def _unpacked(source: Path, folder: Path) -> list[Path]:
    """The zip's files, each in a numbered folder: its path may collide or lead out of here."""
    try:
        with zipfile.ZipFile(source) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _require_room(source, entries, folder)
            return [
                _extracted(archive, entry, folder / f"{number:06d}" / _plain(entry.filename))
                for number, entry in enumerate(_tracked(entries))
            ]
    except _ZIP_FAULTS as fault:
        raise BadCallError(
            f"{source} cannot be unpacked: {fault}", "Unpack it yourself and name the folder."
        ) from fault


def _require_room(source: Path, entries: list[zipfile.ZipInfo], folder: Path) -> None:
    """A zip bomb ends here: what an entry says of its size is the most that is read of it."""
    size = sum(entry.file_size for entry in entries)
    most = min(MOST_BYTES, shutil.disk_usage(folder).free - _SPARE_BYTES)
    if size > most or len(entries) > MOST_FILES:
        raise BadCallError(
            f"{source} holds {counted(len(entries), 'file')} of {size / 2**30:.1f} GiB together; "
            f"at most {MOST_FILES} of {max(most, 0) / 2**30:.1f} GiB can be unpacked in "
            f"{folder.parent}",
            "Set TMPDIR to a folder with more room, or unpack it yourself and name the folder.",
        )


def _tracked(entries: list[zipfile.ZipInfo]) -> Iterator[zipfile.ZipInfo]:
    with progress() as bar:
        yield from bar.track(entries, description="Unpacking")


def _plain(filename: str) -> str:
    """A file's name without its folders, of a length that every file system takes."""
    name = Path(filename).name[-60:]
    return "file" if name in ("", ".", "..") else name


def _extracted(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> Path:
    target.parent.mkdir()
    with archive.open(entry) as packed, target.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked, 2**20)
    return target
