"""An association with a destination: opened, used, and released whatever happens."""

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context
from pynetdicom.transport import AssociationSocket

from node import tls
from node.errors import PeerUnreachableError, SettingsError
from node.scu.checkpoint import Checkpoint
from node.settings import Destination

# As the listener's: one implementation, one identity (PS3.7 D.3.3.2).
_IMPLEMENTATION_CLASS_UID = "2.25.113850264671630074656366017188756390983"
_IMPLEMENTATION_VERSION_NAME = "PERFUSION_NODE_1"
_CONNECT_S, _ACSE_S, _DIMSE_S = 10.0, 30.0, 60.0
_MAX_PDU_BYTES = 131_072
_TLS_REMEDY = (
    "Check with: perfusion-node echo NAME. Look at tls of the destination (ca: who signed its "
    "certificate; cert: what this node shows; check_host) and at its own log."
)


class NothingAcceptedError(Exception):
    """The peer accepted the association and none of its presentation contexts."""


Handlers = Sequence[tuple[evt.EventType, Callable[..., Any]]]


@contextmanager
def association(
    destination: Destination,
    calling_ae_title: str,
    pairs: Sequence[tuple[UID, UID]],
    handlers: Handlers = (),
) -> Iterator[Association]:
    """An established association that proposes each pair of class and transfer syntax.

    ``handlers`` serve what the peer asks meanwhile.

    Raises
    ------
    PeerUnreachableError
        If there is none to be had.
    NothingAcceptedError
        If every context was rejected.
    """
    assoc = _opened(destination, calling_ae_title, pairs, handlers)
    try:
        yield assoc
    finally:
        if assoc.is_established:
            assoc.release()


def _opened(
    destination: Destination,
    calling_ae_title: str,
    pairs: Sequence[tuple[UID, UID]],
    handlers: Handlers,
) -> Association:
    ae = AE(calling_ae_title)
    ae.implementation_class_uid = _IMPLEMENTATION_CLASS_UID
    ae.implementation_version_name = _IMPLEMENTATION_VERSION_NAME
    ae.connection_timeout, ae.acse_timeout = _CONNECT_S, _ACSE_S
    ae.dimse_timeout = ae.network_timeout = _DIMSE_S
    encryption = _tls(destination)
    assoc = ae.associate(
        destination.host,
        destination.port,
        contexts=[_context(sop_class, syntax) for sop_class, syntax in pairs],
        ae_title=destination.ae_title,
        max_pdu=_MAX_PDU_BYTES,
        tls_args=encryption,
        evt_handlers=[
            (evt.EVT_CONN_OPEN, _send_at_once),
            (evt.EVT_CONN_OPEN, _pause_safely),
            (evt.EVT_CONN_OPEN, _acknowledge_at_once),
            (evt.EVT_CONN_OPEN, _bound_each_read),
            *handlers,
        ],
    )
    if assoc.is_established:
        return assoc
    if assoc.rejected_contexts and not assoc.accepted_contexts:
        raise NothingAcceptedError
    if encryption is not None:
        raise _refused_over_tls(destination, encryption[0], assoc)
    raise PeerUnreachableError(f"{_name(destination)} {_refusal(assoc)}")


def _context(sop_class: UID, syntax: UID) -> PresentationContext:
    return build_context(sop_class, [syntax])


def _send_at_once(event: evt.Event) -> None:
    """Without Nagle's algorithm: the last, short PDU of an object must not wait for an ACK."""
    sock = cast(AssociationSocket, event.assoc.dul.socket).socket
    if sock is not None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _acknowledge_at_once(event: evt.Event) -> None:
    """What has come is acknowledged before more is waited for.

    A peer with Nagle's algorithm (DCMTK's default) holds the second half of its answer until
    the first is acknowledged, which the kernel would put off by 40 ms an object.
    """
    transport = cast(AssociationSocket, event.assoc.dul.socket)
    sock, receive = transport.socket, transport.recv
    if sock is None or not hasattr(socket, "TCP_QUICKACK"):  # Linux only
        return

    def recv(nr_bytes: int) -> bytearray:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # sends what is put off
        return receive(nr_bytes)

    transport.recv = recv  # type: ignore[method-assign]  # this association's socket alone


def _tls(destination: Destination) -> tuple[tls.Requestor, str] | None:
    """What pynetdicom wraps the connection with, and the name that the peer must prove."""
    if destination.tls is None:
        return None
    key = f"tls of destination {destination.name}"
    try:
        context = tls.requestor(destination.tls, key, check_host=destination.tls.check_host)
    except SettingsError as fault:
        raise PeerUnreachableError(str(fault), fault.remedy) from fault
    return context, destination.host


def _bound_each_read(event: evt.Event) -> None:
    """What comes over TLS may be no data but a peer's session ticket: no read waits for ever."""
    sock = cast(AssociationSocket, event.assoc.dul.socket).socket
    if isinstance(sock, ssl.SSLSocket):
        sock.settimeout(_DIMSE_S)


def _pause_safely(event: evt.Event) -> None:
    """Before the reactor runs for the first time: answers must not be lost to it."""
    event.assoc._reactor_checkpoint = Checkpoint(event.assoc)


def _refusal(assoc: Association) -> str:
    """Why there is no association."""
    if assoc.is_rejected and (primitive := assoc.acceptor.primitive):
        return f"rejected the association: {primitive.reason_str} ({primitive.result_str})"
    if assoc.is_aborted:
        return "did not answer, or aborted the association"
    return "cannot be connected to"


def _refused_over_tls(
    destination: Destination, context: tls.Requestor, assoc: Association
) -> PeerUnreachableError:
    """As without TLS; where it was to blame, or may have been, that is said."""
    if context.fault is not None:
        found = f"no TLS with {_name(destination)}: {tls.words(context.fault)}"
        return PeerUnreachableError(found, _TLS_REMEDY)
    found = f"{_name(destination)} {_refusal(assoc)}"
    if assoc.is_rejected:
        return PeerUnreachableError(found)
    return PeerUnreachableError(
        f"{found}, as one does that asks for a certificate and accepts none of this node's",
        _TLS_REMEDY,
    )


def _name(destination: Destination) -> str:
    return f"{destination.name} ({destination.ae_title} at {destination.host}:{destination.port})"
