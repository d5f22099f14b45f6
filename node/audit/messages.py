"""Audit messages of PS3.15 A.5 as XML: events, who took part, and which study it was about."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Self
from xml.etree import ElementTree as Xml

from node.ports import StudyInstances

# Codes of PS3.16 CID 400 to 403, all of the scheme DCM.
_WORDS = {
    "110100": "Application Activity",
    "110102": "Begin Transferring DICOM Instances",
    "110104": "DICOM Instances Transferred",
    "110108": "Network Entry",
    "110113": "Security Alert",
    "110114": "User Authentication",
    "110120": "Application Start",
    "110121": "Application Stop",
    "110122": "Login",
    "110123": "Logout",
    "110124": "Attach",
    "110125": "Detach",
    "110126": "Node Authentication",
    "110150": "Application",
    "110152": "Destination Role ID",
    "110153": "Source Role ID",
    "110180": "Study Instance UID",
    "110182": "Node ID",
}
DESTINATION, SOURCE = "110152", "110153"
_IP_ADDRESS, _MACHINE_NAME = "2", "1"
_SUCCESS, _MINOR = "0", "4"
_EXECUTE, _CREATE = "E", "C"


@dataclass(frozen=True)
class Participant:
    """Who took part in an event.

    Parameters
    ----------
    user_id
        Its name: AE title, process or person.
    role
        Code of CID 402; empty without one.
    address
        Where it is on the network; empty where unknown.
    requestor
        Whether it began the event.
    """

    user_id: str
    role: str = ""
    address: str = ""
    requestor: bool = False


@dataclass(frozen=True)
class AuditMessage:
    """One event of the audit trail.

    Parameters
    ----------
    event, event_type
        Codes of CID 400 and 401; no type: empty.
    action
        C (create) or E (execute).
    outcome
        0 success, 4 minor failure.
    participants
        Who took part.
    studies
        What it was about.
    found
        What went wrong, in words; never a patient's data.
    alerted
        What an alert is about: a machine's name or address.
    """

    event: str
    action: str = _EXECUTE
    outcome: str = _SUCCESS
    event_type: str = ""
    participants: tuple[Participant, ...] = ()
    studies: tuple[StudyInstances, ...] = ()
    found: str = ""
    alerted: str = ""

    @classmethod
    def application(cls, process: str, *, started: bool) -> Self:
        """A part of the node began or ended its work (A.5.3.1)."""
        kind = "110120" if started else "110121"
        return cls("110100", event_type=kind, participants=(Participant(process, "110150"),))

    @classmethod
    def refused(cls, peer: Participant, found: str) -> Self:
        """Somebody was not let in (A.5.3.11, Node Authentication)."""
        return cls("110113", _EXECUTE, _MINOR, "110126", (peer,), found=found, alerted=peer.address)

    @classmethod
    def entered(cls, own: Participant, *, left: bool = False) -> Self:
        """The node entered the network, or left it (A.5.3.9)."""
        return cls("110108", event_type="110125" if left else "110124", participants=(own,))

    @classmethod
    def begins(cls, source: Participant, destination: Participant, study: StudyInstances) -> Self:
        """Instances are about to be sent (A.5.3.3)."""
        return cls("110102", participants=(source, destination), studies=(study,))

    @classmethod
    def transferred(
        cls,
        source: Participant,
        destination: Participant,
        study: StudyInstances,
        *,
        failed: str = "",
    ) -> Self:
        """Instances were received or sent (A.5.3.7); ``failed`` says what became of the rest."""
        outcome = _MINOR if failed else _SUCCESS
        who = (source, destination)
        return cls("110104", _CREATE, outcome, participants=who, studies=(study,), found=failed)

    @classmethod
    def signed(cls, person: Participant, *, out: bool = False, failed: str = "") -> Self:
        """A person signed in or out, or was refused (A.5.3.12)."""
        kind, outcome = "110123" if out else "110122", _MINOR if failed else _SUCCESS
        return cls("110114", _EXECUTE, outcome, kind, (person,), found=failed)

    def xml(self, at: datetime, source_id: str, site_id: str = "") -> bytes:
        """The message as PS3.15 A.5.1 has it, in UTF-8.

        Parameters
        ----------
        at
            When it happened.
        source_id, site_id
            What the node is called in the trail, and its site; empty: not told.
        """
        message = Xml.Element("AuditMessage")
        event = Xml.SubElement(
            message,
            "EventIdentification",
            EventActionCode=self.action,
            EventDateTime=at.isoformat(timespec="milliseconds"),
            EventOutcomeIndicator=self.outcome,
        )
        _code(event, "EventID", self.event)
        if self.event_type:
            _code(event, "EventTypeCode", self.event_type)
        if self.found:
            Xml.SubElement(event, "EventOutcomeDescription").text = _printable(self.found)
        for each in self.participants:
            _participant(message, each)
        source = Xml.SubElement(message, "AuditSourceIdentification", AuditSourceID=source_id)
        if site_id:
            source.set("AuditEnterpriseSiteID", site_id)
        Xml.SubElement(source, "AuditSourceTypeCode", {"csd-code": "4"})  # application server
        for study in self.studies:
            _study(message, study)
            _patient(message)
        if self.alerted:
            _alerted(message, self.alerted, self.found)
        text: bytes = Xml.tostring(message, encoding="utf-8", xml_declaration=True)
        return text


def _code(parent: Xml.Element, name: str, code: str) -> None:
    words = {"codeSystemName": "DCM", "originalText": _WORDS[code]}
    Xml.SubElement(parent, name, {"csd-code": code, **words})


def _participant(message: Xml.Element, who: Participant) -> None:
    element = Xml.SubElement(
        message,
        "ActiveParticipant",
        UserID=_printable(who.user_id),
        UserIsRequestor=str(who.requestor).lower(),
    )
    if who.address:
        element.set("NetworkAccessPointID", who.address)
        element.set("NetworkAccessPointTypeCode", _access_point(who.address))
    if who.role:
        _code(element, "RoleIDCode", who.role)


def _study(message: Xml.Element, study: StudyInstances) -> None:
    element = _object(message, study.study_instance_uid, kind="2", role="3")
    _code(element, "ParticipantObjectIDTypeCode", "110180")
    description = Xml.SubElement(element, "ParticipantObjectDescription")
    for sop_class, number in study.of_class.items():
        Xml.SubElement(description, "SOPClass", UID=sop_class, NumberOfInstances=str(number))


def _patient(message: Xml.Element) -> None:
    """The object of kind person and role patient that A.5 requires; who it is, is not told."""
    element = _object(message, "withheld", kind="1", role="1")
    words = {"codeSystemName": "RFC-3881", "originalText": "Patient Number"}
    Xml.SubElement(element, "ParticipantObjectIDTypeCode", {"csd-code": "2", **words})


def _alerted(message: Xml.Element, name: str, found: str) -> None:
    element = _object(message, name, kind="2", role="13")
    _code(element, "ParticipantObjectIDTypeCode", "110182")
    Xml.SubElement(element, "ParticipantObjectName").text = name
    detail = {"type": "Alert Description", "value": _base64(found)}
    Xml.SubElement(element, "ParticipantObjectDetail", detail)


def _access_point(address: str) -> str:
    try:
        ip_address(address)
    except ValueError:
        return _MACHINE_NAME
    return _IP_ADDRESS


def _printable(text: str) -> str:
    """Text that XML can hold: what a peer calls itself may be anything."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")


def _object(message: Xml.Element, uid: str, *, kind: str, role: str) -> Xml.Element:
    return Xml.SubElement(
        message,
        "ParticipantObjectIdentification",
        ParticipantObjectID=uid,
        ParticipantObjectTypeCode=kind,
        ParticipantObjectTypeCodeRole=role,
    )
