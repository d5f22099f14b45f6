"""A destination whose transfers are told to the audit trail."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from node.errors import PeerUnreachableError
from node.ports import Machine, Pacs, SentObject, StoreOutcome, StudyInstances, Trail
from node.settings import Destination, WebDestination


def audited(
    pacs: Pacs, trail: Trail | None, own_ae_title: str, destination: Destination | WebDestination
) -> Pacs:
    """The destination; where a trail is kept, one that tells it what is sent."""
    if trail is None:
        return pacs
    if isinstance(destination, WebDestination):
        peer = Machine("", urlsplit(destination.url).hostname or "")
    else:
        peer = Machine(destination.ae_title, destination.host)
    return AuditedPacs(pacs, trail, Machine(own_ae_title), peer)


class AuditedPacs:
    """Sends as the destination that it is given, and tells the trail; implements ``Pacs``.

    Parameters
    ----------
    pacs
        The destination.
    trail
        What is told.
    own, peer
        The two ends.
    """

    def __init__(self, pacs: Pacs, trail: Trail, own: Machine, peer: Machine) -> None:
        self._pacs, self._trail = pacs, trail
        self._ends = (own, peer)

    @property
    def question(self) -> str:
        """As the destination's."""
        return self._pacs.question

    def store(self, files: Sequence[Path], on_outcome: Callable[[StoreOutcome], None]) -> None:
        """As the destination's; before and after, each study is told."""
        studies = list(_studies(files))
        for study in studies:
            self._trail.begins(*self._ends, study)
        answers: list[StoreOutcome] = []

        def note(outcome: StoreOutcome) -> None:
            answers.append(outcome)
            on_outcome(outcome)

        failed = ""
        try:
            self._pacs.store(files, note)
        except PeerUnreachableError as fault:
            failed = str(fault)
            raise
        finally:
            words = failed or _failures(answers)
            for study in studies:
                self._trail.transferred(*self._ends, study, words)

    def echo(self) -> float:
        """As the destination's."""
        return self._pacs.echo()

    def holds(self, sent: Sequence[SentObject]) -> frozenset[str] | None:
        """As the destination's."""
        return self._pacs.holds(sent)


def _failures(answers: Sequence[StoreOutcome]) -> str:
    failed = [a for a in answers if a.status not in (None, 0x0000, 0x0111)]
    return f"{len(failed)} of {len(answers)} objects were not stored plainly" if failed else ""


def _studies(files: Sequence[Path]) -> Iterator[StudyInstances]:
    """What is sent, by study; a file that cannot be read is told of by its sending."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for path in files:
        try:
            header = dcmread(path, specific_tags=["StudyInstanceUID", "SOPClassUID"])
            found[str(header.StudyInstanceUID)][str(header.SOPClassUID)] += 1
        except (AttributeError, InvalidDicomError, OSError, ValueError):
            continue
    for study, classes in found.items():
        yield StudyInstances(study, dict(classes))
