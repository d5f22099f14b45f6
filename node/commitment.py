"""Storage Commitment Push Model: what is asked for, and what a report says (PS3.4 Annex J).

A report comes on the association of its request (scu) or on one that the destination opens
(scp); it is read, recorded and answered in the same way.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import IntEnum
from typing import Protocol

from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from node import log
from node.errors import RegistryUnavailableError
from node.failpoint import Step, passed
from node.ports import CommitmentReply, CommitmentRequest, Replied, Replies

SOP_CLASS = UID("1.2.840.10008.1.20.1")
SOP_INSTANCE = UID("1.2.840.10008.1.20.1.1")
"""The well-known instance that every request and report is about (PS3.4 J.3.5)."""
REQUEST = 1
"""Action Type ID of a request (PS3.4 Table J.3-1)."""
_SUCCESSFUL, _FAILURES_EXIST = 1, 2  # Event Type IDs of PS3.4 Table J.3-2

NO_SUCH_INSTANCE = 0x0112
_PROCESSING_FAILURE = 0x0110
_CLASS_NOT_SUPPORTED = 0x0122
_CONFLICT = 0x0119
_DUPLICATE_TRANSACTION = 0x0131
_RESOURCE_LIMITATION = 0x0213
# Failure Reason (0008,1197), PS3.3 Table C.14-1 and section C.14.1.1
_REASONS = {
    _PROCESSING_FAILURE: "it could not process the object",
    NO_SUCH_INSTANCE: "it does not have the object",
    _CONFLICT: "it has the object under another SOP class",
    _CLASS_NOT_SUPPORTED: "it commits to no object of this SOP class",
    _DUPLICATE_TRANSACTION: "it has seen the Transaction UID before",
    _RESOURCE_LIMITATION: "it has no room to keep the object",
}
# Sending the object again changes nothing about these.
FINAL_REASONS = frozenset({_CONFLICT, _CLASS_NOT_SUPPORTED})
ASK_AGAIN_REASONS = frozenset({_DUPLICATE_TRANSACTION})

# Statuses of an N-ACTION response (PS3.7 10.1.4.1.10) that stay the same when asked again.
_PERMANENT = {
    0x0112: "it does not know the storage commitment instance",
    0x0114: "it does not understand the request",
    0x0115: "it does not understand the request",
    0x0117: "it calls the storage commitment instance invalid",
    0x0118: "it does not know storage commitment",
    0x0119: "it does not know the storage commitment instance",
    0x0122: "it does not support storage commitment",
    0x0123: "it does not know the request",
    0x0124: "it does not authorise this node to ask",
    0x0211: "it does not know the operation",
    0x0212: "it does not understand the request",
}

_LOG = log.get("commitment")


class ReportStatus(IntEnum):
    """What an N-EVENT-REPORT is answered with (PS3.7 10.1.1.1.8)."""

    SUCCESS = 0x0000
    PROCESSING_FAILURE = 0x0110
    NO_SUCH_INSTANCE = 0x0112
    NO_SUCH_EVENT_TYPE = 0x0113
    INVALID_ARGUMENT = 0x0115
    RESOURCE_LIMITATION = 0x0213


class EventReport(Protocol):
    """An N-EVENT-REPORT request, as far as it is looked at."""

    AffectedSOPInstanceUID: UID | None
    EventTypeID: int | None


def action_information(request: CommitmentRequest) -> Dataset:
    """The data set of a request (PS3.4 Table J.3-1)."""
    data_set = Dataset()
    data_set.TransactionUID = request.transaction_uid
    data_set.ReferencedSOPSequence = Sequence()
    for each in request.objects:
        item = Dataset()
        item.ReferencedSOPClassUID = each.sop_class_uid
        item.ReferencedSOPInstanceUID = each.sop_instance_uid
        data_set.ReferencedSOPSequence.append(item)
    return data_set


def failure_words(reason: int | None) -> str:
    """A Failure Reason in words, as a destination's own: ``it does not have the object``."""
    if reason is None:
        return "its reply does not name the object"
    return f"{_REASONS.get(reason, 'it gives no reason that is known')} (0x{reason:04X})"


def refusal_words(status: int) -> str:
    """The status of an N-ACTION response in words."""
    return f"{_PERMANENT.get(status, 'it could not process the request')} (0x{status:04X})"


def is_permanent(status: int) -> bool:
    """Whether a request that was answered so is answered the same again."""
    return status in _PERMANENT


def answered(
    request: EventReport, information: Dataset, replies: Replies, *, sender: str
) -> ReportStatus:
    """The status that answers a report; success once what it says is in the registry.

    A report that came before is a success and changes nothing: its sender may have missed the
    first answer. One of a transaction that this node never began is refused.

    Parameters
    ----------
    request, information
        The report and its data set.
    replies
        Where it is recorded.
    sender
        The AE title of who sent it.
    """
    reply = _read(request, information)
    if isinstance(reply, ReportStatus):
        _LOG.warning("report_not_understood", sender=sender, status=f"{reply:04X}")
        return reply
    passed(Step.REPORTED)
    try:
        replied = replies.replied(reply, now=datetime.now(UTC))
    except RegistryUnavailableError as fault:
        _LOG.warning("report_not_recorded", found=str(fault), remedy=fault.remedy)
        return ReportStatus.RESOURCE_LIMITATION
    passed(Step.REPORT_RECORDED)
    facts = {"transaction_uid": reply.transaction_uid, "sender": sender}
    if replied is Replied.UNKNOWN:
        _LOG.warning("report_of_no_transaction", **facts)
        return ReportStatus.INVALID_ARGUMENT
    counts = {"confirmed": len(reply.confirmed), "failed": len(reply.failed)}
    _LOG.info(
        "report_repeated" if replied is Replied.REPEATED else "report_recorded", **facts, **counts
    )
    return ReportStatus.SUCCESS


def _read(request: EventReport, information: Dataset) -> CommitmentReply | ReportStatus:
    """What a report says, or the status of one that says nothing."""
    if request.AffectedSOPInstanceUID != SOP_INSTANCE:
        return ReportStatus.NO_SUCH_INSTANCE
    if request.EventTypeID not in (_SUCCESSFUL, _FAILURES_EXIST):
        return ReportStatus.NO_SUCH_EVENT_TYPE
    transaction_uid = str(information.get("TransactionUID") or "")
    if not transaction_uid:
        return ReportStatus.INVALID_ARGUMENT
    failed = {
        str(item.get("ReferencedSOPInstanceUID", "")): int(item.get("FailureReason") or 0)
        for item in _items(information, "FailedSOPSequence")
    }
    named = {
        str(item.get("ReferencedSOPInstanceUID", ""))
        for item in _items(information, "ReferencedSOPSequence")
    }
    return CommitmentReply(transaction_uid, frozenset(named - failed.keys()), failed)


def _items(data_set: Dataset, keyword: str) -> Iterator[Dataset]:
    found = data_set.get(keyword)
    if isinstance(found, Sequence):
        yield from found
