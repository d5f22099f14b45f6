"""A destination: objects sent to it over C-STORE, each with its answer."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.association import Association

from node import log
from node.errors import PeerUnreachableError
from node.ports import (
    CommitmentAnswer,
    CommitmentRequest,
    Replies,
    SentObject,
    StoreOutcome,
    by_series,
)
from node.scu.association import NothingAcceptedError, association
from node.scu.commitment import is_supported, requested
from node.scu.proposal import CONVERTIBLE, Pair, Parcel, batches, read_parcel
from node.scu.query import STUDY_ROOT_FIND, NotAskedError, instances_of
from node.scu.statuses import is_stored, meaning
from node.scu.store import goes_as_it_is, store_as_it_is
from node.settings import Destination

_LOG = log.get("scu")
_VERIFICATION = UID("1.2.840.10008.1.1")


class DicomPacs:
    """One destination; implements :class:`node.ports.Pacs` and ``CommitmentScp``.

    Parameters
    ----------
    destination
        Where it is and what it is called.
    calling_ae_title
        What this node calls itself.
    """

    question: ClassVar[str] = "a C-ECHO"

    def __init__(self, destination: Destination, calling_ae_title: str) -> None:
        self._destination = destination
        self._calling_ae_title = calling_ae_title

    def store(self, files: Sequence[Path], on_outcome: Callable[[StoreOutcome], None]) -> None:
        """Send files in their order; ``on_outcome`` is called for each as answered.

        Every class and transfer syntax among the files is proposed in a context of its own,
        uncompressed ones in Explicit and Implicit VR Little Endian. A file whose contexts were
        all rejected, or that is no DICOM file, has an outcome without status, and the others
        are sent. More than 128 contexts take several associations, one after the other.

        Raises
        ------
        PeerUnreachableError
            If no association can be made, or it ends before every file was answered; the
            outcomes so far have been reported.
        """
        parcels: list[Parcel] = []
        for path in files:
            if parcel := read_parcel(path):
                parcels.append(parcel)
            else:
                on_outcome(_unreadable(path.name, "no readable DICOM file"))
        for batch, pairs in batches(parcels):
            self._store_batch(batch, pairs, on_outcome)

    def echo(self) -> float:
        """Seconds that a C-ECHO took, the association included.

        Raises
        ------
        PeerUnreachableError
            If it was not answered with success.
        """
        started = time.perf_counter()
        pairs = [(_VERIFICATION, s) for s in (ExplicitVRLittleEndian, ImplicitVRLittleEndian)]
        try:
            with association(self._destination, self._calling_ae_title, pairs) as assoc:
                status = _status(assoc.send_c_echo())
        except NothingAcceptedError:
            raise PeerUnreachableError(f"{self._name} does not support C-ECHO") from None
        if status != 0x0000:
            answered = "did not answer" if status is None else f"answered {status:04X}"
            raise PeerUnreachableError(f"{self._name} {answered} to a C-ECHO")
        return time.perf_counter() - started

    def holds(self, sent: Sequence[SentObject]) -> frozenset[str] | None:
        """SOP Instance UIDs of those objects that a C-FIND finds; None without Query/Retrieve.

        Raises
        ------
        PeerUnreachableError
            If the peer does not answer a C-FIND.
        """
        found: set[str] = set()
        syntaxes = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
        pairs = [(STUDY_ROOT_FIND, syntax) for syntax in syntaxes]
        try:
            with association(self._destination, self._calling_ae_title, pairs) as assoc:
                for (study, series), uids in by_series(sent).items():
                    found |= instances_of(assoc, study, series, uids)
        except (NothingAcceptedError, NotAskedError):
            return None
        return frozenset(found)

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
        return requested(self._destination, self._calling_ae_title, request, replies)

    def commits(self) -> bool:
        """Whether the destination accepts storage commitment's presentation context.

        Raises
        ------
        PeerUnreachableError
            If no association can be made.
        """
        return is_supported(self._destination, self._calling_ae_title)

    @property
    def _name(self) -> str:
        return self._destination.name

    def _store_batch(
        self,
        batch: Sequence[Parcel],
        pairs: Sequence[Pair],
        on_outcome: Callable[[StoreOutcome], None],
    ) -> None:
        try:
            with association(self._destination, self._calling_ae_title, pairs) as assoc:
                for parcel in batch:
                    outcome = self._sent(assoc, parcel)
                    self._report(outcome, parcel)
                    on_outcome(outcome)
        except NothingAcceptedError:
            for parcel in batch:
                outcome = _context_rejected(parcel)
                self._report(outcome, parcel)
                on_outcome(outcome)

    def _sent(self, assoc: Association, parcel: Parcel) -> StoreOutcome:
        if not assoc.is_established:
            raise PeerUnreachableError(f"{self._name} ended the association early")
        if not _is_accepted(assoc, parcel):
            return _context_rejected(parcel)
        uid = str(parcel.sop_instance_uid)
        try:
            if goes_as_it_is(assoc, parcel):
                answer = store_as_it_is(assoc, parcel)
            else:
                answer = assoc.send_c_store(dcmread(parcel.path))
        except (AttributeError, EOFError, InvalidDicomError, OSError, ValueError) as problem:
            return _unreadable(uid, f"{type(problem).__name__} in {parcel.path}")
        except RuntimeError as problem:  # pynetdicom's word for: no longer established
            raise PeerUnreachableError(f"{self._name} ended the association early") from problem
        status = _status(answer)
        if status is None:
            raise PeerUnreachableError(f"{self._name} did not answer a C-STORE")
        comment = str(answer.get("ErrorComment", "") or "")
        return StoreOutcome(uid, status, comment or meaning(status))

    def _report(self, outcome: StoreOutcome, parcel: Parcel) -> None:
        stored = outcome.status is not None and is_stored(outcome.status)
        status = "none" if outcome.status is None else f"{outcome.status:04X}"
        (_LOG.debug if stored else _LOG.warning)(
            "object_stored" if stored else "object_not_stored",
            destination=self._name,
            sop_instance_uid=outcome.sop_instance_uid,
            sop_class=parcel.sop_class_uid.name,
            status=status,
        )


def _is_accepted(assoc: Association, parcel: Parcel) -> bool:
    """Whether one of the contexts that can carry the parcel was accepted."""
    accepted = {(c.abstract_syntax, c.transfer_syntax[0]) for c in assoc.accepted_contexts}
    return any(pair in accepted for pair in parcel.proposed)


def _context_rejected(parcel: Parcel) -> StoreOutcome:
    syntax = "" if parcel.transfer_syntax_uid in CONVERTIBLE else parcel.transfer_syntax_uid.name
    kind = f"{parcel.sop_class_uid.name} in {syntax}" if syntax else parcel.sop_class_uid.name
    return StoreOutcome(
        str(parcel.sop_instance_uid), None, f"skipped: the peer does not accept {kind}"
    )


def _unreadable(name: str, found: str) -> StoreOutcome:
    return StoreOutcome(name, None, f"not sent: {found}", readable=False)


def _status(answer: Dataset) -> int | None:
    """The status of a response; None if there was no response."""
    return int(answer.Status) if "Status" in answer else None
