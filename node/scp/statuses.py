"""The statuses that a C-STORE is answered with (PS3.4 table B.2-1, PS3.7 Annex C)."""

from dataclasses import dataclass
from enum import IntEnum

from node.errors import (
    InstanceUnreadableError,
    NodeError,
    RegistryUnavailableError,
    SeriesExpiringError,
    SpoolFullError,
)


class Status(IntEnum):
    """What a sender is told; the comments say how senders take it."""

    SUCCESS = 0x0000
    # A fault of the node's (PS3.7 C.5.6): senders may try again.
    PROCESSING_FAILURE = 0x0110
    # No room or nowhere to record it: senders try again.
    OUT_OF_RESOURCES = 0xA700
    # The data set is another class or instance than the request announced.
    MISMATCH = 0xA900
    # The bytes are no data set: trying again is of no use.
    CANNOT_UNDERSTAND = 0xC000


@dataclass(frozen=True)
class Answer:
    """A status and, for people at the sender, why: Error Comment (0000,0902), 64 characters."""

    status: Status
    comment: str = ""


SUCCESS = Answer(Status.SUCCESS)
_BY_FAULT: tuple[tuple[type[NodeError], Status], ...] = (
    (SpoolFullError, Status.OUT_OF_RESOURCES),
    (RegistryUnavailableError, Status.OUT_OF_RESOURCES),
    (SeriesExpiringError, Status.OUT_OF_RESOURCES),
    (InstanceUnreadableError, Status.CANNOT_UNDERSTAND),
)


def answer_for(fault: NodeError) -> Answer:
    """The answer when a fault kept an instance from being stored."""
    for kind, status in _BY_FAULT:
        if isinstance(fault, kind):
            return Answer(status, _COMMENTS[status])
    return Answer(Status.PROCESSING_FAILURE, _COMMENTS[Status.PROCESSING_FAILURE])


# Fixed words: the fault's own may name paths of this machine.
_COMMENTS = {
    Status.PROCESSING_FAILURE: "The node could not store the instance",
    Status.OUT_OF_RESOURCES: "The node has no room for the instance now",
    Status.CANNOT_UNDERSTAND: "The data set cannot be read",
}
