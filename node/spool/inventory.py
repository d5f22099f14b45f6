"""What lies in the spool, whether or not anybody remembers it."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydicom.filereader import read_file_meta_info

from node.ports import Branch, Kept, ReceivedFile
from node.spool.disk import digest, faults


class FileInventory:
    """:class:`node.ports.Inventory` of a spool.

    Parameters
    ----------
    root
        The folder of the spool.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def received_files(self, settled_s: float) -> Iterator[Sequence[ReceivedFile]]:
        """Every received file that was written at least so long ago, a folder at a time.

        Raises
        ------
        SpoolError
            If the disk fails.
        """
        before = time.time() - settled_s
        for branch in Branch:
            for folder, _, names in os.walk(self._root / branch, onerror=_unlistable):
                settled = [
                    ReceivedFile(path, branch, _named(path, branch))
                    for path in (Path(folder) / name for name in sorted(names))
                    if path.suffix == ".dcm" and _written(path) <= before
                ]
                if settled:
                    yield settled

    def identified(self, path: Path) -> tuple[Kept, str]:
        """A received file as it was kept, and the AE title of its sender.

        Raises
        ------
        SpoolError
            If the disk fails.
        """
        with faults(f"read {path.name}"):
            kept = Kept(path, digest(path), path.stat().st_size)
            meta = read_file_meta_info(path)
        return kept, str(meta.get("SourceApplicationEntityTitle", ""))


def _named(path: Path, branch: Branch) -> str:
    """The SOP Instance UID that a received file is named by."""
    return path.parent.name if branch is Branch.APART else path.stem


def _written(path: Path) -> float:
    with faults(f"look at {path.name}"):
        return path.stat().st_mtime


def _unlistable(problem: OSError) -> None:
    # A branch that nothing was put into yet does not exist.
    if not isinstance(problem, FileNotFoundError):
        with faults("list the spool"):
            raise problem
