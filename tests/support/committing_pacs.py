"""A PACS of pynetdicom that stores, can be searched, and commits in whatever way it is told."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from enum import Enum

from pydicom import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.association import Association
from pynetdicom.presentation import AllStoragePresentationContexts, build_context
from pynetdicom.sop_class import (
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

from node.scu.checkpoint import Checkpoint


class Reply(Enum):
    """On which association it replies."""

    SAME = "same"
    NEW = "new"
    NEVER = "never"


class CommittingPacs:
    """Counts what it stores, and replies to requests for storage commitment.

    Attributes
    ----------
    reply
        Where its replies go.
    node_port
        Where the node listens, for replies on an association of its own.
    accepts
        The status that requests are answered with.
    failing
        Failure Reasons that it tells, one after the other, for each instance.
    negotiates_roles
        Whether it proposes to be the SCP of its own association, as it should.
    requests, answers
        The data sets of the requests, and the statuses of the node's answers to the replies.
    """

    def __init__(self, *, commits: bool = True, address: str = "127.0.0.1") -> None:
        self.received: Counter[str] = Counter()
        self._series: dict[str, set[str]] = {}
        self.requests: list[Dataset] = []
        self.answers: list[int | None] = []
        self.reply, self.node_port, self.accepts = Reply.SAME, 0, 0x0000
        self.failing: dict[str, list[int]] = {}
        self.negotiates_roles = True
        ae = AE("PACS")
        ae.add_supported_context(Verification)
        for context in AllStoragePresentationContexts:
            ae.add_supported_context(context.abstract_syntax)
        ae.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
        if commits:
            ae.add_supported_context(StorageCommitmentPushModel)
        handlers = [
            (evt.EVT_CONN_OPEN, pause_safely),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_FIND, self._found),
            (evt.EVT_N_ACTION, self._requested),
        ]
        self._server = ae.start_server((address, 0), block=False, evt_handlers=handlers)
        self.port = int(self._server.server_address[1])

    def close(self) -> None:
        self._server.shutdown()

    def report(self, event_type: int, information: Dataset, calling: str = "PACS") -> int | None:
        """The status that a reply on an association of its own was answered with."""
        return report(
            self.node_port,
            event_type,
            information,
            calling=calling,
            negotiates_roles=self.negotiates_roles,
        )

    def reply_to(self, request: Dataset) -> tuple[int, Dataset]:
        """Event Type ID and data set of the reply to a request."""
        return reply_to(request, self._failure)

    def _failure(self, uid: str) -> int | None:
        reasons = self.failing.get(uid)
        return reasons.pop(0) if reasons else None

    def _store(self, event: evt.Event) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        self.received[uid] += 1
        self._series.setdefault(str(event.dataset.SeriesInstanceUID), set()).add(uid)
        return 0x0000

    def _found(self, event: evt.Event) -> Iterator[tuple[int, Dataset]]:
        """The instances that it stored of a series."""
        identifier = event.identifier
        yield from matches(identifier, self._series.get(str(identifier.SeriesInstanceUID), ()))

    def _requested(self, event: evt.Event) -> tuple[int, None]:
        self.requests.append(event.action_information)
        if self.accepts == 0 and self.reply is not Reply.NEVER:
            replied = self.reply_to(event.action_information)
            threading.Thread(target=self._send, args=(event.assoc, *replied), daemon=True).start()
        return self.accepts, None

    def _send(self, assoc: Association, event_type: int, information: Dataset) -> None:
        time.sleep(0.05)  # the request is answered first
        if self.reply is Reply.SAME:
            self.answers.append(report_on(assoc, event_type, information))
        else:
            self.answers.append(self.report(event_type, information))


def references(*uids: str, sop_class: str = "1.2.840.10008.5.1.4.1.1.2") -> Sequence[Dataset]:
    """Items of a Referenced SOP Sequence."""
    items = []
    for uid in uids:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
        items.append(item)
    return items


def matches(identifier: Dataset, uids: Iterable[str]) -> Iterator[tuple[int, Dataset]]:
    """The answers to a search that finds these instances."""
    for uid in sorted(uids):
        answer = deepcopy(identifier)
        answer.SOPInstanceUID = uid
        yield 0xFF00, answer


def reply_to(request: Dataset, failure: Callable[[str], int | None]) -> tuple[int, Dataset]:
    """Event Type ID and data set of the reply to a request; ``failure`` has a reason, or None."""
    information, done, failed = Dataset(), [], []
    information.TransactionUID = request.TransactionUID
    for item in request.ReferencedSOPSequence:
        if (reason := failure(str(item.ReferencedSOPInstanceUID))) is not None:
            item.FailureReason = reason
        (failed if "FailureReason" in item else done).append(item)
    if done:
        information.ReferencedSOPSequence = done
    if failed:
        information.FailedSOPSequence = failed
    return (2 if failed else 1), information


def report(
    port: int,
    event_type: int,
    information: Dataset,
    *,
    calling: str = "PACS",
    negotiates_roles: bool = True,
) -> int | None:
    """The status of a reply on an association of its own; None where nothing was answered."""
    ae = AE(calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
    roles = [build_role(StorageCommitmentPushModel, scp_role=True, scu_role=True)]
    assoc = ae.associate(
        "127.0.0.1",
        port,
        [build_context(StorageCommitmentPushModel)],
        ae_title="PERFUSION",
        ext_neg=roles if negotiates_roles else [],
        evt_handlers=[(evt.EVT_CONN_OPEN, pause_safely)],
    )
    if not assoc.is_established:
        return None
    if not negotiates_roles:
        # pynetdicom would not send in a role that was not negotiated; other peers do
        for context in assoc.accepted_contexts:
            context._as_scp = True
    status = report_on(assoc, event_type, information)
    if assoc.is_established:
        assoc.release()
    return status


def report_on(assoc: Association, event_type: int, information: Dataset) -> int | None:
    """The status of a reply on that association; None where nothing was answered."""
    try:
        answer, _ = assoc.send_n_event_report(
            information, event_type, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
    except RuntimeError:  # pynetdicom's for an association that has ended: whoever asked has died
        return None
    return int(answer.Status) if "Status" in answer else None


def pause_safely(event: evt.Event) -> None:
    """Without it pynetdicom's own reactor now and then takes the answer that is waited for."""
    event.assoc._reactor_checkpoint = Checkpoint(event.assoc)
