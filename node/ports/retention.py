"""What the retention of files asks of registry and spool, and the nouns they hand over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from node.ports.disk import DiskUse


class Ended(StrEnum):
    """How a series ended, as far as its files matter."""

    FINISHED = "finished"
    """Everything of it is where it belongs, or it was never meant to be analysed."""
    UNFINISHED = "unfinished"
    """Refused, failed or cancelled: somebody may still want to look at it."""


class Part(StrEnum):
    """Which files of a series."""

    SOURCES = "sources"
    """What was received, other bytes under known UIDs too."""
    RESULTS = "results"
    """What was made of it, every revision."""


@dataclass(frozen=True)
class Expiring:
    """A series some of whose files are being deleted; the registry says so until they are."""

    series_instance_uid: str
    paths: tuple[Path, ...]


class Shelf(Protocol):
    """The registry's side: it alone knows what may go.

    Nothing may that is received, analysed or owed to a destination, nor while another series of
    its study is.
    """

    def expirable(self, part: Part, ended: Ended, before: datetime, limit: int) -> Sequence[str]:
        """Series that ended so before that time and still have that part, the oldest first."""

    def begin_expiry(self, series_instance_uid: str, parts: Sequence[Part], why: str) -> bool:
        """Whether the series may lose these parts: from now on nothing of it is taken in.

        Its history says what goes and why; the series joined to it go along.
        """

    def expiring(self) -> Sequence[Expiring]:
        """Every series whose expiry has begun and not ended, here or before a crash."""

    def end_expiry(self, series_instance_uid: str) -> None:
        """Forget the files of an expiring series: they are gone."""

    def forget(self, before: datetime, limit: int) -> int:
        """How many series without files that ended before that time were forgotten."""


class Bin(Protocol):
    """The spool's side."""

    def disk(self) -> DiskUse:
        """Room on the disk now.

        Raises
        ------
        SpoolError
            If the disk does not answer.
        """

    def delete(self, paths: Sequence[Path]) -> int:
        """Bytes of files that were deleted, durably, with folders that are empty afterwards.

        Raises
        ------
        SpoolError
            If the disk fails.
        """
