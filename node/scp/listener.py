"""The listener: a port, its associations, and an orderly end."""

import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from socketserver import BaseServer
from typing import cast

from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import A_ASSOCIATE

from node import log
from node.commitment import EventReport, answered
from node.errors import SettingsError
from node.ports import Intake, Machine, Quota, Replies, Spool, Trail
from node.scp.admission import Admission
from node.scp.arenas import share_arenas
from node.scp.buffer import DataSetBuffer, Room
from node.scp.contexts import VERIFICATION, accepted, brings_objects
from node.scp.counters import Counters, Counts
from node.scp.encryption import Encryption, HandshakeError
from node.scp.gate import Gate
from node.scp.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from node.scp.places import Places
from node.scp.server import Server
from node.scp.store import Store
from node.scp.upper_layer import UpperLayer
from node.scp.witness import Tally, Witness
from node.settings import Peer, ScpSettings

_LOG = log.get("scp")
_MAX_PDU_BYTES = 131_072
# A sender that connects and says nothing holds a place for this long (PS3.8's ARTIM).
_ACSE_TIMEOUT_S = 30.0
# An association without a PDU for so long has nothing in transfer.
_IDLE_S = 1.0
_ROUND_S = 30.0
_MIB = 1 << 20


class Listener:
    """Takes in what senders push, on one port.

    Parameters
    ----------
    settings
        Title, address, limits and who may send.
    spool, intake
        Where an instance is kept and recorded before success is answered.
    on_received
        Called with the Series Instance UID of each new instance that is to be analysed; in the
        thread of its association, so it must return at once.
    replies
        Where replies to requests for storage commitment are recorded; without it none is taken.
    repliers
        Who may reply, besides those who may send.
    trail
        The audit trail, if one is kept.
    """

    def __init__(
        self,
        settings: ScpSettings,
        spool: Spool,
        intake: Intake,
        *,
        on_received: Callable[[str], None] | None = None,
        replies: Replies | None = None,
        repliers: Sequence[Peer] = (),
        trail: Trail | None = None,
    ) -> None:
        self._settings = settings
        own = Machine(settings.ae_title, settings.host)
        self._witness = Witness(trail, own)
        self._replies, self._repliers = replies, repliers
        self._places = Places(settings)
        self._gate = Gate(intake, spool)
        self._counters = Counters()
        self._spool = spool
        self._longest = int(settings.max_instance_mib * _MIB)
        # A share of it must still hold the largest instance that all of it would hold.
        least_mib = min(settings.max_instance_mib, settings.max_receiving_mib)
        share_mib = settings.max_receiving_mib / settings.processes
        self._room = Room(int(max(share_mib, least_mib) * _MIB))
        quota = Quota.of(settings)
        self._store = Store(spool, intake, self._counters, quota, on_received, self._longest)
        self._encryption: Encryption | None = None
        self._admission: Admission
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._looked_at = 0.0

    @property
    def port(self) -> int:
        """The port that is listened on."""
        if self._server is None:
            return self._settings.port
        return int(self._server.server_address[1])

    @property
    def counts(self) -> Counts:
        """What was done since the start."""
        return self._counters.snapshot()

    @property
    def active_associations(self) -> int:
        """How many associations are open now."""
        return len(self._connections())

    def start(self) -> None:
        """Listens from now on, in threads of its own.

        Raises
        ------
        SettingsError
            If the address cannot be listened on, or a peer's host name has no address.
        """
        share_arenas()
        self._admission = Admission(self._settings, self._repliers)
        self._encryption = Encryption(self._settings.tls) if self._settings.tls else None
        ae = self._application_entity()
        try:
            server = Server(ae, self._settings)
        except OSError as problem:
            where = f"{self._settings.host}:{self._settings.port}"
            raise SettingsError(
                f"scp.host and scp.port: {where} cannot be listened on: {problem.strerror}"
            ) from problem
        server.on_accepted = self._accepted
        server.on_connected = self._connected
        server.on_tick = self._look_around
        server.bind(evt.EVT_REQUESTED, self._requested)
        server.bind(evt.EVT_ESTABLISHED, self._established)
        server.bind(evt.EVT_ABORTED, self._aborted)
        if self._replies is not None:
            server.bind(evt.EVT_N_EVENT_REPORT, self._reported, [self._replies])
        self._server = server
        self._gate.watch()
        self._thread = threading.Thread(
            target=server.serve_forever, args=(0.25,), name="scp-listener", daemon=True
        )
        self._thread.start()
        self._witness.entered()
        _LOG.info("listener_started", ae_title=self._settings.ae_title, port=self.port)

    def readmit(self, settings: ScpSettings) -> None:
        """Who may send, how many and how slowly, from now on; open associations stay open.

        Raises
        ------
        SettingsError
            If a peer's host name has no address; everything is as before then.
        """
        kept = {"ae_title": self._settings.ae_title, "host": self._settings.host}
        self._admission = Admission(settings.model_copy(update=kept), self._repliers)
        self._places = Places(settings)
        _LOG.info("listener_readmits", peers=len(settings.allowed_peers))

    def stop(self, drain_s: float = 10.0) -> None:
        """Takes no new association, lets instances in transfer be answered, and ends.

        Parameters
        ----------
        drain_s
            Longest time that associations have to end by themselves [s]; those without a
            transfer for a second are aborted at once, those that are left then are cut.
        """
        server, self._server = self._server, None
        if server is None or self._thread is None:
            return
        self._gate.end()
        BaseServer.shutdown(server)
        server.server_close()
        self._thread.join()
        if self._encryption is not None:
            self._encryption.close()
        deadline = time.monotonic() + drain_s
        while associations := server.active_associations:
            for upper_layer in (a.dul for a in associations if isinstance(a.dul, UpperLayer)):
                if time.monotonic() > deadline:
                    upper_layer.cut()
                elif upper_layer.quiet_s > _IDLE_S:
                    upper_layer.assoc.abort(block=False)
            time.sleep(0.02)
        self._witness.left()
        _LOG.info("listener_stopped", instances=self.counts.instances)

    def _application_entity(self) -> AE:
        ae = AE(self._settings.ae_title)
        ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        ae.maximum_pdu_size = _MAX_PDU_BYTES
        # pynetdicom counts every connection, and those that ask for nothing too: see _requested
        ae.maximum_associations = sys.maxsize
        ae.acse_timeout = min(_ACSE_TIMEOUT_S, self._settings.idle_timeout_s)
        ae.dimse_timeout = ae.network_timeout = self._settings.idle_timeout_s
        ae.add_supported_context(VERIFICATION)
        return ae

    def _accepted(self, sock: socket.socket, address: str) -> socket.socket | None:
        """The connection, encrypted where the settings ask for it; None: it is refused."""
        if self._encryption is None:
            return sock
        try:
            return self._encryption.over(sock)
        except HandshakeError as refusal:
            self._counters.add("tls_failures")
            _LOG.warning("tls_handshake_failed", address=address, reason=str(refusal))
            self._witness.refused(Machine("", address), f"TLS: {refusal}")
            return None

    def _connected(self, assoc: Association, sock: socket.socket) -> None:
        """Gives a new connection its upper layer; without the time-out a peer could stall it."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(self._settings.idle_timeout_s)
        self._places.let_go_of_the_silent(self._connections())
        buffer = DataSetBuffer(self._longest, self._room)
        tally = Tally()
        answer = partial(self._store.answer, tally=tally)
        ended = partial(self._witness.ended, assoc.requestor, tally)
        assoc.dul = UpperLayer(assoc, answer, buffer, ended)
        # Its setters hand the time-outs on to the upper layer's timers.
        assoc.acse_timeout, assoc.network_timeout = assoc.acse_timeout, assoc.network_timeout

    def _requested(self, event: evt.Event) -> None:
        assoc = event.assoc
        request = assoc.requestor.primitive
        if not isinstance(request, A_ASSOCIATE):  # gone before it asked for anything
            assoc.is_aborted = True
            assoc.kill()
            return
        address = assoc.requestor.address
        verdict = self._admission.verdict(
            request.called_ae_title, request.calling_ae_title, address
        )
        if verdict.accepted:
            verdict = self._places.verdict(assoc, self._connections()) or verdict
        proposed = request.presentation_context_definition_list
        if verdict.accepted and brings_objects(proposed):
            verdict = self._gate.verdict() or verdict
        if verdict.accepted:
            assoc.acceptor.supported_contexts = accepted(
                proposed,
                storage=verdict.storage,
                replies=self._replies is not None,
            )
            return
        self._counters.add("rejected_associations")
        _LOG.warning(
            "association_rejected",
            reason=verdict.reason,
            called_ae_title=request.called_ae_title,
            calling_ae_title=request.calling_ae_title,
            address=address,
        )
        peer = Machine(request.calling_ae_title, address)
        self._witness.refused(peer, f"association rejected: {verdict.reason}")
        assoc.acse.send_reject(verdict.result, verdict.source, verdict.diagnostic)
        assoc.kill()

    def _connections(self) -> Sequence[Association]:
        return self._server.active_associations if self._server else ()

    @property
    def goes_round(self) -> bool:
        """Whether it has looked for new associations within the last seconds."""
        return time.monotonic() - self._looked_at < _ROUND_S

    def _look_around(self) -> None:
        self._looked_at = time.monotonic()
        self._places.let_go_of_the_slow(self._connections())
        self._gate.let_go(self._connections())

    def _established(self, event: evt.Event) -> None:
        self._counters.add("associations")
        requestor = event.assoc.requestor
        _LOG.info(
            "association_accepted", calling_ae_title=requestor.ae_title, address=requestor.address
        )

    def _reported(self, event: evt.Event, replies: Replies) -> tuple[int, Dataset | None]:
        """A destination replies to a request for storage commitment; success is durable."""
        request, sender = cast(EventReport, event.request), event.assoc.requestor.ae_title
        return answered(request, event.event_information, replies, sender=sender), None

    def _aborted(self, event: evt.Event) -> None:
        self._counters.add("aborted_associations")
        _LOG.warning("association_aborted", calling_ae_title=event.assoc.requestor.ae_title)
