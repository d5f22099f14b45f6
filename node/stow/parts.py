"""What goes into a request: files as parts of a multipart body, read from disk as they are sent."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.uid import UID

MAX_REQUEST_BYTES = 16 * 2**20
"""A request holds no more, unless a single object does: what is lost with a broken connection."""
MAX_REQUEST_OBJECTS = 100
_READ_BYTES = 65_536


@dataclass(frozen=True)
class Part:
    """A file to be sent, by its file meta."""

    path: Path
    sop_class_uid: UID
    sop_instance_uid: str
    transfer_syntax_uid: UID
    size: int


class UnreadableFileError(Exception):
    """The file of a part cannot be read any more."""

    def __init__(self, part: Part, found: str) -> None:
        super().__init__(found)
        self.part = part


def read_part(path: Path) -> Part | None:
    """The part of a Part 10 file; None if it is none, or does not say what it holds."""
    try:
        meta = read_file_meta_info(path)
        return Part(
            path,
            UID(meta.MediaStorageSOPClassUID),
            str(meta.MediaStorageSOPInstanceUID),
            UID(meta.TransferSyntaxUID),
            path.stat().st_size,
        )
    except (AttributeError, EOFError, InvalidDicomError, OSError, ValueError):
        return None


def batches(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """The parts in their order, as many to a request as its limits allow."""
    batch: list[Part] = []
    size = 0
    for part in parts:
        full = len(batch) == MAX_REQUEST_OBJECTS or size + part.size > MAX_REQUEST_BYTES
        if batch and full:
            yield batch
            batch, size = [], 0
        batch.append(part)
        size += part.size
    if batch:
        yield batch


class Multipart:
    """A multipart/related body (RFC 2387, PS3.18 10.5.1): its length is known, no file is held.

    Iterating over it reads the files a little at a time.

    Raises
    ------
    UnreadableFileError
        While it is iterated over, if a file cannot be read.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._boundary = uuid.uuid4().hex
        self._head = f"--{self._boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        self._tail = f"--{self._boundary}--\r\n".encode()

    @property
    def headers(self) -> dict[str, str]:
        """What the request says of its body."""
        around = len(self._head) + len(b"\r\n")
        length = sum(around + part.size for part in self._parts) + len(self._tail)
        kind = f'multipart/related; type="application/dicom"; boundary={self._boundary}'
        return {"Content-Type": kind, "Content-Length": str(length)}

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            yield self._head
            yield from _content(part)
            yield b"\r\n"
        yield self._tail


def _content(part: Part) -> Iterator[bytes]:
    try:
        with part.path.open("rb") as file:
            left = part.size
            while left and (block := file.read(min(left, _READ_BYTES))):
                left -= len(block)
                yield block
    except OSError as fault:
        raise UnreadableFileError(part, f"{type(fault).__name__} in {part.path}") from fault
    if left:
        raise UnreadableFileError(part, f"{part.path} became shorter")
