"""The upper layer of an association: pynetdicom's, with a straight way for C-STORE.

pynetdicom negotiates, keeps the state machine and serves everything but C-STORE requests.
Those it would read in pieces of 4 KiB, copy five times and carry between two threads that poll
each other every millisecond. Here they go from the socket into one buffer and are answered in
the thread that reads. The state machine misses nothing: in Sta6 a P-DATA-TF that arrives or is
sent leads to Sta6 (PS3.8 table 9-10, DT-1 and DT-2).
"""

import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import cast

from pynetdicom.association import Association
from pynetdicom.dul import DULServiceProvider
from pynetdicom.pdu import _PDUType
from pynetdicom.pdu_primitives import A_P_ABORT, P_DATA
from pynetdicom.transport import AssociationSocket

from node.scp.admission import with_plain_titles
from node.scp.buffer import STEP_BYTES, DataSetBuffer, receive_into
from node.scp.dimse import C_STORE_RQ, Command, c_store_response, read_command
from node.scp.encryption import has_read_ahead
from node.scp.statuses import Answer
from node.scp.store import StoreRequest

_A_ASSOCIATE_RQ, _P_DATA_TF = 0x01, 0x04
_ESTABLISHED = "Sta6"
_CLOSED, _INVALID_PDU = "Evt17", "Evt19"
# The state in which a request waits for its answer (PS3.8 table 9-2).
_REQUESTED = "Sta3"
# Type, reserved, length; then the first PDV's length, context and control header (PS3.8 9.3.5).
_PDU_HEAD, _PDV_HEAD = struct.Struct(">BBI"), struct.Struct(">IBB")
_COMMAND, _LAST = 0x01, 0x02
# No PDU but P-DATA-TF has reason to be long, and pynetdicom needs seconds for a MiB of items: 128
# contexts with 40 transfer syntaxes each take 128 KiB. A command set is not long either.
_LONGEST_CONTROL_PDU = 1 << 18
_LONGEST_COMMAND = 1 << 16
# How long the reader waits in the kernel before it looks after its own side again. The sender
# of a series is back within a millisecond; a C-ECHO's answer waits this long at most.
_WAIT_MS = 5
# Between PDUs pynetdicom looks a thousand times a second in each of an association's two threads:
# a few dozen idle ones would take a whole core. Here it waits in the kernel, half as long as
# nothing has come, up to this: what it has to send itself is late by so much at most.
_LONGEST_REST_MS = 250.0


class UpperLayer(DULServiceProvider):
    """Reads one association's PDUs, and answers its C-STORE requests.

    Parameters
    ----------
    assoc
        An association that has its socket and has not started.
    answer
        What stores an instance and says the status.
    data_set
        Where its data sets grow.
    on_end
        Called in its own thread, once nothing more comes in.
    """

    def __init__(
        self,
        assoc: Association,
        answer: Callable[[StoreRequest], Answer],
        data_set: DataSetBuffer,
        on_end: Callable[[], None],
    ) -> None:
        super().__init__(assoc)
        self.socket, self.event_queue = assoc.dul.socket, assoc.dul.event_queue
        self._answer, self._on_end = answer, on_end
        self._head = bytearray(_PDU_HEAD.size + _PDV_HEAD.size)
        self._command = bytearray()
        self._data_set = data_set
        self._request: Command | None = None
        self._syntaxes: dict[int, str] = {}
        self._storing = False
        self._last_read = time.monotonic()
        self._begun: float | None = None

    @property
    def within_pdu_s(self) -> float:
        """How long ago the PDU that is still coming in began, or its last MiB; else 0 [s]."""
        begun = self._begun
        return 0.0 if begun is None else time.monotonic() - begun

    @property
    def quiet_s(self) -> float:
        """How long nothing has come in or been stored [s]."""
        return 0.0 if self._storing else time.monotonic() - self._last_read

    def cut(self) -> None:
        """Ends the connection from another thread, even from within a PDU that never ends."""
        sock = cast(AssociationSocket, self.socket).socket
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def stop_dul(self) -> bool:
        """As pynetdicom's; a request that nobody answers any more is hung up on.

        One that comes just as the wait for it has ended would keep its sender and a thread for as
        long as the sender waits.
        """
        if (
            self.state_machine.current_state == _REQUESTED
            and self.assoc.requestor.primitive is None
        ):
            self.cut()
        return super().stop_dul()

    def _decode_pdu(self, bytestream: bytearray) -> tuple[_PDUType, str]:
        """As pynetdicom's, for titles as senders write them."""
        if bytestream[0] == _A_ASSOCIATE_RQ:
            bytestream = with_plain_titles(bytestream)
        return super()._decode_pdu(bytestream)

    def run_reactor(self) -> None:
        """As pynetdicom's; the end of a connection without a request is told at once.

        pynetdicom would let the association wait for its request until the time-out: every
        port scan and health check would hold a place for half a minute.
        """
        super().run_reactor()
        self._data_set.close()
        self._on_end()
        if self.assoc.requestor.primitive is None:
            self.to_user_queue.put(A_P_ABORT())

    def _is_transport_event(self) -> bool:
        """As pynetdicom's; the longer nothing has come, the longer it waits in the kernel."""
        sock = cast(AssociationSocket, self.socket).socket
        rest_ms = min(_LONGEST_REST_MS, 500.0 * self.quiet_s)
        busy = self._has_own_work() or self._is_awaited()
        if sock is not None and rest_ms > 1.0 and not (busy or has_read_ahead(sock)):
            poll = select.poll()
            poll.register(sock, select.POLLIN)
            with self._association_at_rest():
                poll.poll(rest_ms)
        return super()._is_transport_event()

    def _read_pdu_data(self) -> None:
        """Serves PDUs as long as they follow each other; pynetdicom's reactor calls it."""
        transport = cast(AssociationSocket, self.socket)
        sock = cast(socket.socket, transport.socket)
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        with self._association_at_rest():
            while self._read_one_safely(sock):
                self._idle_timer.restart()
                self._last_read = time.monotonic()
                if self._has_own_work() or not (has_read_ahead(sock) or poll.poll(_WAIT_MS)):
                    return

    @contextmanager
    def _association_at_rest(self) -> Iterator[None]:
        """The association's thread, which polls each millisecond, waits while images come in."""
        self.assoc._reactor_checkpoint.clear()
        try:
            yield
        finally:
            self.assoc._reactor_checkpoint.set()

    def _read_one_safely(self, sock: socket.socket) -> bool:
        """As ``_read_one``; what is wrong with the connection becomes the state machine's."""
        self._begun = time.monotonic()
        try:
            return self._read_one(sock)
        except (EOFError, OSError):
            self.event_queue.put(_CLOSED)
        except ValueError:
            self.event_queue.put(_INVALID_PDU)
        finally:
            self._begun = None
        return False

    def _has_own_work(self) -> bool:
        return self._kill_thread or not (
            self.to_provider_queue.empty() and self.event_queue.empty()
        )

    def _is_awaited(self) -> bool:
        """Whether the association's thread has something to do that it may answer."""
        return not (self.to_user_queue.empty() and self.assoc.dimse.msg_queue.empty())

    def _read_one(self, sock: socket.socket) -> bool:
        """Whether a P-DATA-TF was read here; any other PDU is left to pynetdicom."""
        start = sock.recv(_PDU_HEAD.size, socket.MSG_PEEK)
        if start[:1] == bytes([_P_DATA_TF]) and self.state_machine.current_state == _ESTABLISHED:
            self._read_p_data(sock)
            return True
        if len(start) == _PDU_HEAD.size and _PDU_HEAD.unpack(start)[2] > _LONGEST_CONTROL_PDU:
            raise ValueError("a PDU of absurd length")
        super()._read_pdu_data()
        return False

    def _read_p_data(self, sock: socket.socket) -> None:
        """Reads one P-DATA-TF and its PDVs (PS3.8 section 9.3.5)."""
        receive_into(sock, self._head, 0, len(self._head))
        rest = _PDU_HEAD.unpack_from(self._head)[2]
        at = _PDU_HEAD.size
        while True:
            length, context_id, control = _PDV_HEAD.unpack_from(self._head, at)
            rest -= 4 + length
            if length < 2 or rest < 0:
                raise ValueError("a PDV does not fit into its PDU")
            self._read_pdv(sock, length - 2, context_id, control)
            if not rest:
                return
            if rest < _PDV_HEAD.size:
                raise ValueError("a PDU ends within a PDV")
            at = 0
            receive_into(sock, self._head, 0, _PDV_HEAD.size)

    def _read_pdv(self, sock: socket.socket, size: int, context_id: int, control: int) -> None:
        """Reads a fragment of a command set or a data set (PS3.8 Annex E.2)."""
        if control & _COMMAND:
            self._read_command_fragment(sock, size)
            if control & _LAST:
                self._request = read_command(self._command)
        elif self._request is None:
            raise ValueError("a data set without a command")
        else:
            self._read_data_set_fragment(sock, size)
        request = self._request
        if control & _LAST and request and not (control & _COMMAND and request.has_data_set):
            self._serve(request, context_id)
            self._command.clear()
            self._request = None

    def _read_command_fragment(self, sock: socket.socket, size: int) -> None:
        at = len(self._command)
        if self._request is not None or at + size > _LONGEST_COMMAND:
            raise ValueError("a command set out of place, or of absurd length")
        self._command.extend(bytes(size))
        receive_into(sock, self._command, at, size)

    def _read_data_set_fragment(self, sock: socket.socket, size: int) -> None:
        """Some senders put a whole data set into one PDU: each MiB of it has its own time."""
        while size:
            step = min(size, STEP_BYTES)
            self._data_set.receive(sock, step)
            self._begun = time.monotonic()
            size -= step

    def _serve(self, request: Command, context_id: int) -> None:
        """A whole message: a C-STORE is answered, anything else handed to pynetdicom."""
        data_set = self._data_set.take()
        syntax = self._transfer_syntaxes().get(context_id)
        if request.field != C_STORE_RQ or not request.has_data_set or syntax is None:
            self._hand_over(context_id, data_set if request.has_data_set else None)
            return
        self._storing, self._begun = True, None
        answer = self._answer(
            StoreRequest(
                sop_class_uid=request.sop_class_uid,
                sop_instance_uid=request.sop_instance_uid,
                transfer_syntax_uid=syntax,
                calling_ae_title=self.assoc.requestor.ae_title,
                data_set=data_set,
            )
        )
        del data_set
        self._data_set.release()
        cast(AssociationSocket, self.socket).send(c_store_response(request, context_id, answer))
        self._storing, self._begun = False, time.monotonic()

    def _transfer_syntaxes(self) -> dict[int, str]:
        """The transfer syntax of each accepted presentation context."""
        if not self._syntaxes:
            self._syntaxes = {
                cast(int, context.context_id): str(context.transfer_syntax[0])
                for context in self.assoc.accepted_contexts
            }
        return self._syntaxes

    def _hand_over(self, context_id: int, data_set: bytes | None) -> None:
        fragments = [(context_id, bytes([_COMMAND | _LAST]) + self._command)]
        if data_set is not None:
            fragments.append((context_id, bytes([_LAST]) + data_set))
        primitive = P_DATA()
        primitive.presentation_data_value_list = []
        primitive.presentation_data_value_list.extend(fragments)
        self.assoc.dimse.receive_primitive(primitive)
