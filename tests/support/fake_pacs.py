"""A destination in memory that answers as it is told."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from node.errors import PeerUnreachableError
from node.ports import (
    CommitmentAnswer,
    CommitmentReply,
    CommitmentRequest,
    Replies,
    SentObject,
    StoreOutcome,
)


@dataclass
class FakePacs:
    """Implements :class:`node.ports.Pacs` and :class:`node.ports.CommitmentScp`.

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
    accepts
        Answered to a request for storage commitment; None rejects its context.
    failing
        The Failure Reason of the objects that it will not commit to, taken as they are told.
    replies
        Whether it replies, while the association is open.
    """

    question: ClassVar[str] = "a C-ECHO"
    status: int | None = 0
    away: bool = False
    ends_after: int | None = None
    after_each: Callable[[], None] = lambda: None
    received: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    searchable: bool = True
    accepts: int | None = 0
    failing: dict[str, list[int]] = field(default_factory=dict)
    replies: bool = True
    requests: list[CommitmentRequest] = field(default_factory=list)

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

    @contextmanager
    def commitment(
        self, request: CommitmentRequest, replies: Replies
    ) -> Iterator[CommitmentAnswer]:
        if self.away:
            raise PeerUnreachableError("no association with the fake")
        self.requests.append(request)
        if self.accepts == 0 and self.replies:
            replies.replied(self.reply_to(request), now=datetime.now(UTC))
        yield CommitmentAnswer(self.accepts, "" if self.accepts == 0 else "the fake refuses")

    def reply_to(self, request: CommitmentRequest) -> CommitmentReply:
        asked = {each.sop_instance_uid for each in request.objects}
        failed = {uid: self.failing[uid].pop(0) for uid in asked if self.failing.get(uid)}
        return CommitmentReply(request.transaction_uid, frozenset(asked - failed.keys()), failed)

    def commits(self) -> bool:
        return self.accepts is not None

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
