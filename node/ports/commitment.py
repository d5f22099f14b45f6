"""The nouns of storage commitment (PS3.4 Annex J), and what is asked of the registry for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from node.ports.records import CommitmentState, SeriesState
from node.ports.work import Lease


@dataclass(frozen=True)
class SopReference:
    """An object by its class and instance, as a Referenced SOP Sequence names it."""

    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True)
class CommitmentRequest:
    """One N-ACTION: which objects a destination shall commit to."""

    transaction_uid: str
    destination: str
    objects: tuple[SopReference, ...]


@dataclass(frozen=True)
class CommitmentAnswer:
    """What a destination answered to the request; ``status`` None: it rejects the context."""

    status: int | None
    message: str = ""


@dataclass(frozen=True)
class CommitmentReply:
    """What an N-EVENT-REPORT says: instances taken over, and those not, each with its reason."""

    transaction_uid: str
    confirmed: frozenset[str]
    failed: Mapping[str, int] = field(default_factory=dict)


class Replied(StrEnum):
    """What recording a reply came to."""

    RECORDED = "RECORDED"
    REPEATED = "REPEATED"
    UNKNOWN = "UNKNOWN"


class Replies(Protocol):
    """What the receiver of a reply asks of the registry."""

    def replied(self, reply: CommitmentReply, *, now: datetime) -> Replied:
        """Record a reply; committed when this returns.

        A transaction that nobody began, or that was replied to before, changes nothing.

        Raises
        ------
        RegistryUnavailableError
            If the database does not answer.
        """


class CommitmentScp(Protocol):
    """A destination that is asked for storage commitment."""

    def commitment(
        self, request: CommitmentRequest, replies: Replies
    ) -> AbstractContextManager[CommitmentAnswer]:
        """Ask for storage commitment; the association is held open for the ``with`` block.

        A reply that comes meanwhile is recorded in ``replies`` and answered.

        Raises
        ------
        PeerUnreachableError
            If no association can be made, or the request is not answered.
        """

    def commits(self) -> bool:
        """Whether the destination accepts storage commitment's presentation context.

        Raises
        ------
        PeerUnreachableError
            If no association can be made.
        """


@dataclass(frozen=True)
class DueCommitment:
    """One object whose commitment something is due about; owed since ``since``.

    Parameters
    ----------
    destination, reference
        Where, and which object.
    state
        OWED: to be asked for; ASKED: there was no reply in time; FAILED: ``failure`` says how.
    tries
        How often it was asked for in a row without a reply that settled it.
    failures
        How often its failure was reported.
    """

    destination: str
    reference: SopReference
    state: CommitmentState
    failure: int | None
    tries: int
    failures: int
    since: datetime


@dataclass(frozen=True)
class CommitmentOutcome:
    """What comes of one due commitment, without a reply that confirms it.

    Parameters
    ----------
    due
        Which.
    state
        OWED: asked for (again) at ``next_try_at``; UNCONFIRMED: over.
    message
        Why, in words.
    send_again
        The object itself is sent once more first, at ``next_try_at``.
    lost
        The destination does not have the object: its delivery has failed.
    """

    due: DueCommitment
    state: CommitmentState
    message: str
    next_try_at: datetime | None = None
    send_again: bool = False
    lost: bool = False


@dataclass(frozen=True)
class CommitmentTally:
    """How many objects' commitments at one destination are in one state."""

    destination: str
    state: CommitmentState
    objects: int


class Commitments(Replies, Protocol):
    """What the jobs ask of the registry for storage commitment.

    Every method has committed when it returns. Those with a lease raise WrongStateError where
    it was lost.
    """

    def commitments_due(self, lease: Lease, now: datetime) -> Sequence[DueCommitment]:
        """What of the leased series something is due about, by destination."""

    def request_commitment(
        self, lease: Lease, request: CommitmentRequest, *, now: datetime
    ) -> None:
        """Record a transaction before it is asked for: its reply may be quick."""

    def commitment_asked(
        self, lease: Lease, transaction_uid: str, *, now: datetime, until: datetime
    ) -> None:
        """Record that the destination accepted the request; replied to or not by now."""

    def awaits_reply(self, transaction_uid: str) -> bool:
        """Whether a transaction was not replied to yet."""

    def commitments_decided(
        self, lease: Lease, outcomes: Sequence[CommitmentOutcome], *, now: datetime
    ) -> None:
        """Record what comes of these; one that a reply has confirmed meanwhile stays so."""

    def waive_commitments(self, lease: Lease, destination: str) -> None:
        """Forget what was to be asked of a destination that is not to be asked any more."""

    def settle_commitments(self, lease: Lease, *, now: datetime) -> SeriesState:
        """Give the lease back; the series is CONFIRMED, due for delivery again, or as it was."""
