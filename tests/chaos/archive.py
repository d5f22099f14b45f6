"""A PACS with moods: it counts what it holds, and answers what it is told to."""

import hashlib
import random
import threading
from collections import Counter
from enum import StrEnum

from pynetdicom import AE, evt
from pynetdicom.presentation import AllStoragePresentationContexts

from tests.support.running_node import free_port


class Mood(StrEnum):
    """How the PACS answers."""

    KIND = "kind"
    REFUSES = "refuses"
    ABORTS = "aborts"
    BUSY = "busy"
    WARNS = "warns"
    FORBIDS = "forbids"


_STATUSES = {
    Mood.BUSY: (0xA700, 0xA702, 0x0110),
    Mood.WARNS: (0xB000, 0xB006, 0xB007),
    Mood.FORBIDS: (0xA900, 0xC000, 0x0122),
}
_FORBIDDEN = 0.2
_ABORTED = 0.4


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
    """

    def __init__(self, seed: int) -> None:
        self.port = free_port()
        self.stored: Counter[str] = Counter()
        self.forbidden: set[str] = set()
        self.changed: set[str] = set()
        self.answers: Counter[str] = Counter()
        self._digests: dict[str, str] = {}
        self._rng = random.Random(f"archive {seed}")
        self._lock = threading.Lock()
        self._mood = Mood.KIND
        self._ae = AE("PACS")
        for context in AllStoragePresentationContexts:
            self._ae.add_supported_context(context.abstract_syntax)

    def come(self) -> None:
        """Listen."""
        handlers = [(evt.EVT_C_STORE, self._store)]
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
            elif self._mood is Mood.FORBIDS:
                self.forbidden.add(uid)
        if isinstance(answer, int):
            return answer
        event.assoc.abort()
        return 0x0110  # nobody hears it

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
