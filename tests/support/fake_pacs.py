"""A destination in memory that answers as it is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from node.errors import PeerUnreachableError
from node.ports import SentObject, StoreOutcome


@dataclass
class FakePacs:
    """Implements :class:`node.ports.Pacs`.

    Parameters
    ----------
    status
        Answered to every object; None rejects its context.
    away
        Whether no association can be made.
    ends_after
        The association ends after so many answers.
    after_each
        Called when an object has come in, before it is answered.
    lost
        Objects that it answers as stored and does not find afterwards, once for each time that
        one is listed.
    searchable
        Whether it answers searches.
    """

    question: ClassVar[str] = "a C-ECHO"
    status: int | None = 0
    away: bool = False
    ends_after: int | None = None
    after_each: Callable[[], None] = lambda: None
    received: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    searchable: bool = True

    def store(self, files: Sequence[Path], on_outcome: Callable[[StoreOutcome], None]) -> None:
        if self.away:
            raise PeerUnreachableError("no association with the fake")
        for count, path in enumerate(files):
            if count == self.ends_after:
                raise PeerUnreachableError("the association ended")
            try:
                uid = str(dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID)
            except InvalidDicomError:
                on_outcome(StoreOutcome(path.name, None, "no DICOM file", readable=False))
                continue
            self.received.append(uid)
            self.after_each()
            on_outcome(StoreOutcome(uid, self.status))

    def echo(self) -> float:
        if self.away:
            raise PeerUnreachableError("no association with the fake")
        return 0.001

    def holds(self, sent: Sequence[SentObject]) -> frozenset[str] | None:
        if self.away:
            raise PeerUnreachableError("no association with the fake")
        if not self.searchable:
            return None
        wanted = {each.sop_instance_uid for each in sent}
        missing = wanted & set(self.lost)
        for uid in missing:
            self.lost.remove(uid)
        return frozenset((wanted & set(self.received)) - missing)
