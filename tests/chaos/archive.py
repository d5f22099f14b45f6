"""A PACS with moods: it counts what it holds, can be searched for it, and commits to it."""

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.presentation import AllStoragePresentationContexts
from pynetdicom.sop_class import (
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelFind,
)

from tests.support.committing_pacs import matches, pause_safely, reply_to, report, report_on
from tests.support.running_node import free_port


class Mood(StrEnum):
    """How the PACS answers."""

    KIND = "kind"
    REFUSES = "refuses"
    ABORTS = "aborts"
    BUSY = "busy"
    WARNS = "warns"
    FORBIDS = "forbids"
    FORGETS = "forgets"
    SILENT = "silent"


_STATUSES = {
    Mood.BUSY: (0xA700, 0xA702, 0x0110),
    Mood.WARNS: (0xB000, 0xB006, 0xB007),
    Mood.FORBIDS: (0xA900, 0xC000, 0x0122),
}
_FORBIDDEN = 0.2
_ABORTED = 0.4
_FORGOTTEN = 0.3
# The others are told on the association of the request.
_TOLD_ON_ANOTHER = 0.4
_TRY_AGAIN, _NO_SUCH_INSTANCE = 0x0213, 0x0112


class ChaosArchive:
    """One PACS on a port of its own, which it keeps when it goes and comes back.

    Attributes
    ----------
    stored
        How often each SOP Instance UID came in.
    forbidden
        What was refused for good.
    changed
        What came a second time with other bytes.
    answers
        How many answers of each kind were given.
    node_port
        Where the node listens, for replies on an association of the PACS' own.
    """

    def __init__(self, seed: int, node_port: int = 0) -> None:
        self.port, self.node_port = free_port(), node_port
        self.stored: Counter[str] = Counter()
        self.forbidden: set[str] = set()
        self.changed: set[str] = set()
        self.answers: Counter[str] = Counter()
        self._digests: dict[str, str] = {}
        self._forgotten: set[str] = set()
        self._series: dict[str, set[str]] = {}
        self._rng = random.Random(f"archive {seed}")
        self._lock = threading.Lock()
        self._mood = Mood.KIND
        self._ae = AE("PACS")
        for context in AllStoragePresentationContexts:
            self._ae.add_supported_context(context.abstract_syntax)
        self._ae.add_supported_context(StorageCommitmentPushModel)
        self._ae.add_supported_context(StudyRootQueryRetrieveInformationModelFind)

    def come(self) -> None:
        """Listen."""
        handlers = [
            (evt.EVT_CONN_OPEN, pause_safely),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_FIND, self._found),
            (evt.EVT_N_ACTION, self._asked),
        ]
        self._ae.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)

    def go(self) -> None:
        """Abort every association and listen no longer."""
        self._ae.shutdown()

    def become(self, mood: Mood) -> None:
        """Answer like that from now on."""
        self._mood = mood
        self._ae.require_calling_aet = ["NOBODY"] if mood is Mood.REFUSES else []

    def _store(self, event: evt.Event) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        with self._lock:
            answer, kept = self._decided()
            self.answers[answer if isinstance(answer, str) else f"{answer:04X}"] += 1
            if kept:
                self._keep(uid, event.request.DataSet.getvalue())
                self._series.setdefault(str(event.dataset.SeriesInstanceUID), set()).add(uid)
            elif self._mood is Mood.FORBIDS:
                self.forbidden.add(uid)
        if isinstance(answer, int):
            return answer
        event.assoc.abort()
        return 0x0110  # nobody hears it

    def _found(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        """What it holds of a series, but for what it forgets, once each."""
        busy = self._mood is Mood.BUSY
        with self._lock:
            held = sorted(self._series.get(str(event.identifier.SeriesInstanceUID), ()))
            found = [] if busy else [uid for uid in held if not self._forgets(uid)]
            told = "busy" if busy else "all" if found == held else "not all"
            self.answers[f"search: {told}"] += 1
        yield from matches(event.identifier, found)
        if busy:
            yield 0xA700, None

    def _asked(self, event: evt.Event) -> tuple[int, None]:
        """A request for storage commitment: answered at once, replied to a little later or never.

        What it holds it commits to, but for what it forgets, once each.
        """
        mood = self._mood
        with self._lock:
            chance = self._rng.random()
            silent = mood is Mood.SILENT or (mood is Mood.ABORTS and chance < _ABORTED)
            event_type, information = reply_to(event.action_information, self._failure)
            told = "busy" if mood is Mood.BUSY else "no reply" if silent else f"event {event_type}"
            self.answers[f"commitment: {told}"] += 1
        if mood is Mood.BUSY:
            return _TRY_AGAIN, None
        if not silent:
            elsewhere = self._rng.random() < _TOLD_ON_ANOTHER
            on = (None if elsewhere else event.assoc, event_type, information)
            threading.Thread(target=self._reply, args=on, daemon=True).start()
        elif mood is Mood.ABORTS:
            event.assoc.abort()
        return 0x0000, None

    def _reply(self, assoc: Association | None, event_type: int, information: Dataset) -> None:
        time.sleep(0.05)  # the request is answered first
        try:
            if assoc is None:
                report(self.node_port, event_type, information)
            else:
                report_on(assoc, event_type, information)
        except (RuntimeError, ValueError):  # the node is gone, or the association
            with self._lock:
                self.answers["commitment: nobody there for the reply"] += 1

    def _failure(self, uid: str) -> int | None:
        """Why it does not commit to an object; None where it does."""
        if uid in self.stored and not self._forgets(uid):
            return None
        return _NO_SUCH_INSTANCE

    def _forgets(self, uid: str) -> bool:
        """Whether it does not find an object that it holds; of no object twice."""
        if self._mood is not Mood.FORGETS or uid in self._forgotten:
            return False
        forgets = self._rng.random() < _FORGOTTEN
        if forgets:
            self._forgotten.add(uid)
        return forgets

    def _decided(self) -> tuple[int | str, bool]:
        """What is answered, and whether the object is kept."""
        chance, mood = self._rng.random(), self._mood
        if mood is Mood.ABORTS and chance < _ABORTED:
            kept = chance < _ABORTED / 2
            return ("kept, then aborted" if kept else "aborted"), kept
        if mood is Mood.FORBIDS and chance >= _FORBIDDEN:
            return 0x0000, True
        if mood in _STATUSES:
            return self._rng.choice(_STATUSES[mood]), mood is Mood.WARNS
        return 0x0000, True

    def _keep(self, uid: str, data_set: bytes) -> None:
        digest = hashlib.sha256(data_set).hexdigest()
        if self._digests.setdefault(uid, digest) != digest:
            self.changed.add(uid)
        self.stored[uid] += 1
