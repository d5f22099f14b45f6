import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom import dimse_messages
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode
from pynetdicom.pdu import P_DATA_TF

from node.scp.dimse import C_STORE_RQ, Command, c_store_response, read_command
from node.scp.statuses import Answer, Status


def test_a_request_of_pynetdicoms_is_read() -> None:
    """The command set that another implementation encodes says the same here."""
    primitive = C_STORE()
    primitive.MessageID, primitive.Priority = 77, 2
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = "1.2.3", "1.2.3.4"
    message = dimse_messages.C_STORE_RQ()
    message.primitive_to_message(primitive)
    message.command_set.CommandDataSetType = 0x0001
    command = read_command(encode(message.command_set, True, True) or b"")
    assert command == Command(C_STORE_RQ, 77, True, "1.2.3", "1.2.3.4")


@pytest.mark.parametrize("status", list(Status))
def test_pynetdicom_reads_the_response(status: Status) -> None:
    """The response decodes, in another implementation, to what was meant."""
    request = Command(C_STORE_RQ, 77, True, "1.2.3", "1.2.3.4")
    pdu = P_DATA_TF()
    pdu.decode(c_store_response(request, 5, Answer(status, "Because" if status else "")))
    message = dimse_messages.DIMSEMessage()
    assert message.decode_msg(pdu.to_primitive())
    response = message.message_to_primitive()
    assert (message.context_id, response.Status) == (5, status)
    assert response.MessageIDBeingRespondedTo == 77
    assert (response.AffectedSOPClassUID, response.AffectedSOPInstanceUID) == ("1.2.3", "1.2.3.4")
    assert response.ErrorComment == ("Because" if status else None)


@given(st.binary(max_size=200))
def test_no_bytes_bring_the_reader_down(encoded: bytes) -> None:
    """Any bytes are a command or a ValueError."""
    try:
        command = read_command(encoded)
    except ValueError:
        return
    assert 0 <= command.field <= 0xFFFF


@pytest.mark.parametrize(
    "encoded",
    [b"", struct.pack("<HHI", 0, 0x0100, 2), struct.pack("<HHI", 8, 0x0100, 0)],
    ids=["empty", "cut off", "another group"],
)
def test_what_is_no_command_set_is_a_value_error(encoded: bytes) -> None:
    """A command set holds group 0000 only, whole, and a command."""
    with pytest.raises(ValueError, match="command"):
        read_command(encoded)
