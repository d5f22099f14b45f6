"""The spool: Part 10 files under the names of their UIDs."""

import os
import re
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydicom import Dataset

from node import log
from node.errors import InstanceUnreadableError, SpoolError, SpoolFullError
from node.failpoint import Step, passed
from node.group_commit import GroupCommit
from node.ports import Branch, DiskUse, Kept
from node.series import Header
from node.spool.disk import (
    data_set_offset,
    delete,
    digest,
    faults,
    removed_if_orphaned,
    sync_folder,
    sync_folders,
)
from node.spool.draft import Draft, Drafts
from node.spool.results import compare, encoded

_LOG = log.get("spool")
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


class FileSpool:
    """The spool of one data folder; safe for several threads and processes.

    Received instances lie in ``incoming/<study>/<series>/<instance>.dcm`` (``ignored`` for
    what is not analysed, ``apart`` for other bytes under a known UID), results in
    ``results/<source series>/<revision>/<instance>.dcm``. A file is written without a name
    (below ``tmp`` where the file system knows none such), synchronised, linked under its name and
    the folder synchronised, in that order: under its name it is always whole. Threads that keep
    instances at the same time share the latter.

    Parameters
    ----------
    root
        The folder of the spool; made where it is missing, on one file system.
    min_free_bytes
        Room left to the disk; below it nothing more is received. What was acknowledged may draw
        on it: its results are kept as long as the disk takes them.
    low_free_bytes
        Below it there is little room.

    Raises
    ------
    SpoolError
        If the folder cannot be made.
    """

    def __init__(self, root: Path, *, min_free_bytes: int, low_free_bytes: int = 0) -> None:
        self._root = root
        self._tmp = root / "tmp"
        self._min_free_bytes, self._low_free_bytes = min_free_bytes, low_free_bytes
        self._making = threading.Lock()
        self._sync_with_others = GroupCommit(sync_folders)
        with faults(f"make the spool {root}"):
            self._make_folder(self._tmp)
            self._drafts = Drafts(self._tmp)

    @property
    def root(self) -> Path:
        """The folder of the spool."""
        return self._root

    def disk(self) -> DiskUse:
        """Room on the disk for this user.

        Raises
        ------
        SpoolError
            If the disk does not answer.
        """
        with faults("ask for free space"):
            disk = os.statvfs(self._root)
        return DiskUse(
            disk.f_bavail * disk.f_frsize,
            disk.f_blocks * disk.f_frsize,
            self._min_free_bytes,
            self._low_free_bytes,
        )

    def keep(self, part10: Iterable[bytes], header: Header, *, ignored: bool = False) -> Kept:
        """Keep a received instance; an existing file of the same bytes is kept as it is.

        Parameters
        ----------
        part10
            The Part 10 file in pieces: the first is the preamble and file meta, the others are
            the data set. Only the data set is digested, for the file meta names the sender.
        header
            Gives the file its place.
        ignored
            Whether the instance is none that is analysed.

        Returns
        -------
        Kept
            Where other bytes already have that name (a crash before they were recorded, or two
            senders at once), they stay, and these are kept apart: the path says so.

        Raises
        ------
        SpoolFullError
            Without room.
        SpoolError
            If the disk fails.
        InstanceUnreadableError
            If a UID is no UID.
        """
        folder = self._folder_of(header, Branch.IGNORED if ignored else Branch.INCOMING)
        name = f"{_checked(header.sop_instance_uid)}.dcm"
        self._require_room()
        with self._drafts.draft(part10) as draft:
            passed(Step.DRAFTED)
            if self._place(draft, folder / name):
                return Kept(folder / name, draft.sha256, draft.size)
            return self._place_apart(draft, header)

    def keep_apart(self, part10: Iterable[bytes], header: Header) -> Kept:
        """Keep other bytes under a known SOP Instance UID apart; the first stays.

        Raises
        ------
        SpoolFullError
            Without room.
        SpoolError
            If the disk fails.
        InstanceUnreadableError
            If a UID is no UID.
        """
        self._require_room()
        with self._drafts.draft(part10) as draft:
            return self._place_apart(draft, header)

    def keep_result(self, source_series_uid: str, revision: int, dataset: Dataset) -> Kept:
        """Write a result object, read it back from the disk and compare.

        A rerun of the same revision writes the same bytes; other bytes replace them, for the
        registry alone says what a revision consists of.

        Raises
        ------
        ResultMismatchError
            If the file read back differs from what was written.
        SpoolFullError
            Without room.
        SpoolError
            If the disk fails.
        """
        uid = _checked(str(dataset.SOPInstanceUID))
        folder = self._root / "results" / _checked(source_series_uid) / str(int(revision))
        written = encoded(dataset)
        data_set = data_set_offset(written)
        pieces = written[:data_set], written[data_set:]
        with self._drafts.draft(pieces, named=True) as draft:
            compare(draft.path, written, dataset)
            passed(Step.RESULT_DRAFTED)
            with faults(f"keep result {uid}"):
                self._make_folder(folder)
                draft.path.replace(folder / f"{uid}.dcm")
                sync_folder(folder)
            return Kept(folder / f"{uid}.dcm", draft.sha256, draft.size)

    def remove_litter(self) -> int:
        """How many temporary files of dead processes were removed; those of live ones stay."""
        removed = 0
        with faults("sweep temporary files"):
            for path in self._tmp.iterdir():
                removed += removed_if_orphaned(path)
        if removed:
            _LOG.info("temporary_files_removed", files=removed)
        return removed

    def discard(self, kept: Kept) -> None:
        """Delete what was just kept and is not recorded: nobody was told that it is here.

        Raises
        ------
        SpoolError
            If the disk fails.
        """
        self.delete([kept.path])

    def delete(self, paths: Sequence[Path]) -> int:
        """Bytes of files that were deleted, durably, with folders that are empty afterwards.

        A file that is gone already, or lies outside of the spool, is passed over.

        Raises
        ------
        SpoolError
            If the disk fails.
        """
        return delete(paths, below=self._root)

    def _require_room(self) -> None:
        disk = self.disk()
        if disk.full:
            raise SpoolFullError(
                f"{disk.free_bytes} bytes are free, {disk.min_free_bytes} must stay so"
            )

    def _folder_of(self, header: Header, branch: Branch) -> Path:
        study, series = header.study_instance_uid, header.series_instance_uid
        return self._root / branch / _checked(study) / _checked(series)

    def _place(self, draft: Draft, path: Path) -> bool:
        """Whether the draft's bytes are now durable under ``path``; others there stay."""
        with faults(f"keep {path.name}"):
            try:
                self._link(draft, path)
            except FileExistsError:
                if digest(path) != draft.sha256:
                    return False
        passed(Step.LINKED)
        self._sync_with_others(path.parent)
        return True

    def _link(self, draft: Draft, path: Path) -> None:
        """Give the draft its name, once more where its folder was just deleted as empty."""
        self._make_folder(path.parent)
        try:
            draft.link(path)
        except FileNotFoundError:
            self._make_folder(path.parent)
            draft.link(path)

    def _place_apart(self, draft: Draft, header: Header) -> Kept:
        folder = self._folder_of(header, Branch.APART) / _checked(header.sop_instance_uid)
        path = folder / f"{draft.sha256}.dcm"
        if not self._place(draft, path):
            raise SpoolError(f"{path.name} lies apart with other bytes than its name says")
        return Kept(path, draft.sha256, draft.size)

    def _make_folder(self, folder: Path) -> None:
        """The folder and its parents exist and are durable.

        One at a time, from the top: where a folder is found, it and its parents were
        synchronised.
        """
        with self._making:
            if folder.is_dir():
                return
            missing = [f for f in (folder, *folder.parents) if not f.exists()]
            for each in reversed(missing):
                each.mkdir(exist_ok=True)
                sync_folder(each.parent)


def _checked(uid: str) -> str:
    """The UID, safe as a part of a path (PS3.5 section 9.1)."""
    if len(uid) > 64 or not _UID.fullmatch(uid):
        raise InstanceUnreadableError(f"{uid[:64]!r} is no UID")
    return uid
