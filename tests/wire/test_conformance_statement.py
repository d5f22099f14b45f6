"""docs/conformance.md negotiated: what it states is accepted on the wire, and nothing else is."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from pydicom.uid import (
    AllTransferSyntaxes,
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import build_role
from pynetdicom.pdu_primitives import (
    AsynchronousOperationsWindowNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)
from pynetdicom.sop_class import (
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

from docs.sop_classes import known
from node.derived import ALL_KINDS, refusal_page, rejection_notes
from node.ports import (
    CommitmentReply,
    CommitmentRequest,
    Replied,
    SentObject,
    SopReference,
)
from node.refusals import Refusal, RefusalCode
from node.scu import DicomPacs
from node.settings import Destination, Peer
from tests.support.ctp import CtpSpec
from tests.support.documents import ROOT, table
from tests.support.listening import Listening, associated, listening
from tests.support.negotiation import Overhearing, Pair, proposing, results_of
from tests.unit.derived.case import OPTIONS, case, source
from tests.unit.derived.test_rejection_note import RERUN

STATEMENT = ROOT / "docs" / "conformance.md"
TEXT = STATEMENT.read_text()
ACCEPTED, NO_SUCH_CLASS, NO_SUCH_SYNTAX = 0, 3, 4
UNCOMPRESSED = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
STORAGE = [r["UID"] for r in table(STATEMENT, "6.5 Storage SOP classes that are accepted")]
SYNTAXES = [r["UID"] for r in table(STATEMENT, "Presentation contexts")]
PRIVATE = "2.25.42"
SPEC = CtpSpec(slices=1, frames=2, rows=16, pixel_mm=12.0)


class NoReplies:
    """Implements :class:`node.ports.Replies`: this node never asked."""

    def replied(self, reply: CommitmentReply, *, now: datetime) -> Replied:
        assert reply.transaction_uid
        assert now.tzinfo
        return Replied.UNKNOWN


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Listening]:
    with listening(tmp_path / "spool") as running:
        yield running


@pytest.fixture
def committing(tmp_path: Path) -> Iterator[Listening]:
    """A listener with a destination that is asked for storage commitment."""
    peers = [Peer(ae_title="PACS", host="127.0.0.1")]
    with listening(tmp_path / "spool", replies=NoReplies(), repliers=peers) as running:
        yield running


def test_every_class_of_the_annex_is_accepted_in_every_syntax_of_the_table(node: Listening) -> None:
    """Each pair is proposed in a context of its own; a private class is taken like a known one."""
    pairs = [(c, syntax) for c in (*STORAGE, PRIVATE) for syntax in SYNTAXES]
    assert len(pairs) > 3000
    results = results_of(node.port, pairs)
    assert [pair for pair in pairs if results[pair] != ACCEPTED] == []


def test_no_other_class_and_no_other_syntax_is_accepted(node: Listening) -> None:
    """Every further class of DICOM, and every further transfer syntax, private ones too."""
    others = [str(u) for u in known() if u not in {*STORAGE, str(Verification)}]
    assert len(others) > 100
    classes: list[Pair] = [(uid, str(ImplicitVRLittleEndian)) for uid in others]
    assert set(results_of(node.port, classes).values()) == {NO_SUCH_CLASS}
    unknown = [str(s) for s in AllTransferSyntaxes if s not in SYNTAXES] + [PRIVATE]
    assert len(unknown) > 10
    syntaxes: list[Pair] = [(str(CTImageStorage), syntax) for syntax in unknown]
    assert set(results_of(node.port, syntaxes).values()) == {NO_SUCH_SYNTAX}


def test_verification_is_accepted_uncompressed_and_answered(node: Listening) -> None:
    """C-ECHO: 0000, in each of its two transfer syntaxes and in no other."""
    results = results_of(node.port, [(str(Verification), syntax) for syntax in SYNTAXES])
    assert {syntax for (_, syntax), result in results.items() if result == ACCEPTED} == set(
        UNCOMPRESSED
    )
    for syntax in UNCOMPRESSED:
        with associated(node.port, [(str(Verification), [syntax])]) as assoc:
            assert assoc.send_c_echo().Status == 0x0000


def test_storage_commitment_is_accepted_where_a_destination_is_asked_for_it(
    committing: Listening,
) -> None:
    """In two transfer syntaxes, with both roles, proposed or not; elsewhere it is rejected."""
    pairs = [(str(StorageCommitmentPushModel), syntax) for syntax in SYNTAXES]
    results = results_of(committing.port, pairs)
    accepted = {syntax for (_, syntax), result in results.items() if result == ACCEPTED}
    assert accepted == set(UNCOMPRESSED)
    for scu, scp in ((True, True), (False, True), (True, False)):
        role = build_role(StorageCommitmentPushModel, scu_role=scu, scp_role=scp)
        with proposing(committing.port, pairs[:1], [role]) as assoc:
            (context,) = assoc.accepted_contexts
            assert (context.as_scu, context.as_scp) == (scu, scp)


def test_nothing_else_is_negotiated(node: Listening) -> None:
    """Maximum PDU and implementation are as stated; windows, roles and users go unanswered."""
    window = AsynchronousOperationsWindowNegotiation()
    window.maximum_number_operations_invoked = window.maximum_number_operations_performed = 5
    extended = SOPClassExtendedNegotiation()
    extended.sop_class_uid = CTImageStorage
    extended.service_class_application_information = b"\x02\x00\x03\x00\x01\x00"
    user = UserIdentityNegotiation()
    user.user_identity_type, user.primary_field = 1, b"somebody"
    user.positive_response_requested = True
    role = build_role(CTImageStorage, scu_role=False, scp_role=True)
    asked = [window, extended, user, role]
    with proposing(node.port, [(str(CTImageStorage), ExplicitVRLittleEndian)], asked) as assoc:
        answer = assoc.acceptor.primitive
        told = {type(item).__name__: item for item in answer.user_information}
    assert set(told) <= {
        "MaximumLengthNotification",
        "ImplementationClassUIDNotification",
        "ImplementationVersionNameNotification",
    }
    assert answer.application_context_name == stated("Application Context Name")
    length = told["MaximumLengthNotification"].maximum_length_received
    assert f"{length} bytes" == stated("maximum PDU received")
    implementation = told["ImplementationClassUIDNotification"].implementation_class_uid
    assert implementation == stated("Implementation Class UID")
    version = told["ImplementationVersionNameNotification"].implementation_version_name
    assert version == stated("Implementation Version Name")


def stated(name: str) -> str:
    """The cell beside a name; the first such row is that of the listener."""
    found = re.search(rf"^\| {re.escape(name)} \| ([^|]+?) \|", TEXT, re.MULTILINE)
    assert found, name
    return found[1]


class Overheard:
    """What a sender of this node's proposes to the PACS that it is let loose on."""

    def __init__(self, act: Callable[[DicomPacs], object]) -> None:
        classes = (*STORAGE, Verification, StudyRootQueryRetrieveInformationModelFind)
        peer = Overhearing([*map(str, classes), str(StorageCommitmentPushModel)])
        destination = Destination(name="pacs", ae_title="PACS", port=peer.port)
        try:
            act(DicomPacs(destination, "PERFUSION"))
        finally:
            peer.close()
        self.pairs, self.requests = peer.proposed(), peer.requests


def _written(folder: Path) -> list[Path]:
    """A file of every kind of result."""
    refusal = Refusal(RefusalCode.TOO_SHORT, "it covers 18 s", "Send more.")
    whole = replace(case(SPEC), options=replace(OPTIONS, kinds=ALL_KINDS))
    notes = rejection_notes(source(SPEC), RERUN)
    made = [*whole.encoded(), refusal_page(source(SPEC), refusal, OPTIONS), *notes]
    for number, each in enumerate(made):
        each.dataset.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return sorted(folder.glob("*.dcm"))


def _committed(pacs: DicomPacs) -> None:
    asked = CommitmentRequest("2.25.77", "pacs", (SopReference(CTImageStorage, "1.2"),))
    with pacs.commitment(asked, NoReplies()) as answer:
        assert answer.status == 0


SENT = {row["UID"] for row in table(STATEMENT, "1.2 What is sent")}
ROLES: dict[str, tuple[Callable[[DicomPacs], object], set[str]]] = {
    "C-ECHO": (lambda pacs: pacs.echo(), {str(Verification)}),
    "C-FIND": (
        lambda pacs: pacs.holds([SentObject("1.2", "1.2.3", "1.2.3.4")]),
        {"1.2.840.10008.5.1.4.1.2.2.1"},
    ),
    "N-ACTION": (_committed, {"1.2.840.10008.1.20.1"}),
}


@pytest.mark.parametrize("service", ["C-STORE", *ROLES])
def test_the_node_proposes_what_is_stated_and_no_more(service: str, tmp_path: Path) -> None:
    """Each class in Explicit and Implicit VR Little Endian, a context for each pair; no roles."""
    if service == "C-STORE":
        files = _written(tmp_path)
        act: Callable[[DicomPacs], object] = lambda pacs: pacs.store(files, lambda _: None)  # noqa: E731
        classes = SENT
    else:
        act, classes = ROLES[service]
    heard = Overheard(act)
    assert heard.pairs == {(uid, str(syntax)) for uid in classes for syntax in UNCOMPRESSED}
    for request in heard.requests:
        told = {type(item).__name__: item for item in request.user_information}
        assert set(told) == {
            "MaximumLengthNotification",
            "ImplementationClassUIDNotification",
            "ImplementationVersionNameNotification",
        }
        length = told["MaximumLengthNotification"].maximum_length_received
        assert f"{length} bytes" == stated("maximum PDU received")
        implementation = told["ImplementationClassUIDNotification"].implementation_class_uid
        assert implementation == stated("Implementation Class UID")
        assert (request.calling_ae_title, request.called_ae_title) == ("PERFUSION", "PACS")
