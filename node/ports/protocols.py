"""What the route asks of the world, as protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from node.ports.commitment import CommitmentTally
from node.ports.destinations import DestinationStanding
from node.ports.disk import DiskUse
from node.ports.finding import SeriesPage, SeriesQuery
from node.ports.pauses import Pause, Pauses
from node.ports.quota import Quota
from node.ports.records import Kept, Recorded, SeriesRecord, SeriesState, StoreOutcome
from node.ports.verification import SentObject
from node.ports.watching import AlertRecord, CanaryRun
from node.ports.workers import WorkerRecord

if TYPE_CHECKING:  # a port only names them: whoever asks for a state need not load the science
    from pydicom import Dataset

    from node.perfusion import Estimator, ModelGrid, ModelInput, PerfusionMaps
    from node.series import Header, Instance


class Spool(Protocol):
    """Part 10 files, durable when a call returns."""

    def disk(self) -> DiskUse:
        """Room on the disk now.

        Raises
        ------
        SpoolError
            If the disk does not answer.
        """

    def keep(self, part10: Iterable[bytes], header: Header, *, ignored: bool = False) -> Kept:
        """Keep a received instance; an existing file of the same bytes is kept as it is.

        Raises
        ------
        SpoolFullError
            Without room.
        SpoolError
            If the disk fails.
        """

    def keep_apart(self, part10: Iterable[bytes], header: Header) -> Kept:
        """Keep other bytes under a known SOP Instance UID apart; the first stays."""

    def discard(self, kept: Kept) -> None:
        """Delete what was just kept and is not recorded: nobody was told that it is here."""

    def keep_result(self, source_series_uid: str, revision: int, dataset: Dataset) -> Kept:
        """Write a result object, read it back and compare.

        Raises
        ------
        ResultMismatchError
            If the file read back differs from what was written.
        """


class Intake(Protocol):
    """What the listener asks of the registry."""

    def record(
        self,
        header: Header,
        kept: Kept,
        *,
        calling_ae_title: str,
        ignored: bool,
        quota: Quota | None = None,
    ) -> Recorded:
        """Record a received instance; committed when this returns.

        TURNED_AWAY where its series would grow beyond the quota: then it is not recorded, and
        the series' history says so.

        Raises
        ------
        SeriesExpiringError
            While files of its series are being deleted.
        RegistryUnavailableError
            If the database does not answer.
        """

    def pauses(self) -> Sequence[Pause]:
        """What a person has paused."""

    def record_conflict(self, header: Header, kept: Kept) -> None:
        """Record that other bytes came under a known UID."""


class Archive(Pauses, Protocol):
    """What the status page and the prompt ask of the registry: reads and requests."""

    def series(self, series_instance_uid: str) -> SeriesRecord:
        """Everything about one series.

        Raises
        ------
        UnknownSeriesError
            If there is none of that UID.
        """

    def instances(self, series_instance_uid: str) -> Sequence[Instance]:
        """The images of a series and those joined to it, without those that were ignored."""

    def list_series(
        self, *, states: Sequence[SeriesState] = (), search: str = "", limit: int = 200
    ) -> Sequence[SeriesRecord]:
        """The newest series first, without results, deliveries and events."""

    def find(self, query: SeriesQuery) -> SeriesPage:
        """The series that a query asks for, the newest first, and how many there are."""

    def senders(self) -> Sequence[str]:
        """The AE titles that have sent series, in order."""

    def pulse(self) -> str:
        """A text that differs whenever a series has changed; cheap enough to ask every second."""

    def counts(self) -> dict[SeriesState, int]:
        """How many series are in each state."""

    def standing(self, destinations: Sequence[str]) -> Sequence[DestinationStanding]:
        """What became of the objects for each of these destinations."""

    def workers(self) -> Sequence[WorkerRecord]:
        """Every worker that has reported itself, with what it has in hand."""

    def canaries(self, limit: int) -> Sequence[CanaryRun]:
        """The last runs of the canary, the newest first."""

    def alerts(self) -> Sequence[AlertRecord]:
        """What is the matter, and what is over and was not told to be; the oldest first."""

    def commitments(self) -> Sequence[CommitmentTally]:
        """How many objects each destination has stored and not confirmed, by where that stands."""

    def retry(self, series_instance_uid: str) -> SeriesState:
        """Analyse or deliver again, whichever is due; the state afterwards.

        Raises
        ------
        WrongStateError
            If nothing of it can be tried again.
        """

    def cancel(self, series_instance_uid: str) -> SeriesState:
        """Stop what has not begun."""

    def declare_complete(self, series_instance_uid: str) -> SeriesState:
        """Analyse with what has arrived."""

    def resend(self, series_instance_uid: str) -> SeriesState:
        """Send every result to every destination again."""

    def analyse_again(self, series_instance_uid: str) -> SeriesState:
        """Analyse anew what has ended, as a new revision that supersedes the last.

        Raises
        ------
        WrongStateError
            If it has not ended, or its images are deleted.
        """

    def prioritise(self, series_instance_uid: str) -> SeriesState:
        """Put a series before every other that is not analysed yet; the state it is in.

        Raises
        ------
        WrongStateError
            If its analysis has begun or ended.
        """


class Model(Protocol):
    """The network, verified and warm."""

    @property
    def estimator(self) -> Estimator:
        """Name, version and digest."""

    @property
    def grid(self) -> ModelGrid:
        """The grid it wants its input on."""

    @property
    def familiar(self) -> Mapping[str, tuple[float, float]]:
        """Between which values the features of the scans lay that it learned from."""

    @property
    def provider(self) -> str:
        """What runs it, such as ``CPUExecutionProvider``."""

    def predict(self, prepared: ModelInput) -> PerfusionMaps:
        """The maps on the scan's grid.

        Raises
        ------
        InferenceError
            If the network cannot be run.
        """


class Pacs(Protocol):
    """One destination: a DICOM peer, or a DICOMweb server."""

    @property
    def question(self) -> str:
        """What :meth:`echo` asks, for people."""

    def store(self, files: Sequence[Path], on_outcome: Callable[[StoreOutcome], None]) -> None:
        """Send files; ``on_outcome`` is called for each as answered.

        Raises
        ------
        PeerUnreachableError
            If it cannot be reached, or does not answer for every file.
        """

    def echo(self) -> float:
        """Seconds that the cheapest question took to be answered.

        Raises
        ------
        PeerUnreachableError
            If it was not answered with success.
        """

    def holds(self, sent: Sequence[SentObject]) -> frozenset[str] | None:
        """SOP Instance UIDs of those objects that it says it has; None where it cannot be asked.

        Raises
        ------
        PeerUnreachableError
            If it does not answer.
        """
