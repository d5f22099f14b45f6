"""Whether senders may begin: not while a person has paused receiving, nor without room."""

import threading
from collections.abc import Sequence

from pynetdicom.association import Association

from node import log
from node.errors import RegistryUnavailableError, SpoolError
from node.ports import Activity, Intake, Spool
from node.scp.admission import NO_ROOM, PAUSED, Verdict
from node.scp.contexts import brings_objects
from node.scp.upper_layer import UpperLayer

_LOG = log.get("scp")
_EVERY_S = 1.0
# An association without a PDU for so long has nothing in transfer.
_IDLE_S = 2.0


class Gate:
    """Closed while receiving is paused; it looks in the registry every second.

    Where the registry does not answer it stays as it was: without it nothing is stored anyway.

    Parameters
    ----------
    intake
        Where a pause is noted.
    spool
        Whether there is room.
    """

    def __init__(self, intake: Intake, spool: Spool) -> None:
        self._intake = intake
        self._spool = spool
        self._closed = threading.Event()
        self._ended = threading.Event()

    @property
    def closed(self) -> bool:
        """Whether nobody may begin to send."""
        return self._closed.is_set()

    def verdict(self) -> Verdict | None:
        """Why nobody may begin to send now; asking and answering go on."""
        if self.closed:
            return PAUSED
        try:
            full = self._spool.disk().full
        except SpoolError:  # a disk that does not answer says so at each C-STORE
            full = False
        return NO_ROOM if full else None

    def watch(self) -> None:
        """Looks now, and from now on in a thread of its own."""
        self._look()
        threading.Thread(target=self._watch, name="scp-gate", daemon=True).start()

    def end(self) -> None:
        """Looks no more."""
        self._ended.set()

    def let_go(self, connections: Sequence[Association]) -> None:
        """While closed, ends the associations of senders that have nothing in transfer.

        One that is kept open would else go round the pause; its sender asks again and is told.
        """
        if not self.closed:
            return
        for each in connections:
            request = each.requestor.primitive
            quiet = isinstance(each.dul, UpperLayer) and each.dul.quiet_s > _IDLE_S
            if request is None or not quiet or not each.is_established or each.is_aborted:
                continue
            if brings_objects(request.presentation_context_definition_list):
                _LOG.info("association_ended_by_pause", calling_ae_title=each.requestor.ae_title)
                each.abort(block=False)

    def _watch(self) -> None:
        while not self._ended.wait(_EVERY_S):
            self._look()

    def _look(self) -> None:
        try:
            paused = any(each.activity is Activity.RECEIVING for each in self._intake.pauses())
        except RegistryUnavailableError:
            return
        if paused != self.closed:
            _LOG.info("receiving_paused" if paused else "receiving_resumed")
        if paused:
            self._closed.set()
        else:
            self._closed.clear()
