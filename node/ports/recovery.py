"""What the look at spool and registry after a start asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from node.ports.protocols import Intake
from node.ports.records import Kept


class Branch(StrEnum):
    """Where in the spool a received file lies."""

    INCOMING = "incoming"
    IGNORED = "ignored"
    APART = "apart"


@dataclass(frozen=True)
class ReceivedFile:
    """A file that was received; ``sop_instance_uid`` is what it is named by."""

    path: Path
    branch: Branch
    sop_instance_uid: str


@dataclass(frozen=True)
class RecordedFile:
    """A file that the registry names."""

    path: Path
    series_instance_uid: str


class Inventory(Protocol):
    """The spool's side."""

    def received_files(self, settled_s: float) -> Iterator[Sequence[ReceivedFile]]:
        """Every received file that was written at least so long ago, a folder at a time.

        Raises
        ------
        SpoolError
            If the disk fails.
        """

    def identified(self, path: Path) -> tuple[Kept, str]:
        """A received file as it was kept, and the AE title of its sender.

        Raises
        ------
        SpoolError
            If the disk fails.
        """


class Accounts(Intake, Protocol):
    """The registry's side."""

    def files_named(self, sop_instance_uids: Sequence[str]) -> set[Path]:
        """The files that are recorded for these instances, those apart among them."""

    def recorded_files(self) -> Iterator[Sequence[RecordedFile]]:
        """Every recorded file, some at a time."""

    def note_lost(self, lost: RecordedFile) -> bool:
        """Whether a series' history did not say yet that a file of it is gone; now it does."""
