"""A scanner that keeps sending, and a ledger of what was acknowledged."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from enum import StrEnum

from pydicom import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.association import Association

from node.scu.checkpoint import Checkpoint
from tests.support.ctp import CtpSpec, build_series

AGAIN_S = 0.5
BACKLOG = 6


class Manner(StrEnum):
    """How a study is sent."""

    PLAIN = "plain"
    DOUBLED = "sent twice"
    CHANGED = "other bytes under a known UID"
    LATE = "one image late"
    TORN = "associations aborted midway"


@dataclass
class Study:
    """One series and what was acknowledged of it; times are of the monotonic clock.

    ``other`` is a changed image that was sent under a known UID, once it is acknowledged.
    """

    spec: CtpSpec
    manner: Manner
    images: list[Dataset]
    first_sent: dict[str, float] = field(default_factory=dict)
    acknowledged: dict[str, float] = field(default_factory=dict)
    other: Dataset | None = None

    @property
    def longest_pause_s(self) -> float:
        """No two images were recorded one after the other with a longer pause.

        An image was recorded at some time from when it was first sent to when it was acknowledged.
        """
        order = sorted(self.acknowledged, key=self.first_sent.__getitem__)
        begun = [self.first_sent[uid] for uid in order]
        ended = [self.acknowledged[uid] for uid in order]
        own = [b - a for a, b in zip(begun, ended, strict=True)]
        following = [b - a for a, b in zip(begun, ended[1:], strict=False)]
        return max(own + following, default=0.0)


class Sender:
    """Sends studies in a thread until it is stopped; then it ends the one in hand.

    Parameters
    ----------
    port
        Of the listener.
    seed
        Of the studies and their manners.
    late_s
        How long an image is held back that is to come late [s].
    backlog
        How many series are under way: with more than a few the sender waits.
    """

    def __init__(self, port: int, seed: int, late_s: float, backlog: Callable[[], int]) -> None:
        self.studies: list[Study] = []
        self.answers: Counter[str] = Counter()
        self._port, self._seed, self._late_s, self._backlog = port, seed, late_s, backlog
        self._rng = random.Random(f"sender {seed}")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no other study."""
        self._stop.set()

    @property
    def ended(self) -> bool:
        """Whether every image of every study is acknowledged and nothing more comes."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._backlog() >= BACKLOG:
                time.sleep(AGAIN_S)
                continue
            number = self._seed * 100_000 + len(self.studies)
            spec = CtpSpec(slices=2, frames=10, seed=number, shuffle=number)
            study = Study(spec, self._rng.choice(list(Manner)), build_series(spec))
            self.studies.append(study)
            self._send(study)

    def _send(self, study: Study) -> None:
        late = 1 if study.manner is Manner.LATE else 0
        torn = study.manner is Manner.TORN
        self._until_acknowledged(study, study.images[: len(study.images) - late], torn=torn)
        if late:
            time.sleep(self._late_s)
            self._until_acknowledged(study, study.images)
        if study.manner is Manner.DOUBLED:
            self._once(study, study.images)
        if study.manner is Manner.CHANGED:
            self._send_other(study)

    def _until_acknowledged(
        self, study: Study, images: Sequence[Dataset], *, torn: bool = False
    ) -> None:
        while rest := [i for i in images if i.SOPInstanceUID not in study.acknowledged]:
            tear, torn = (self._rng.randint(1, 19) if torn else 0), False
            if not self._once(study, rest, tear=tear):
                time.sleep(AGAIN_S)

    def _send_other(self, study: Study) -> None:
        """Other pixels under a UID that is known, until that is acknowledged too."""
        other = deepcopy(study.images[self._rng.randrange(len(study.images))])
        other.PixelData = bytes(reversed(other.PixelData))
        while not self._once(study, [other]):
            time.sleep(AGAIN_S)
        study.other = other

    def _once(self, study: Study, images: Sequence[Dataset], *, tear: int = 0) -> bool:
        """Whether all were acknowledged in one association; ``tear`` aborts it after so many."""
        association = self._associated()
        if not association.is_established:
            self.answers["no association"] += 1
            return False
        taken, heard = 0, True
        for image in images:
            # a peer that does not answer is gone: no other image waits for its time-out
            if not (heard and association.is_established) or (tear and taken == tear):
                break
            status = self._sent(association, study, image)
            taken, heard = taken + (status == 0x0000), status is not None
        if tear and association.is_established:
            association.abort()
            self.answers["aborted by the sender"] += 1
        elif association.is_established:
            association.release()
        return taken == len(images)

    def _sent(self, association: Association, study: Study, image: Dataset) -> int | None:
        """The status that an image was answered with; None without answer."""
        uid = str(image.SOPInstanceUID)
        study.first_sent.setdefault(uid, time.monotonic())
        answer = association.send_c_store(image)
        status = int(answer.Status) if "Status" in answer else None
        self.answers["no answer" if status is None else f"{status:04X}"] += 1
        if status == 0x0000:
            study.acknowledged.setdefault(uid, time.monotonic())
        return status

    def _associated(self) -> Association:
        ae = AE("SCANNER1")
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 5.0
        ae.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
        return ae.associate(
            "127.0.0.1",
            self._port,
            ae_title="PERFUSION",
            evt_handlers=[(evt.EVT_CONN_OPEN, _pause_safely)],
        )


def _pause_safely(event: evt.Event) -> None:
    event.assoc._reactor_checkpoint = Checkpoint(event.assoc)
