"""Spool and registry brought to agree after a start: neither may know what the other does not."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from node import log
from node.errors import InstanceUnreadableError, NodeError
from node.ports import Accounts, Branch, Inventory, ReceivedFile, Recorded
from node.series import read_header

_LOG = log.get("scp")
# An association that is storing a file this very moment records it itself.
_SETTLED_S = 60.0
_AGAIN_S = 10.0
_NO_SENDER = "UNKNOWN"
# The same bytes under another path were recorded before: nothing was missing.
_ADDED = (Recorded.NEW, Recorded.CONFLICT)


@dataclass(frozen=True)
class Recovered:
    """What a look at spool and registry found.

    Parameters
    ----------
    registered
        Files on disk without a row: recorded now, as if they had just come.
    lost
        Rows whose file is gone; their series' histories say so.
    unreadable
        Files without a row that are no DICOM; left where they are.
    """

    registered: int = 0
    lost: int = 0
    unreadable: int = 0


class Recovery:
    """Looks at everything that was received, in a thread of its own.

    A crash between a file and its row leaves a file that no sender was told of, and a power failure
    may take the last rows of files that senders were told of: they are recorded, for a sender may
    never come again. A row without its file is damage done from
    outside; it is told, and nothing is deleted.

    Parameters
    ----------
    inventory, accounts
        The spool and the registry.
    settled_s
        Files younger than this are left to the associations that write them, and looked at
        after so long again [s].
    """

    def __init__(
        self, inventory: Inventory, accounts: Accounts, *, settled_s: float = _SETTLED_S
    ) -> None:
        self._inventory, self._accounts, self._settled_s = inventory, accounts, settled_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._until_done, name="recovery", daemon=True)

    def start(self) -> None:
        """Begins; a fault of disk or database is waited out."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, whether done or not."""
        self._stop.set()
        self._thread.join()

    def look(self) -> Recovered:
        """One look at all of it.

        Raises
        ------
        SpoolError
            If the disk fails.
        RegistryUnavailableError
            If the database does not answer.
        """
        return replace(self._taken_in(), lost=self._told_as_lost())

    def _taken_in(self) -> Recovered:
        """Files that no row knew, recorded."""
        registered = unreadable = 0
        for files in self._inventory.received_files(self._settled_s):
            taken = [self._taken(file) for file in self._unrecorded(files)]
            registered += sum(each in _ADDED for each in taken)
            unreadable += taken.count(None)
            if self._stop.is_set():
                break
        return Recovered(registered=registered, unreadable=unreadable)

    def _told_as_lost(self) -> int:
        """How many rows have no file."""
        lost = 0
        for recorded in self._accounts.recorded_files():
            for gone in (each for each in recorded if not each.path.exists()):
                lost += 1
                if self._accounts.note_lost(gone):
                    _LOG.error(
                        "file_lost",
                        series_instance_uid=gone.series_instance_uid,
                        path=str(gone.path),
                        remedy="Restore the spool from its backup, or send the series again.",
                    )
            if self._stop.is_set():
                break
        return lost

    def _until_done(self) -> None:
        """What was too young for the first look is old enough for the second."""
        self._until_answered(self.look)
        if not self._stop.wait(self._settled_s):
            self._until_answered(self._taken_in)

    def _until_answered(self, look: Callable[[], Recovered]) -> None:
        while not self._stop.is_set():
            try:
                found = look()
            except NodeError as fault:
                _LOG.warning("recovery_hindered", found=str(fault), next_try_s=_AGAIN_S)
                self._stop.wait(_AGAIN_S)
            else:
                _LOG.info("spool_and_registry_compared", **vars(found))
                return

    def _unrecorded(self, files: Sequence[ReceivedFile]) -> list[ReceivedFile]:
        known = self._accounts.files_named([file.sop_instance_uid for file in files])
        return [file for file in files if file.path not in known]

    def _taken(self, file: ReceivedFile) -> Recorded | None:
        """What recording the file came to; None where it is no DICOM."""
        try:
            header = read_header(file.path)
        except InstanceUnreadableError as fault:
            _LOG.error("file_unreadable", path=str(file.path), found=str(fault))
            return None
        kept, sender = self._inventory.identified(file.path)
        recorded = Recorded.CONFLICT
        if file.branch is not Branch.APART:
            recorded = self._accounts.record(
                header,
                kept,
                calling_ae_title=sender or _NO_SENDER,
                ignored=file.branch is Branch.IGNORED,
            )
        if recorded is Recorded.CONFLICT:
            self._accounts.record_conflict(header, kept)
        _LOG.warning(
            "file_registered",
            sop_instance_uid=header.sop_instance_uid,
            series_instance_uid=header.series_instance_uid,
            branch=str(file.branch),
        )
        return recorded
