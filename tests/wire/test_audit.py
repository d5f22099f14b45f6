"""The audit trail, as a syslog server receives it (PS3.15 A.5, RFC 5424)."""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
import structlog

from node.audit import SyslogTrail, audited, running, with_sign_ins
from node.people import Visitor
from node.ports import AuditEntry, AuditQuestion, AuditResult, Machine, StudyInstances
from node.scu import DicomPacs
from node.settings import AuditSettings, Destination, Peer, PeerTls
from tests.support.authority import Authority
from tests.support.ctp import CtpSpec, build_series, write_series
from tests.support.fake_intake import FakeIntake
from tests.support.listening import associated, listening, push, storescu
from tests.support.running_node import free_port, wait_for
from tests.support.syslog_server import datagrams, streams

VERIFICATION = "1.2.840.10008.1.1"
SMALL = CtpSpec(slices=2, frames=3, patient_name="Marked^Person")
OWN, PEER = Machine("PERFUSION", "127.0.0.1"), Machine("PACS", "10.0.0.5")


def trail(port: int, **settings: Any) -> SyslogTrail:
    return SyslogTrail(AuditSettings(host="127.0.0.1", port=port, source_id="node", **settings))


def test_what_came_in_and_who_was_refused_is_told(tmp_path: Path) -> None:
    """The listener's own entry, the study with its instances, the refused peer; no patient."""
    images = build_series(SMALL)
    with datagrams() as server:
        told = trail(server.port, site_id="stroke centre")
        known = (Peer(ae_title="SENDER"),)
        with (
            running(told, "listener"),
            listening(tmp_path, trail=told, allowed_peers=known) as node,
        ):
            assert push(node.port, images) == [0] * len(images)
            with associated(node.port, [(VERIFICATION, ["1.2.840.10008.1.2"])], calling="OTHER"):
                pass
        told.close()
        wait_for(lambda: len(server.messages) == 6, "every message")
    assert sorted(server.events()) == [
        "Application Activity: Application Start",
        "Application Activity: Application Stop",
        "DICOM Instances Transferred",
        "Network Entry: Attach",
        "Network Entry: Detach",
        "Security Alert: Node Authentication",
    ]
    came = server.of("DICOM Instances Transferred")
    source, destination = came.findall("ActiveParticipant")
    assert (source.attrib["UserID"], source.attrib["NetworkAccessPointID"]) == (
        "SENDER",
        "127.0.0.1",
    )
    assert destination.attrib["UserID"] == "PERFUSION"
    study, patient = came.findall("ParticipantObjectIdentification")
    assert study.attrib["ParticipantObjectID"] == images[0].StudyInstanceUID
    (kind,) = study.iter("SOPClass")
    assert kind.attrib == {"UID": images[0].SOPClassUID, "NumberOfInstances": str(len(images))}
    assert patient.attrib["ParticipantObjectID"] == "withheld"
    alert = server.of("Security Alert: Node Authentication")
    (event,) = alert.findall("EventIdentification")
    assert event.attrib["EventOutcomeIndicator"] == "4"
    assert "calling AE title or address" in str(event.findtext("EventOutcomeDescription"))
    assert [p.attrib["UserID"] for p in alert.findall("ActiveParticipant")] == ["OTHER"]
    (origin,) = alert.findall("AuditSourceIdentification")
    assert origin.attrib == {"AuditSourceID": "node", "AuditEnterpriseSiteID": "stroke centre"}
    whole = b"".join(Xml.tostring(m) for m in server.messages).decode()
    assert "Marked" not in whole
    assert str(images[0].PatientID) not in whole


def test_what_is_sent_is_told_before_and_after(tmp_path: Path) -> None:
    """Each study that goes to a destination begins and is transferred, with what became of it."""
    files = write_series(build_series(SMALL), tmp_path / "sent")
    with streams() as server, listening(tmp_path / "spool") as archive:
        told = trail(server.port, protocol="tcp")
        known = Destination(name="pacs", ae_title="PERFUSION", port=archive.port)
        pacs = DicomPacs(known, "SENDER")
        audited(pacs, told, "SENDER", known).store(files, lambda _: None)
        told.close()
        wait_for(lambda: len(server.messages) == 2, "both messages")
    assert server.events() == ["Begin Transferring DICOM Instances", "DICOM Instances Transferred"]
    assert [p.attrib["UserID"] for p in server.messages[1].findall("ActiveParticipant")] == [
        "SENDER",
        "PERFUSION",
    ]


def test_the_trail_goes_over_tls_to_whom_it_trusts(tmp_path: Path) -> None:
    """RFC 5425; a server that shows another authority's certificate is told nothing."""
    authority = Authority(tmp_path)
    own = authority.identity("syslog")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.cert, own.key)
    with streams(context) as server:
        good = trail(server.port, protocol="tls", tls=PeerTls(ca=authority.ca))
        good.started("listener")
        good.close()
        wait_for(lambda: len(server.messages) == 1, "the message")
        (tmp_path / "other").mkdir()
        wary = trail(server.port, protocol="tls", tls=PeerTls(ca=Authority(tmp_path / "other").ca))
        with structlog.testing.capture_logs() as lines:
            wary.started("listener")
            wary.close()
        assert len(server.messages) == 1
    assert [line["event"] for line in lines] == ["audit_server_away", "audit_messages_lost"]


def test_a_server_that_is_away_holds_nobody_up_and_is_told_afterwards(tmp_path: Path) -> None:
    """Images come in at once; what happened meanwhile is in the trail when the server is back."""
    port = free_port()
    images = write_series(build_series(SMALL), tmp_path / "sent")
    told = trail(port, protocol="tcp")
    with listening(tmp_path / "spool", intake=FakeIntake(), trail=told) as node:
        assert storescu(node.port, images).returncode == 0
        with streams(port=port) as server:
            wait_for(lambda: len(server.messages) >= 2, "what happened meanwhile")
            assert server.events() == ["Network Entry: Attach", "DICOM Instances Transferred"]
    told.close(patience_s=1.0)


def test_a_server_that_takes_nothing_in_costs_no_memory() -> None:
    """What does not fit into the queue is counted as lost, and said."""
    told = trail(free_port(), protocol="tcp")
    study = StudyInstances("1.2.3", {"1.2.840.10008.5.1.4.1.1.2": 1})
    with structlog.testing.capture_logs() as lines:
        for _ in range(10_100):
            told.transferred(OWN, PEER, study)
        told.close(patience_s=0.1)
    lost = [line["messages"] for line in lines if line["event"] == "audit_messages_lost"]
    assert lost
    assert max(lost) >= 100


@pytest.mark.parametrize("name", ["A\x00B", "Ü\x1b[31m", "<&\"'>"])
def test_what_a_peer_calls_itself_cannot_break_a_message(name: str) -> None:
    """Titles are text of a stranger: control characters become question marks, XML is escaped."""
    with datagrams() as server:
        told = trail(server.port)
        told.refused(Machine(name, "127.0.0.1"), "because")
        told.close()
        wait_for(lambda: len(server.messages) == 1, "the message")
    (who,) = server.messages[0].findall("ActiveParticipant")
    assert who.attrib["UserID"].isprintable()


def test_who_signs_in_is_told_and_kept_first() -> None:
    """The node's own trail has every entry; the DICOM one those of signing in and out."""
    kept: list[AuditEntry] = []

    class Own:
        def audit(self, entry: AuditEntry) -> None:
            kept.append(entry)

        def audited(self, question: AuditQuestion) -> Sequence[AuditEntry]:
            del question
            return kept

    with datagrams() as server:
        told = trail(server.port)
        both = with_sign_ins(Own(), told)
        visitor, now = Visitor(name="ada", address="10.0.0.9"), datetime.now(UTC)
        for what, result, why in (
            ("sign_in", AuditResult.DONE, ""),
            ("retry", AuditResult.DONE, ""),
            ("sign_in", AuditResult.REFUSED, "wrong name or password"),
            ("sign_out", AuditResult.DONE, ""),
        ):
            both.audit(AuditEntry.of(visitor, now, what, "", result, why))
        told.close()
        wait_for(lambda: len(server.messages) == 3, "three messages")
    assert len(kept) == 4
    assert server.events() == [
        "User Authentication: Login",
        "User Authentication: Login",
        "User Authentication: Logout",
    ]
    outcomes = [m.find("EventIdentification") for m in server.messages]
    assert [e.attrib["EventOutcomeIndicator"] for e in outcomes if e is not None] == ["0", "4", "0"]
    (person,) = server.messages[0].findall("ActiveParticipant")
    assert (person.attrib["UserID"], person.attrib["NetworkAccessPointID"]) == ("ada", "10.0.0.9")
