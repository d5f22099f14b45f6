"""C-STORE messages as bytes: command sets are Implicit VR Little Endian (PS3.7 section 6.3.1)."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from node.scp.statuses import Answer

C_STORE_RQ = 0x0001
_C_STORE_RSP = 0x8001
_NO_DATA_SET = 0x0101

# Elements of group 0000 (PS3.7 Annex E).
_GROUP_LENGTH = 0x0000
_AFFECTED_SOP_CLASS_UID = 0x0002
_COMMAND_FIELD = 0x0100
_MESSAGE_ID = 0x0110
_MESSAGE_ID_BEING_RESPONDED_TO = 0x0120
_COMMAND_DATA_SET_TYPE = 0x0800
_STATUS = 0x0900
_ERROR_COMMENT = 0x0902
_AFFECTED_SOP_INSTANCE_UID = 0x1000

_ELEMENT = struct.Struct("<HHI")
# PDU type, reserved, PDU length, PDV length, context, message control header (PS3.8 9.3.5).
_P_DATA_TF = struct.Struct(">BBIIBB")
_LAST_COMMAND_FRAGMENT = 0x03


@dataclass(frozen=True)
class Command:
    """The fields of a command set that receiving needs."""

    field: int
    message_id: int
    has_data_set: bool
    sop_class_uid: str
    sop_instance_uid: str


def read_command(encoded: bytes | bytearray) -> Command:
    """The fields of an encoded command set.

    Raises
    ------
    ValueError
        If the bytes are no command set, or one without a command.
    """
    elements = _elements(encoded)
    return Command(
        field=_number(elements, _COMMAND_FIELD),
        message_id=_number(elements, _MESSAGE_ID) if _MESSAGE_ID in elements else 0,
        has_data_set=_number(elements, _COMMAND_DATA_SET_TYPE) != _NO_DATA_SET,
        sop_class_uid=_uid(elements, _AFFECTED_SOP_CLASS_UID),
        sop_instance_uid=_uid(elements, _AFFECTED_SOP_INSTANCE_UID),
    )


def c_store_response(request: Command, context_id: int, answer: Answer) -> bytes:
    """The P-DATA-TF PDU that answers a C-STORE request (PS3.7 section 9.3.1.2)."""
    elements = [
        (_AFFECTED_SOP_CLASS_UID, _padded(request.sop_class_uid, b"\0")),
        (_COMMAND_FIELD, struct.pack("<H", _C_STORE_RSP)),
        (_MESSAGE_ID_BEING_RESPONDED_TO, struct.pack("<H", request.message_id)),
        (_COMMAND_DATA_SET_TYPE, struct.pack("<H", _NO_DATA_SET)),
        (_STATUS, struct.pack("<H", answer.status)),
        (_ERROR_COMMENT, _padded(answer.comment[:64], b" ")),
        (_AFFECTED_SOP_INSTANCE_UID, _padded(request.sop_instance_uid, b"\0")),
    ]
    body = b"".join(_ELEMENT.pack(0, tag, len(value)) + value for tag, value in elements if value)
    length = _ELEMENT.pack(0, _GROUP_LENGTH, 4) + struct.pack("<I", len(body))
    command = length + body
    pdv = len(command) + 2
    head = _P_DATA_TF.pack(0x04, 0, pdv + 4, pdv, context_id, _LAST_COMMAND_FRAGMENT)
    return head + command


def _elements(encoded: bytes | bytearray) -> dict[int, bytes]:
    elements: dict[int, bytes] = {}
    at = 0
    while at < len(encoded):
        if at + _ELEMENT.size > len(encoded):
            raise ValueError("a command element is cut off")
        group, tag, length = _ELEMENT.unpack_from(encoded, at)
        at += _ELEMENT.size
        if group != 0 or at + length > len(encoded):
            raise ValueError("a command set holds group 0000 only, whole")
        elements[tag] = bytes(encoded[at : at + length])
        at += length
    return elements


def _number(elements: Mapping[int, bytes], tag: int) -> int:
    value = elements.get(tag, b"")
    if len(value) != 2:
        raise ValueError(f"command element (0000,{tag:04X}) is missing or no US")
    return int.from_bytes(value, "little")


def _uid(elements: Mapping[int, bytes], tag: int) -> str:
    return elements.get(tag, b"").rstrip(b"\0 ").decode("ascii", errors="replace")


def _padded(text: str, pad: bytes) -> bytes:
    encoded = text.encode("ascii", errors="replace")
    return encoded + pad if len(encoded) % 2 else encoded
