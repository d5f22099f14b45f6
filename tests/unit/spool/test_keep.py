import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import InstanceUnreadableError, SpoolError, SpoolFullError
from node.series import Header
from node.spool import FileSpool
from node.spool import disk as disk_module
from node.spool import draft as draft_module
from tests.support.running_node import wait_for

HEAD = bytes(128) + b"DICM" + b"\x02\0\0\0UL\x04\0" + (4).to_bytes(4, "little") + b"meta"
HEADER = Header("1.2.3", "1.2.3.4", "1.5", "1.6", "1.2.840.10008.1.2.1")


@pytest.fixture(params=["nameless", "named"])
def spool(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> FileSpool:
    """A spool on a file system that knows files without a name, and on one that does not."""
    if request.param == "named":
        monkeypatch.setattr(draft_module, "_knows_nameless_files", lambda _: False)
    return FileSpool(tmp_path / "spool", min_free_bytes=0)


def files(spool: FileSpool) -> list[Path]:
    return sorted(p for p in spool.root.rglob("*") if p.is_file())


def test_an_instance_lies_under_its_uids_with_its_bytes(spool: FileSpool) -> None:
    """What came in is found under incoming/study/series/instance, byte for byte."""
    kept = spool.keep((HEAD, b"data"), HEADER)
    assert kept.path == spool.root / "incoming/1.5/1.6/1.2.3.4.dcm"
    assert kept.path.read_bytes() == HEAD + b"data"
    assert kept.size == len(HEAD) + 4
    assert files(spool) == [kept.path]


def test_an_ignored_instance_lies_in_its_own_branch(spool: FileSpool) -> None:
    """What is not analysed is kept, apart from what is."""
    kept = spool.keep((HEAD, b"data"), HEADER, ignored=True)
    assert kept.path == spool.root / "ignored/1.5/1.6/1.2.3.4.dcm"


def test_the_sender_does_not_change_the_digest(spool: FileSpool) -> None:
    """The digest is that of the data set: another sender's file meta makes no conflict."""
    other = HEAD.replace(b"meta", b"META")
    first, second = spool.keep((HEAD, b"data"), HEADER), spool.keep((other, b"data"), HEADER)
    assert first.sha256 == second.sha256
    assert first.path == second.path
    assert first.path.read_bytes() == HEAD + b"data"


def test_other_bytes_under_a_taken_name_are_kept_apart(spool: FileSpool) -> None:
    """No file is ever overwritten: the first stays, the second is somewhere else."""
    first, second = spool.keep((HEAD, b"one"), HEADER), spool.keep((HEAD, b"two"), HEADER)
    assert first.path.read_bytes().endswith(b"one")
    assert second.path.read_bytes().endswith(b"two")
    assert second.path.is_relative_to(spool.root / "apart")
    assert spool.keep_apart((HEAD, b"two"), HEADER) == second


def test_ten_writers_of_the_same_instance_leave_one_file(spool: FileSpool) -> None:
    """The same instance kept at the same moment by many is one file and one digest."""
    with ThreadPoolExecutor(10) as pool:
        kept = set(pool.map(lambda _: spool.keep((HEAD, b"data" * 9999), HEADER), range(10)))
    assert len(kept) == 1
    assert files(spool) == [next(iter(kept)).path]


def test_writers_of_other_bytes_lose_nothing(spool: FileSpool) -> None:
    """Ten versions of one UID kept at once are ten files."""
    with ThreadPoolExecutor(10) as pool:
        kept = list(pool.map(lambda n: spool.keep((HEAD, b"%d" % n), HEADER), range(10)))
    assert len({k.path for k in kept}) == 10
    assert all(k.path.read_bytes() == HEAD + b"%d" % n for n, k in enumerate(kept))


@given(uid=st.text(max_size=80))
def test_no_uid_leads_out_of_the_spool(tmp_path_factory: pytest.TempPathFactory, uid: str) -> None:
    """Whatever stands where a UID should, either it is one or nothing is written."""
    spool = FileSpool(tmp_path_factory.mktemp("s") / "spool", min_free_bytes=0)
    for name in ("study_instance_uid", "series_instance_uid", "sop_instance_uid"):
        try:
            kept = spool.keep((HEAD, b"data"), replace(HEADER, **{name: uid}))
        except InstanceUnreadableError:
            continue
        assert kept.path.resolve().is_relative_to(spool.root.resolve())
        assert uid.replace(".", "").isdecimal()
    assert {p.name for p in spool.root.parent.iterdir()} == {"spool"}


@pytest.mark.parametrize(
    "uid", ["../1", "1/2", "", ".", "..", "1..2", "1.2\n", "1.2\0", "１.２", "1" * 65]
)
def test_a_hostile_uid_is_unreadable(spool: FileSpool, uid: str) -> None:
    """Only digits between dots name a file (PS3.5 9.1)."""
    with pytest.raises(InstanceUnreadableError):
        spool.keep((HEAD, b"data"), replace(HEADER, series_instance_uid=uid))
    assert files(spool) == []


def test_too_little_room_keeps_nothing(tmp_path: Path) -> None:
    """Below the room that must stay free, nothing is written."""
    spool = FileSpool(tmp_path / "spool", min_free_bytes=1 << 62)
    with pytest.raises(SpoolFullError):
        spool.keep((HEAD, b"data"), HEADER)
    assert files(spool) == []


@pytest.mark.parametrize(
    ("number", "fault"),
    [(errno.ENOSPC, SpoolFullError), (errno.EDQUOT, SpoolFullError), (errno.EIO, SpoolError)],
)
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_disk_that_fails_leaves_no_litter(
    spool: FileSpool, monkeypatch: pytest.MonkeyPatch, call: str, number: int, fault: type
) -> None:
    """A full disk and a failing one are told apart; neither leaves a temporary file."""

    def failing(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(disk_module.os, call, failing)
    with pytest.raises(fault) as caught:
        spool.keep((HEAD, b"data"), HEADER)
    assert type(caught.value) is fault
    monkeypatch.undo()
    assert files(spool) == []


def test_a_sender_that_fails_midway_leaves_no_litter(spool: FileSpool) -> None:
    """Pieces that end in an error end in no file."""

    def pieces() -> Iterator[bytes]:
        yield HEAD
        raise ConnectionResetError

    with pytest.raises(SpoolError):
        spool.keep(pieces(), HEADER)
    assert files(spool) == []


def test_success_comes_after_file_and_folder_are_synchronised(
    spool: FileSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is synchronised before it has its name, the folder after; so are new parents."""
    order: list[str] = []
    fsync, link = os.fsync, os.link

    def recording_fsync(fd: int) -> None:
        path = Path(f"/proc/self/fd/{fd}").readlink()
        order.append("sync draft" if path.parent.name == "tmp" else f"sync {path.name}")
        fsync(fd)

    def recording_link(*args: object, **kwargs: object) -> None:
        order.append("link")
        link(*args, **kwargs)

    monkeypatch.setattr(os, "fsync", recording_fsync)
    monkeypatch.setattr(os, "link", recording_link)
    spool.keep((HEAD, b"data"), HEADER)
    folders = ["sync spool", "sync incoming", "sync 1.5"]
    assert order == ["sync draft", *folders, "link", "sync 1.6"]


def test_a_file_system_without_nameless_files_is_found_out(tmp_path: Path) -> None:
    """Nothing is assumed of a file system: a file without a name is made, named and removed."""
    assert draft_module._knows_nameless_files(tmp_path)
    assert not list(tmp_path.iterdir())
    assert not draft_module._knows_nameless_files(Path("/proc/self"))


def test_litter_of_the_dead_is_swept_and_work_of_the_living_stays(spool: FileSpool) -> None:
    """A file left by a crash goes; one that another writer is at does not."""
    (spool.root / "tmp" / "dead.part").write_bytes(b"half")
    at_work, swept = threading.Event(), threading.Event()

    def pieces() -> Iterator[bytes]:
        yield HEAD
        at_work.set()
        swept.wait(10)
        yield b"data"

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(spool.keep, pieces(), HEADER)
        at_work.wait(10)
        assert spool.remove_litter() == 1
        swept.set()
        kept = writing.result()
    assert files(spool) == [kept.path]


@pytest.mark.parametrize("named", [False, True], ids=["received", "result"])
def test_a_file_swept_before_it_was_locked_is_made_again(
    spool: FileSpool, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    """Another process's sweep may come between a file's making and its writer's lock."""
    lock, swept = fcntl.flock, []

    def late(fd: int, operation: int) -> None:
        if not swept and operation == fcntl.LOCK_EX:
            swept.append(0)
            swept[0] = spool.remove_litter()
        lock(fd, operation)

    monkeypatch.setattr(draft_module.fcntl, "flock", late)
    with spool._drafts.draft((HEAD, b"data"), named=named) as draft:
        assert draft.path.read_bytes() == HEAD + b"data"
    assert swept == ([1] if named or not spool._drafts._nameless else [])
    assert files(spool) == []


@pytest.mark.parametrize(("number", "made"), [(errno.ESTALE, 2), (errno.EIO, 1)])
def test_a_file_that_a_share_forgot_is_made_again(
    spool: FileSpool, monkeypatch: pytest.MonkeyPatch, number: int, made: int
) -> None:
    """NFS answers ESTALE for a file that another host deleted; any other error is one."""
    asked: list[int] = []

    def fstat(fd: int) -> os.stat_result:
        asked.append(fd)
        if len(asked) == 1:
            raise OSError(number, os.strerror(number))
        return real(fd)

    real = os.fstat
    with monkeypatch.context() as patched:
        patched.setattr(draft_module.os, "fstat", fstat)
        with suppress(SpoolError), spool._drafts.draft((HEAD, b"data"), named=True) as draft:
            assert draft.size == len(HEAD) + 4
    assert len(asked) == made
    assert len(files(spool)) == made - 1  # of the first only the name was left, as on the share


def test_a_lost_file_is_healed_by_the_same_bytes(spool: FileSpool) -> None:
    """Kept means that it is there, whatever was there before."""
    first = spool.keep((HEAD, b"data"), HEADER)
    first.path.unlink()
    assert spool.keep((HEAD, b"data"), HEADER) == first
    assert first.path.exists()


def test_who_comes_at_the_same_time_shares_a_synchronisation_of_the_folder(
    spool: FileSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight images of a series that come while a name is made durable need one more, not eight."""
    spool.keep((HEAD, b"first"), HEADER)
    synchronised, go_on, real = [], threading.Event(), disk_module.sync_folder

    def slow(folder: Path) -> None:
        synchronised.append(sorted(each.name for each in folder.iterdir()))
        assert len(synchronised) > 1 or go_on.wait(60)
        real(folder)

    monkeypatch.setattr(disk_module, "sync_folder", slow)
    headers = [replace(HEADER, sop_instance_uid=f"1.2.{n}") for n in range(9)]
    with ThreadPoolExecutor(9) as pool:
        keeping = [pool.submit(spool.keep, (HEAD, b"one"), headers[0])]
        wait_for(lambda: bool(synchronised), "the first is being synchronised")
        keeping += [pool.submit(spool.keep, (HEAD, b"more"), header) for header in headers[1:]]
        wait_for(lambda: len(spool._sync_with_others._waiting) == 8, "the others wait")
        go_on.set()
    assert all(future.result().path.is_file() for future in keeping)
    # Each name was there before the synchronisation that its thread waited for.
    assert len(synchronised) == 2
    assert {f"{header.sop_instance_uid}.dcm" for header in headers} <= set(synchronised[1])
