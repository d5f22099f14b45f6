import pytest

from node.errors import (
    InstanceUnreadableError,
    NodeError,
    RegistryUnavailableError,
    SpoolError,
    SpoolFullError,
)
from node.scp.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, file_head
from node.scp.statuses import Status, answer_for
from node.scu import association


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (SpoolFullError, Status.OUT_OF_RESOURCES),
        (RegistryUnavailableError, Status.OUT_OF_RESOURCES),
        (SpoolError, Status.PROCESSING_FAILURE),
        (InstanceUnreadableError, Status.CANNOT_UNDERSTAND),
    ],
)
def test_each_fault_has_its_status(fault: type[NodeError], status: Status) -> None:
    """Who may try again is told so; the words name no path of this machine."""
    answer = answer_for(fault("/var/lib/secret/place"))
    assert answer.status == status
    assert 0 < len(answer.comment) <= 64
    assert "secret" not in answer.comment


def test_the_file_meta_says_how_long_it_is() -> None:
    """(0002,0000) counts the bytes after itself (PS3.10 7.1)."""
    head = file_head("1.2.3", "1.2.3.4", "1.2.840.10008.1.2.1", "SENDER")
    assert head[128:132] == b"DICM"
    assert int.from_bytes(head[140:144], "little") == len(head) - 144


def test_listener_and_sender_have_one_identity() -> None:
    """One implementation has one class UID and version name (PS3.7 D.3.3.2), of legal length."""
    assert association._IMPLEMENTATION_CLASS_UID == IMPLEMENTATION_CLASS_UID
    assert association._IMPLEMENTATION_VERSION_NAME == IMPLEMENTATION_VERSION_NAME
    assert len(IMPLEMENTATION_CLASS_UID) <= 64
    assert len(IMPLEMENTATION_VERSION_NAME) <= 16
