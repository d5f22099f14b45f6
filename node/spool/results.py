"""Results as bytes, and what the disk has of them."""

import os
from io import BytesIO
from pathlib import Path

from pydicom import Dataset, dcmread, dcmwrite

from node.errors import ResultMismatchError
from node.spool.disk import faults

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def encoded(dataset: Dataset) -> bytes:
    """A result as the bytes of its Part 10 file."""
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def compare(path: Path, written: bytes, dataset: Dataset) -> None:
    """Passes if the disk holds what was written and it reads as what was meant.

    Bytes are compared, not elements: a float32 or a padded text read back is equal in the
    file and not always equal in Python.
    """
    with faults("read a result back"), path.open("rb") as file:
        # The page cache would answer with what was written, not with what the disk holds.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        found = file.read()
    if found != written:
        raise ResultMismatchError(f"result {dataset.SOPInstanceUID} reads back differently")
    again = dcmread(BytesIO(found))
    for keyword in ("SOPInstanceUID", "SOPClassUID", *_PIXELS):
        if again.get(keyword) != dataset.get(keyword):
            raise ResultMismatchError(f"result {dataset.SOPInstanceUID} differs in {keyword}")
