"""A small archive for the demo: our own listener, files in a folder, an index in memory."""

import threading
from collections.abc import Sequence
from pathlib import Path

from node.ports import Kept, Pause, Quota, Recorded
from node.scp import Listener
from node.series import Header
from node.settings import ScpSettings
from node.spool import FileSpool


class SmallArchive:
    """Receives what is sent to it and keeps it; an index in memory, gone when it ends.

    Parameters
    ----------
    folder
        Where the instances are kept.
    port
        TCP port on 127.0.0.1.
    """

    def __init__(self, folder: Path, port: int) -> None:
        settings = ScpSettings(ae_title="ARCHIVE", host="127.0.0.1", port=port)
        self._index = _Index()
        self._listener = Listener(settings, FileSpool(folder, min_free_bytes=0), self._index)

    def start(self) -> None:
        """Begin to listen."""
        self._listener.start()

    def stop(self) -> None:
        """End; the files stay."""
        self._listener.stop()

    def files(self) -> list[Path]:
        """The files received so far."""
        return self._index.files()


class _Index:
    """An Intake in memory (see node.ports): the archive is the demo's, its truth the files."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._lock = threading.Lock()

    def record(
        self,
        header: Header,
        kept: Kept,
        *,
        calling_ae_title: str,
        ignored: bool,
        quota: Quota | None = None,
    ) -> Recorded:
        """Remember an instance; the first wins."""
        del calling_ae_title, ignored, quota  # an archive keeps every storage class alike
        with self._lock:
            first = self._kept.setdefault(header.sop_instance_uid, kept)
        if first is kept:
            return Recorded.NEW
        return Recorded.DUPLICATE if first.sha256 == kept.sha256 else Recorded.CONFLICT

    def pauses(self) -> Sequence[Pause]:
        """Nothing: nobody pauses it."""
        return ()

    def record_conflict(self, header: Header, kept: Kept) -> None:
        """Other bytes under a known UID: the first stays."""

    def files(self) -> list[Path]:
        """Where the instances lie."""
        with self._lock:
            return [kept.path for kept in self._kept.values()]
