"""Storage commitment over real sockets: asked on one association, replied to on that or another."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom.sop_class import StorageCommitmentPushModel, Verification

from node.errors import PeerUnreachableError, RegistryUnavailableError
from node.ports import CommitmentReply, CommitmentRequest, Replied, SopReference
from node.scu import DicomPacs
from node.settings import Destination, Peer
from tests.support.committing_pacs import CommittingPacs, Reply, references
from tests.support.listening import Listening, associated, listening
from tests.support.running_node import wait_for

REQUEST = CommitmentRequest(
    "2.25.77", "pacs", tuple(SopReference(CTImageStorage, f"1.2.{n}") for n in range(3))
)
ALL = frozenset({"1.2.0", "1.2.1", "1.2.2"})


class FakeReplies:
    """Implements :class:`node.ports.Replies` for one transaction; ``away``: no database."""

    def __init__(self) -> None:
        self.recorded: list[CommitmentReply] = []
        self.away = False

    def replied(self, reply: CommitmentReply, *, now: datetime) -> Replied:
        assert now.tzinfo is not None
        if self.away:
            raise RegistryUnavailableError("the database does not answer")
        if reply.transaction_uid != REQUEST.transaction_uid:
            return Replied.UNKNOWN
        self.recorded.append(reply)
        return Replied.RECORDED if len(self.recorded) == 1 else Replied.REPEATED


@pytest.fixture
def replies() -> FakeReplies:
    return FakeReplies()


@pytest.fixture
def peer() -> Iterator[CommittingPacs]:
    pacs = CommittingPacs()
    yield pacs
    pacs.close()


@pytest.fixture
def listener(tmp_path: Path, replies: FakeReplies, peer: CommittingPacs) -> Iterator[Listening]:
    """A listener that admits one sender, and takes replies of the PACS besides."""
    with listening(
        tmp_path,
        replies=replies,
        repliers=[Peer(ae_title="PACS", host="127.0.0.1")],
        allowed_peers=(Peer(ae_title="SCANNER"),),
    ) as running:
        peer.node_port = running.port
        yield running


def pacs_at(port: int) -> DicomPacs:
    return DicomPacs(Destination(name="pacs", ae_title="PACS", port=port), "PERFUSION")


def report(*uids: str, transaction: str = REQUEST.transaction_uid) -> Dataset:
    information = Dataset()
    information.TransactionUID = transaction
    information.ReferencedSOPSequence = list(references(*uids))
    return information


def test_a_request_names_the_transaction_and_every_object(
    peer: CommittingPacs, replies: FakeReplies
) -> None:
    """PS3.4 Table J.3-1: Transaction UID and Referenced SOP Sequence, no more."""
    peer.reply = Reply.NEVER
    with pacs_at(peer.port).commitment(REQUEST, replies) as answer:
        assert answer.status == 0
    (asked,) = peer.requests
    assert {element.keyword for element in asked} == {"TransactionUID", "ReferencedSOPSequence"}
    assert asked.TransactionUID == REQUEST.transaction_uid
    named = [
        (i.ReferencedSOPClassUID, i.ReferencedSOPInstanceUID) for i in asked.ReferencedSOPSequence
    ]
    assert named == [(o.sop_class_uid, o.sop_instance_uid) for o in REQUEST.objects]


def test_a_reply_on_the_same_association_is_recorded_and_answered(
    peer: CommittingPacs, replies: FakeReplies
) -> None:
    """Its sender has the answer before the association is released."""
    with pacs_at(peer.port).commitment(REQUEST, replies):
        wait_for(lambda: replies.recorded, "the reply comes", 20)
    wait_for(lambda: peer.answers, "the reply is answered", 20)
    assert peer.answers == [0x0000]
    assert replies.recorded == [CommitmentReply(REQUEST.transaction_uid, ALL)]


def test_failures_come_with_their_reasons(peer: CommittingPacs, replies: FakeReplies) -> None:
    """What is not committed to is told apart from what is (event type 2)."""
    peer.failing = {"1.2.1": [0x0112], "1.2.2": [0x0110]}
    with pacs_at(peer.port).commitment(REQUEST, replies):
        wait_for(lambda: replies.recorded, "the reply comes", 20)
    (reply,) = replies.recorded
    assert reply.confirmed == {"1.2.0"}
    assert reply.failed == {"1.2.1": 0x0112, "1.2.2": 0x0110}


def test_a_reply_on_a_new_association_is_recorded_and_answered(
    peer: CommittingPacs, replies: FakeReplies, listener: Listening
) -> None:
    """From a destination that is no allowed sender, with the roles reversed."""
    peer.reply = Reply.NEW
    with pacs_at(peer.port).commitment(REQUEST, replies) as answer:
        assert answer.status == 0
    wait_for(lambda: peer.answers, "the reply is answered", 20)
    assert peer.answers == [0x0000]
    assert [reply.confirmed for reply in replies.recorded] == [ALL]
    assert listener.listener.counts.rejected_associations == 0


def test_a_replier_that_negotiates_no_roles_is_served(
    peer: CommittingPacs, replies: FakeReplies, listener: Listening
) -> None:
    """Some archives just send their report."""
    assert listener.port == peer.node_port
    peer.negotiates_roles = False
    assert peer.report(1, report("1.2.0")) == 0x0000
    assert [reply.confirmed for reply in replies.recorded] == [{"1.2.0"}]


def test_a_destination_may_reply_and_no_more(listener: Listening) -> None:
    """Not among the allowed senders, it cannot store; a stranger cannot even reply."""
    contexts = [
        (each, [ExplicitVRLittleEndian])
        for each in (Verification, StorageCommitmentPushModel, CTImageStorage)
    ]
    with associated(listener.port, contexts, calling="PACS") as assoc:
        assert assoc.is_established
        accepted = {context.abstract_syntax for context in assoc.accepted_contexts}
    assert accepted == {Verification, StorageCommitmentPushModel}
    with associated(listener.port, contexts, calling="STRANGER") as assoc:
        assert assoc.is_rejected


def test_a_listener_without_a_destination_that_commits_takes_no_replies(tmp_path: Path) -> None:
    """The context is rejected where nothing is ever asked for."""
    with listening(tmp_path) as running:
        contexts = [(StorageCommitmentPushModel, [ExplicitVRLittleEndian])]
        with associated(running.port, contexts) as assoc:
            assert not assoc.accepted_contexts


def test_every_report_has_its_status(
    peer: CommittingPacs, replies: FakeReplies, listener: Listening
) -> None:
    """Unknown, doubled, not understood, not recorded: each is told, and only the first counts."""
    assert listener.port == peer.node_port
    nameless = report("1.2.0")
    del nameless.TransactionUID
    assert peer.report(1, report("1.2.0", transaction="2.25.1")) == 0x0115
    assert peer.report(1, nameless) == 0x0115
    assert peer.report(3, report("1.2.0")) == 0x0113
    replies.away = True
    assert peer.report(1, report("1.2.0")) == 0x0213
    replies.away = False
    assert peer.report(1, report("1.2.0")) == 0x0000
    assert peer.report(1, report("1.2.0")) == 0x0000
    assert len(replies.recorded) == 2


def test_a_rejected_context_and_a_refusal_are_told_in_words(replies: FakeReplies) -> None:
    """Neither is a fault of the network: trying again at once would be of no use."""
    without, refusing = CommittingPacs(commits=False), CommittingPacs()
    refusing.accepts = 0x0124
    assert not pacs_at(without.port).commits()
    assert pacs_at(refusing.port).commits()
    with pacs_at(without.port).commitment(REQUEST, replies) as answer:
        assert answer.status is None
        assert "presentation context" in answer.message
    with pacs_at(refusing.port).commitment(REQUEST, replies) as answer:
        assert answer.status == 0x0124
        assert "does not authorise" in answer.message
    without.close()
    refusing.close()
    with pytest.raises(PeerUnreachableError), pacs_at(without.port).commitment(REQUEST, replies):
        pass
