"""Storage commitment asked of a destination (PS3.4 Annex J)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import evt
from pynetdicom.association import Association

from node import commitment, log
from node.errors import PeerUnreachableError
from node.ports import CommitmentAnswer, CommitmentRequest, Replies
from node.scu.association import NothingAcceptedError, association
from node.settings import Destination

_LOG = log.get("scu")
_PAIRS = [(commitment.SOP_CLASS, s) for s in (ExplicitVRLittleEndian, ImplicitVRLittleEndian)]
_REJECTED = "it does not accept the presentation context of storage commitment"
_ANSWERING_S = 10.0


@contextmanager
def requested(
    destination: Destination,
    calling_ae_title: str,
    request: CommitmentRequest,
    replies: Replies,
) -> Iterator[CommitmentAnswer]:
    """The answer to a request; its association is open until the block ends.

    Raises
    ------
    PeerUnreachableError
        If no association can be made, or the request is not answered.
    """
    reports = _Reports(replies)
    handlers = [(evt.EVT_N_EVENT_REPORT, reports.answer)]
    try:
        with association(destination, calling_ae_title, _PAIRS, handlers) as assoc:
            answer = _asked(assoc, destination.name, request)
            _report(answer, request)
            yield answer
            reports.finish()
    except NothingAcceptedError:
        answer = CommitmentAnswer(None, _REJECTED)
        _report(answer, request)
        yield answer


def is_supported(destination: Destination, calling_ae_title: str) -> bool:
    """Whether the destination accepts the presentation context.

    Raises
    ------
    PeerUnreachableError
        If no association can be made.
    """
    try:
        with association(destination, calling_ae_title, _PAIRS):
            return True
    except NothingAcceptedError:
        return False


def _asked(assoc: Association, name: str, request: CommitmentRequest) -> CommitmentAnswer:
    try:
        response, _ = assoc.send_n_action(
            commitment.action_information(request),
            commitment.REQUEST,
            commitment.SOP_CLASS,
            commitment.SOP_INSTANCE,
        )
    except RuntimeError as problem:  # pynetdicom's word for: no longer established
        raise PeerUnreachableError(f"{name} ended the association early") from problem
    if "Status" not in response:
        raise PeerUnreachableError(f"{name} did not answer the request for storage commitment")
    status = int(response.Status)
    comment = str(response.get("ErrorComment", "") or "")
    words = "" if status == 0 else f"{commitment.refusal_words(status)} {comment}".strip()
    return CommitmentAnswer(status, words)


def _report(answer: CommitmentAnswer, request: CommitmentRequest) -> None:
    facts = {
        "destination": request.destination,
        "transaction_uid": request.transaction_uid,
        "objects": len(request.objects),
    }
    if answer.status == 0:
        _LOG.info("commitment_requested", **facts)
    else:
        _LOG.warning("commitment_refused", **facts, found=answer.message)


class _Reports:
    """Replies that come while the association is open; pynetdicom serves each in a thread."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self._threads: list[threading.Thread] = []

    def answer(self, event: evt.Event) -> tuple[int, Dataset | None]:
        """Record a reply and say the status."""
        self._threads.append(threading.current_thread())
        request = cast(commitment.EventReport, event.request)
        sender = str(event.assoc.acceptor.ae_title)
        found = event.event_information
        return commitment.answered(request, found, self._replies, sender=sender), None

    def finish(self) -> None:
        """Let every reply be answered before the association is released."""
        for thread in self._threads:
            thread.join(_ANSWERING_S)
