"""A DICOMweb destination: objects sent to it by STOW-RS, each with what was reported of it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from node import log
from node.ports import DeliveryState, SentObject, StoreOutcome, by_series
from node.settings import WebDestination
from node.stow.exchange import Answer, Exchange, fault_of
from node.stow.judgement import concerns_content, outcomes
from node.stow.parts import Multipart, Part, UnreadableFileError, batches, read_part
from node.stow.search import NotOfferedError, instances_of, matches_of, nothing

_LOG = log.get("stow")
_REPORT = "application/dicom+json, application/dicom+xml;q=0.5"
_GOOD = (DeliveryState.STORED, DeliveryState.WARNING)

Report = Callable[[StoreOutcome], None]


class WebPacs:
    """One destination; implements :class:`node.ports.Pacs`.

    Parameters
    ----------
    destination
        Where it is, and with which credentials.
    """

    question: ClassVar[str] = "a QIDO-RS search"

    def __init__(self, destination: WebDestination) -> None:
        self._destination = destination

    def store(self, files: Sequence[Path], on_outcome: Report) -> None:
        """Send files in their order; ``on_outcome`` is called for each as reported.

        Several go in a request, as many as its limits in bytes and objects allow. Where the
        answer to a request may be one object's fault, each is sent by itself.

        Raises
        ------
        PeerUnreachableError
            If the server cannot be reached, or does not take requests now; the outcomes so far
            have been reported.
        """
        parts: list[Part] = []
        for path in files:
            if part := read_part(path):
                parts.append(part)
            else:
                on_outcome(_unreadable(path.name, "no readable DICOM file"))
        with Exchange(self._destination) as exchange:
            for batch in batches(parts):
                self._store(exchange, batch, on_outcome)

    def echo(self) -> float:
        """Seconds that a QIDO-RS search took, for a study that does not exist.

        Raises
        ------
        PeerUnreachableError
            If it was not answered as a DICOMweb server does.
        """
        started = time.perf_counter()
        with Exchange(self._destination) as exchange:
            matches_of(self._destination, nothing(exchange))
        return time.perf_counter() - started

    def holds(self, sent: Sequence[SentObject]) -> frozenset[str] | None:
        """SOP Instance UIDs of those objects that a QIDO-RS search finds; None without searches.

        Raises
        ------
        PeerUnreachableError
            If the server does not answer a search.
        """
        found: set[str] = set()
        with Exchange(self._destination) as exchange:
            try:
                for series, uids in by_series(sent).items():
                    found |= instances_of(exchange, self._destination, series, uids)
            except NotOfferedError:
                return None
        return frozenset(found)

    def _store(self, exchange: Exchange, parts: Sequence[Part], on_outcome: Report) -> None:
        body = Multipart(parts)
        try:
            answer = exchange.post("/studies", body, {"Accept": _REPORT, **body.headers})
        except UnreadableFileError as gone:
            on_outcome(_unreadable(gone.part.sop_instance_uid, str(gone)))
            if rest := [part for part in parts if part is not gone.part]:
                self._store(exchange, rest, on_outcome)
            return
        if not concerns_content(answer, parts):
            raise fault_of(self._destination, answer)
        reported = outcomes(answer, parts)
        for part, outcome in zip(parts, reported, strict=False):
            self._note(part, outcome, answer)
            on_outcome(outcome)
        if not reported:
            for part in parts:
                self._store(exchange, [part], on_outcome)

    def _note(self, part: Part, outcome: StoreOutcome, answer: Answer) -> None:
        stored = outcome.state in _GOOD
        (_LOG.debug if stored else _LOG.warning)(
            "object_stored" if stored else "object_not_stored",
            destination=self._destination.name,
            sop_instance_uid=outcome.sop_instance_uid,
            sop_class=part.sop_class_uid.name,
            status="none" if outcome.status is None else f"{outcome.status:04X}",
            http_status=answer.status,
        )


def _unreadable(name: str, found: str) -> StoreOutcome:
    return StoreOutcome(name, None, f"not sent: {found}", readable=False)
