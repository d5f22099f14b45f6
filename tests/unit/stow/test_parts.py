"""Requests: how files are shared out among them, and what their bodies are."""

import tracemalloc
from pathlib import Path

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from node.stow import parts
from node.stow.parts import Multipart, Part, UnreadableFileError, batches, read_part
from tests.support.ctp import CtpSpec, build_series, write_series
from tests.support.dicomweb import parts_of

SMALL = CtpSpec(slices=2, frames=3)


def part(size: int, path: Path = Path("x")) -> Part:
    return Part(path, CTImageStorage, "1.2.3", ExplicitVRLittleEndian, size)


def test_a_request_holds_no_more_than_its_limits() -> None:
    """Bytes and objects are bounded; an object over the limit goes by itself; the order stays."""
    half = parts.MAX_REQUEST_BYTES // 2
    sizes = [half, half, 1, 3 * half, 1, 1]
    shared = list(batches([part(size) for size in sizes]))
    assert [[p.size for p in batch] for batch in shared] == [[half, half], [1], [3 * half], [1, 1]]
    many = list(batches([part(1)] * 250))
    assert [len(batch) for batch in many] == [100, 100, 50]
    assert list(batches([])) == []


def test_a_body_is_as_long_as_it_says_and_holds_the_files(tmp_path: Path) -> None:
    """What a server reads between the boundaries are the files, byte for byte."""
    datasets = build_series(SMALL)
    read = [read_part(path) for path in write_series(datasets, tmp_path)]
    body = Multipart([p for p in read if p])
    content = b"".join(body)
    assert int(body.headers["Content-Length"]) == len(content)
    assert list(parts_of(content, body.headers["Content-Type"])) == datasets


def test_a_large_file_is_never_held_as_a_whole(tmp_path: Path) -> None:
    """64 MiB pass through with less than 1 MiB in memory."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(64 * 2**20)
    tracemalloc.start()
    try:
        total = sum(len(block) for block in Multipart([part(64 * 2**20, path)]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total > 64 * 2**20
    assert peak < 2**20


@pytest.mark.parametrize("left", [None, b"shorter"], ids=["gone", "shorter"])
def test_a_file_that_changed_meanwhile_is_named(tmp_path: Path, left: bytes | None) -> None:
    """The request cannot be ended then; which file it was is known."""
    path = tmp_path / "file"
    if left is not None:
        path.write_bytes(left)
    lost = part(100, path)
    with pytest.raises(UnreadableFileError) as caught:
        list(Multipart([lost]))
    assert caught.value.part is lost


@pytest.mark.parametrize("content", [b"", b"no DICOM", bytes(128) + b"DICM"])
def test_what_is_no_dicom_file_is_no_part(tmp_path: Path, content: bytes) -> None:
    """Neither an empty file, nor another, nor a file meta that names no object."""
    path = tmp_path / "x"
    path.write_bytes(content)
    assert read_part(path) is None
    assert read_part(tmp_path / "absent") is None
