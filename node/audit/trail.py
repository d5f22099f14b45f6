"""The trail's queue: an event is noted at once, and sent by a thread that may wait for it."""

import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from node import log
from node.audit.messages import DESTINATION, SOURCE, AuditMessage, Participant
from node.audit.syslog import Wire, message
from node.errors import SettingsError
from node.ports import Machine, StudyInstances, Trail
from node.settings import AuditSettings

_LOG = log.get("audit")
# Of some 2 KB each: a server that is away for long costs messages, never memory.
_MOST_WAITING = 10_000
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0


@dataclass(frozen=True)
class _Noted:
    message: AuditMessage
    at: datetime


class SyslogTrail:
    """Sends audit messages to a syslog server; what it is told never waits for that server.

    Parameters
    ----------
    settings
        Where the server is, and what this node is called in its trail.
    """

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self._host = socket.gethostname() or "-"
        self._queue: queue.Queue[_Noted | None] = queue.Queue(_MOST_WAITING)
        self._wire = Wire(settings)
        self._stopping = threading.Event()
        self._lost = 0
        self._away = False
        self._thread = threading.Thread(target=self._work, name="audit", daemon=True)
        self._thread.start()

    def started(self, process: str) -> None:
        """A part of the node began its work."""
        self._note(AuditMessage.application(process, started=True))

    def stopped(self, process: str) -> None:
        """A part of the node ended its work."""
        self._note(AuditMessage.application(process, started=False))

    def entered(self, own: Machine) -> None:
        """The node listens on the network from now on."""
        self._note(AuditMessage.entered(_of(own)))

    def left(self, own: Machine) -> None:
        """The node no longer listens."""
        self._note(AuditMessage.entered(_of(own), left=True))

    def signed(self, person: str, address: str, *, out: bool = False, failed: str = "") -> None:
        """A person signed in or out at the status page; ``failed``: why that was refused."""
        who = Participant(person or "unknown", "", address, requestor=True)
        self._note(AuditMessage.signed(who, out=out, failed=failed))

    def refused(self, peer: Machine, found: str) -> None:
        """Somebody was not let in."""
        self._note(AuditMessage.refused(_of(peer, requestor=True), found))

    def begins(self, source: Machine, destination: Machine, sent: StudyInstances) -> None:
        """Instances are about to be sent."""
        self._note(AuditMessage.begins(*_both(source, destination), sent))

    def transferred(
        self, source: Machine, destination: Machine, sent: StudyInstances, failed: str = ""
    ) -> None:
        """Instances were received or sent; ``failed``: what became of others, in words."""
        who = _both(source, destination)
        self._note(AuditMessage.transferred(*who, sent, failed=failed))

    def _note(self, message: AuditMessage) -> None:
        try:
            self._queue.put_nowait(_Noted(message, datetime.now(UTC)))
        except queue.Full:
            self._lost += 1

    def close(self, patience_s: float = 5.0) -> None:
        """Send what is waiting, for so long at most [s]."""
        self._stopping.set()
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            self._lost += 1
        self._thread.join(patience_s)
        self._wire.close()
        if left := self._queue.qsize() + self._lost:
            _LOG.error("audit_messages_lost", messages=left)

    def _work(self) -> None:
        while (noted := self._queue.get()) is not None:
            self._send(noted)

    def _send(self, noted: _Noted) -> None:
        source = self._settings.source_id or self._host
        body = noted.message.xml(noted.at, source, self._settings.site_id)
        text = message(body, noted.at, self._host)
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                self._wire.send(text)
            except (OSError, SettingsError) as fault:
                self._tell_away(fault)
                if self._stopping.is_set():
                    self._lost += 1
                    return
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                self._tell_back()
                return

    def _tell_away(self, fault: Exception) -> None:
        if not self._away:
            self._away = True
            where = f"{self._settings.host}:{self._settings.port}"
            _LOG.error("audit_server_away", server=where, fault=type(fault).__name__)

    def _tell_back(self) -> None:
        if self._away:
            _LOG.info("audit_server_back", waiting=self._queue.qsize())
        if self._lost:
            _LOG.error("audit_messages_lost", messages=self._lost)
        self._away, self._lost = False, 0


@contextmanager
def running(trail: Trail | None, process: str) -> Iterator[None]:
    """Tells the trail, if one is kept, that a part of the node runs for the block."""
    if trail is None:
        yield
        return
    trail.started(process)
    try:
        yield
    finally:
        trail.stopped(process)


def _of(machine: Machine, role: str = "", *, requestor: bool = False) -> Participant:
    return Participant(machine.ae_title or "unknown", role, machine.address, requestor)


def _both(source: Machine, destination: Machine) -> tuple[Participant, Participant]:
    """Who sends begins it: nothing is fetched from the node, and it fetches nothing."""
    return _of(source, SOURCE, requestor=True), _of(destination, DESTINATION)
