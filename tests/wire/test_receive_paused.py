"""Receiving that a person has paused: senders are told to come again, and nothing is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE

from node.ports import Activity
from tests.support.ctp import CtpSpec, build_instance
from tests.support.listening import Listening, associated, listening, push
from tests.support.running_node import wait_for

VERIFICATION = "1.2.840.10008.1.1"
TRANSIENT = (2, 3, 1)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Listening]:
    with listening(tmp_path / "spool") as running:
        yield running


def looked(node: Listening) -> None:
    """The listener has looked since."""
    seen = node.intake.looks
    wait_for(lambda: node.intake.looks > seen + 1, "the listener looks for pauses")


def asked(port: int, sop_class: str) -> AE:
    """The association that a sender asked for: accepted or with the codes of its rejection."""
    ae = AE("CT1")
    ae.add_requested_context(sop_class, ExplicitVRLittleEndian)
    return ae.associate("127.0.0.1", port, ae_title="PERFUSION")


def test_senders_are_rejected_for_the_time_being_and_an_echo_is_answered(node: Listening) -> None:
    """A-ASSOCIATE-RJ transient, temporary congestion (PS3.8 table 9-21); then all is taken."""
    node.intake.paused.add(Activity.RECEIVING)
    looked(node)
    rejected = asked(node.port, CTImageStorage)
    primitive = rejected.acceptor.primitive
    codes = (primitive.result, primitive.result_source, primitive.diagnostic)
    assert rejected.is_rejected
    assert codes == TRANSIENT
    with associated(node.port, [(VERIFICATION, [ExplicitVRLittleEndian])]) as assoc:
        assert assoc.send_c_echo().Status == 0x0000
    node.intake.paused.clear()
    looked(node)
    assert push(node.port, [build_instance(CtpSpec(), 0, 0)]) == [0x0000]


def test_an_association_that_is_kept_open_does_not_go_round_the_pause(node: Listening) -> None:
    """Once nothing is in transfer it is ended; its sender has to ask again."""
    with associated(node.port, [(CTImageStorage, [ExplicitVRLittleEndian])]) as assoc:
        node.intake.paused.add(Activity.RECEIVING)
        wait_for(lambda: not assoc.is_established, "the association is ended")
    assert asked(node.port, CTImageStorage).is_rejected


def test_a_pause_of_something_else_changes_nothing(node: Listening) -> None:
    """Images are taken in while analysing and delivering are paused."""
    node.intake.paused.add(Activity.ANALYSING)
    node.intake.paused.add(Activity.DELIVERING)
    looked(node)
    assert push(node.port, [build_instance(CtpSpec(), 0, 0)]) == [0x0000]


def test_a_database_that_is_away_leaves_the_pause_as_it_was(node: Listening) -> None:
    """What was paused stays so, and the listener goes on looking."""
    node.intake.paused.add(Activity.RECEIVING)
    looked(node)
    node.intake.available = False
    looked(node)
    assert asked(node.port, CTImageStorage).is_rejected
    node.intake.available = True
    node.intake.paused.clear()
    looked(node)
    assert push(node.port, [build_instance(CtpSpec(), 0, 0)]) == [0x0000]
