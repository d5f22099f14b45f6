"""The upper layer's bytes, sound ones, for senders that are not (PS3.8 section 9.3)."""

import socket
import struct
from collections.abc import Sequence

from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import build_context

RELEASE_RQ = struct.pack(">BBII", 5, 0, 4, 0)


def associate_rq(
    called: bytes, calling: bytes, syntaxes: Sequence[str] = (ExplicitVRLittleEndian,)
) -> bytes:
    """An A-ASSOCIATE-RQ with titles that pynetdicom itself would not send.

    A context each (1, 3, 5 ...) for CT images in each of the transfer syntaxes.
    """
    request = A_ASSOCIATE()
    request.application_context_name = "1.2.840.10008.3.1.1.1"
    request.called_ae_title, request.calling_ae_title = "CALLED", "CALLING"
    contexts = [build_context(CTImageStorage, [syntax]) for syntax in syntaxes]
    for place, context in enumerate(contexts):
        context.context_id = 2 * place + 1
    request.presentation_context_definition_list = contexts
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = 16384
    implementation.implementation_class_uid = "1.2.3"
    request.user_information = [length, implementation]
    pdu = bytearray(A_ASSOCIATE_RQ(request).encode())
    pdu[10:26], pdu[26:42] = called.ljust(16, b"\0"), calling.ljust(16, b"\0")
    return bytes(pdu)


def read_pdu(sock: socket.socket) -> bytes:
    """The next whole PDU; empty at the end of the connection."""
    head = sock.recv(6, socket.MSG_WAITALL)
    if len(head) < 6:
        return b""
    return head + sock.recv(struct.unpack(">I", head[2:])[0], socket.MSG_WAITALL)


def p_data(command: bytes, control: int = 3, context: int = 1) -> bytes:
    """A P-DATA-TF with one fragment."""
    lengths = len(command) + 6, len(command) + 2
    return struct.pack(">BBIIBB", 4, 0, *lengths, context, control) + command


def c_store_rq(sop_instance: bytes) -> bytes:
    """The command set of a C-STORE request with a data set to follow."""
    elements = [
        (0x0002, b"1.2.840.10008.5.1.4.1.1.2\0"),
        (0x0100, b"\x01\0"),
        (0x0110, b"\x01\0"),
        (0x0700, b"\0\0"),
        (0x0800, b"\0\0"),
        (0x1000, sop_instance + b"\0" * (len(sop_instance) % 2)),
    ]
    body = b"".join(struct.pack("<HHI", 0, tag, len(v)) + v for tag, v in elements)
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body
