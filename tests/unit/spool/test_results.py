from pathlib import Path

import pytest
from pydicom import dcmread

from node.errors import InstanceUnreadableError, ResultMismatchError
from node.spool import FileSpool, draft
from tests.support.ctp import CtpSpec, build_instance


@pytest.fixture
def spool(tmp_path: Path) -> FileSpool:
    return FileSpool(tmp_path / "spool", min_free_bytes=0)


def test_a_result_is_a_part_10_file_under_its_source(spool: FileSpool) -> None:
    """A result lies under source series and revision, and reads as it was made."""
    dataset = build_instance(CtpSpec(), 0, 0)
    kept = spool.keep_result("1.2.3", 2, dataset)
    assert kept.path == spool.root / f"results/1.2.3/2/{dataset.SOPInstanceUID}.dcm"
    assert dcmread(kept.path) == dataset


def test_a_rerun_gives_the_same_file_and_digest(spool: FileSpool) -> None:
    """Keeping the same result twice changes nothing."""
    dataset = build_instance(CtpSpec(), 0, 0)
    first = spool.keep_result("1.2.3", 1, dataset)
    before = first.path.read_bytes()
    assert spool.keep_result("1.2.3", 1, dataset) == first
    assert first.path.read_bytes() == before


def test_a_disk_that_changes_a_byte_is_found_out(
    spool: FileSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result that reads back differently has no name and no file."""
    write = draft.write

    def flipping(fd: int, pieces: tuple[bytes, bytes]) -> tuple[str, int]:
        head, data_set = pieces
        return write(fd, (head, data_set[:-1] + bytes([data_set[-1] ^ 1])))

    monkeypatch.setattr(draft, "write", flipping)
    with pytest.raises(ResultMismatchError):
        spool.keep_result("1.2.3", 1, build_instance(CtpSpec(), 0, 0))
    assert not [p for p in spool.root.rglob("*") if p.is_file()]


def test_a_source_that_is_no_uid_is_no_folder(spool: FileSpool) -> None:
    """The source series names a folder only if it is a UID."""
    with pytest.raises(InstanceUnreadableError):
        spool.keep_result("../../etc", 1, build_instance(CtpSpec(), 0, 0))
