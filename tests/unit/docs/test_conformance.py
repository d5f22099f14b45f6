"""docs/conformance.md says of DICOM what the code does."""

import re
from dataclasses import replace
from fnmatch import fnmatch

import pytest
from pydicom.sr.coding import Code

from docs.sop_classes import renewed
from node import commitment
from node.derived import (
    ALL_KINDS,
    codes,
    context,
    identity,
    refusal_page,
    rejection_notes,
)
from node.errors import (
    InstanceUnreadableError,
    RegistryUnavailableError,
    SeriesExpiringError,
    SpoolFullError,
)
from node.perfusion import Quantity, lesion
from node.refusals import Refusal, RefusalCode
from node.scp import Status, part10
from node.scp.admission import NO_ROOM, PAUSED, TOO_MANY, TOO_MANY_OF_ONE, Admission
from node.scp.contexts import TRANSFER_SYNTAXES
from node.scp.listener import _ACSE_TIMEOUT_S, _MAX_PDU_BYTES
from node.scp.statuses import answer_for
from node.scp.store import _ANALYSED
from node.scp.upper_layer import _LONGEST_CONTROL_PDU
from node.scu import association, is_permanent, is_stored
from node.settings import Peer, ScpSettings, Settings
from node.stow import exchange, judgement, parts, search
from node.stow.statuses import of_failure
from tests.support.ctp import CtpSpec
from tests.support.documents import ROOT, table
from tests.unit.derived.case import OPTIONS, case, source
from tests.unit.derived.test_rejection_note import RERUN

STATEMENT = ROOT / "docs" / "conformance.md"
TEXT = STATEMENT.read_text()
SPEC = CtpSpec(slices=1, frames=2, rows=16, pixel_mm=12.0)


def test_the_transfer_syntaxes_stand_in_the_order_of_preference() -> None:
    """The acceptor takes the first of the table that is offered."""
    rows = table(STATEMENT, "Presentation contexts")
    stated = [(r["preference"], r["transfer syntax"], r["UID"]) for r in rows]
    assert stated == [(str(i), s.name, s) for i, s in enumerate(TRANSFER_SYNTAXES, 1)]


def test_what_is_sent_is_what_encoding_makes() -> None:
    """Kind, number, description, modality and SOP class of every result series, in order."""
    refusal = Refusal(RefusalCode.TOO_SHORT, "it covers 18 s", "Send more.")
    page = refusal_page(source(SPEC), refusal, OPTIONS)
    whole = replace(case(SPEC), options=replace(OPTIONS, kinds=ALL_KINDS))
    made = [
        (o.kind, o.dataset) for o in (*whole.encoded(), page, *rejection_notes(source(SPEC), RERUN))
    ]
    expected = [
        (kind, str(d.SeriesNumber), d.SeriesDescription, d.Modality, d.SOPClassUID.name)
        for kind, d in made
    ]
    names = ("kind", "number", "SeriesDescription", "Modality", "SOP class")
    stated = table(STATEMENT, "1.2 What is sent")
    assert [tuple(row[n] for n in names) for row in stated] == expected
    assert [row["UID"] for row in stated] == [d.SOPClassUID for _, d in made]


def test_the_classes_that_are_analysed_or_refused_are_named() -> None:
    """Every class that is not merely kept stands in the table with its UID."""
    named = {r["UID"] for r in table(STATEMENT, "1.1 What is done with what comes in")}
    assert named - {""} == _ANALYSED


def test_the_storage_classes_are_those_that_are_written_anew() -> None:
    """The annex is what ``python -m docs.sop_classes`` makes of the code."""
    assert renewed(TEXT) == TEXT
    assert renewed(TEXT.replace("| MR Image Storage |", "| MRI |")) == TEXT


def test_every_status_is_stated_with_its_comment() -> None:
    """A sender's log shows status and Error Comment: both are looked up here."""
    stated = {(r["status"], r["Error Comment"]) for r in table(STATEMENT, "C-STORE statuses")}
    assert {status for status, _ in stated} == {f"{status:04X}" for status in Status}
    faults = (SpoolFullError, RegistryUnavailableError, InstanceUnreadableError)
    for fault in (*faults, SeriesExpiringError):
        answer = answer_for(fault("it broke"))
        assert (f"{answer.status:04X}", answer.comment) in stated


def test_every_status_that_a_peer_may_answer_leads_where_the_table_says() -> None:
    """All 65536 of them."""
    rows = table(STATEMENT, "What a C-STORE response leads to")
    *listed, _ = [(re.split(r", ", r["status"]), r["the object is"]) for r in rows]

    def stated(status: int) -> str:
        name = f"{status:04X}"
        for patterns, becomes in listed:
            if any(fnmatch(name, pattern.replace("x", "?")) for pattern in patterns):
                return becomes.partition(",")[0]
        return "waiting"

    def done(status: int) -> str:
        return "stored" if is_stored(status) else "failed" if is_permanent(status) else "waiting"

    assert [s for s in range(0x10000) if stated(s) != done(s)] == []


def test_every_failure_reason_of_a_web_server_leads_where_the_table_says() -> None:
    """All 65536 of them."""
    rows = table(STATEMENT, "What an answer leads to")
    *listed, _ = [
        (re.split(r", ", r["Failure Reason (0008,1197)"]), r["the object is"]) for r in rows
    ]

    def stated(reason: int) -> str:
        name = f"{reason:04X}"
        for patterns, becomes in listed:
            if any(fnmatch(name, pattern.replace("x", "?")) for pattern in patterns):
                return re.split("[,:]", becomes)[0]
        return "waiting"

    words = {"STORED": "stored", "WARNING": "stored", "PENDING": "waiting"}
    done = {r: str(of_failure(r)[0]) for r in range(0x10000)}
    assert [r for r, s in done.items() if stated(r) != words.get(s, s.lower())] == []


def test_every_http_status_leads_where_the_table_says() -> None:
    """What is not in it concerns the service, and fails no object."""
    rows = table(STATEMENT, "What an answer leads to", number=1)
    stated = {
        int(status): row["the object is"].partition(",")[0]
        for row in rows[:-1]
        for status in row["HTTP status, where no object is named"].split(", ")
    }
    words = {"PENDING": "waiting"}
    done = {h: words.get(str(s), str(s).lower()) for h, (s, _) in judgement._OF_CONTENT.items()}
    assert stated == done


def test_the_limits_of_requests_are_the_codes() -> None:
    """Bytes, objects and seconds that no setting changes."""
    assert f"| {parts.MAX_REQUEST_BYTES} bytes and {parts.MAX_REQUEST_OBJECTS} objects" in TEXT
    waits = (exchange._CONNECT_S, exchange._SEND_S, exchange._ANSWER_S)
    assert "| " + ", ".join(f"{s:g} s" for s in waits) + " |" in TEXT
    assert f"| {exchange.MAX_ANSWER_BYTES} bytes |" in TEXT
    assert f"StudyInstanceUID={search._NO_STUDY}&limit=1" in TEXT


@pytest.mark.parametrize("number", [0, 1], ids=["SCP", "SCU"])
def test_the_defaults_of_the_policies_are_the_settings(number: int) -> None:
    """Where a policy names a setting, its value is that setting's default."""
    sections = TEXT.split("#### Association policies\n")[1:]
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| `([a-z_.]+)` \|$", sections[number], re.MULTILINE)
    assert rows
    for value, key in rows:
        setting: object = Settings(_env_file=None)
        for part in key.split("."):
            setting = getattr(setting, part)
        bare = f"{setting:g}" if isinstance(setting, float) else str(setting)
        assert value == "–" or value.split()[0] == bare, key


def test_the_fixed_limits_are_the_codes() -> None:
    """Time-outs and PDU lengths that no setting changes."""
    assert _MAX_PDU_BYTES == association._MAX_PDU_BYTES
    assert f"| longest A-ASSOCIATE-RQ | {_LONGEST_CONTROL_PDU >> 10} KiB |" in TEXT
    assert TEXT.count(f"| maximum PDU received | {_MAX_PDU_BYTES} bytes |") == 2
    assert f"| longest wait for A-ASSOCIATE-RQ | {_ACSE_TIMEOUT_S:g} s," in TEXT
    assert f"| longest wait for a connection | {association._CONNECT_S:g} s |" in TEXT
    assert f"| longest wait for A-ASSOCIATE-AC | {association._ACSE_S:g} s |" in TEXT
    assert f"| longest wait for a response | {association._DIMSE_S:g} s |" in TEXT


def test_the_pauses_between_tries_are_the_settings() -> None:
    """First pause, longest pause and patience stand beside the keys that change them."""
    jobs = Settings(_env_file=None).jobs
    for value, unit, key in (
        (jobs.retry_first_s, "s", "retry_first_s"),
        (jobs.retry_longest_s, "s", "retry_longest_s"),
        (jobs.delivery_hours, "h", "delivery_hours"),
    ):
        assert f"{value:g} {unit} (`jobs.{key}`)" in TEXT


def test_the_waits_for_a_commitment_are_the_settings() -> None:
    """Hold, reply, patience and resends stand beside the keys that change them."""
    known = Settings(_env_file=None).commitment
    units = {"hours": "h", "max_resends": "times"}
    for key in type(known).model_fields:
        assert f"{getattr(known, key):g} {units.get(key, 's')} (`commitment.{key}`)" in TEXT, key


def test_what_a_commitment_meets_leads_where_the_tables_say() -> None:
    """Every status of a request, every status of a report, and the reasons that are final."""
    requests = table(STATEMENT, "Storage commitment", number=1)
    permanent = {
        int(code, 16) for code in re.findall(r"[0-9A-F]{4}", requests[1]["N-ACTION status"])
    }
    assert {status for status in range(0x10000) if commitment.is_permanent(status)} == permanent
    reports = {int(r["status"], 16) for r in table(STATEMENT, "N-EVENT-REPORT statuses")}
    assert reports == set(commitment.ReportStatus)
    reasons = [r["Failure Reason"] for r in table(STATEMENT, "Storage commitment", number=2)]
    assert {int(code, 16) for code in reasons[1].split(", ")} == commitment.FINAL_REASONS
    assert reasons[0] == f"{commitment.NO_SUCH_INSTANCE:04X}"


def test_rejections_carry_the_codes_of_the_table() -> None:
    """Result, source and reason, each with its number."""
    admission = Admission(ScpSettings(allowed_peers=(Peer(ae_title="PACS"),)))
    stated = [
        tuple(int(r[name].split()[0]) for name in ("result", "source", "reason"))
        for r in table(STATEMENT, "Association policies", number=1)
    ]
    called = admission.verdict("OTHER", "PACS", "127.0.0.1")
    calling = admission.verdict("PERFUSION", "OTHER", "127.0.0.1")
    refused = [(v.result, v.source, v.diagnostic) for v in (called, calling)]
    for_now = (TOO_MANY, TOO_MANY_OF_ONE, NO_ROOM, PAUSED)
    later = [(v.result, v.source, v.diagnostic) for v in for_now]
    assert stated == [*refused, *later]


def test_one_implementation_has_one_identity() -> None:
    """Listener, sender and results name the same implementation, the statement's."""
    uid, version = part10.IMPLEMENTATION_CLASS_UID, part10.IMPLEMENTATION_VERSION_NAME
    assert uid == association._IMPLEMENTATION_CLASS_UID
    assert uid == context.IMPLEMENTATION_CLASS_UID
    assert f"| Implementation Class UID | {uid} |" in TEXT
    assert f"| Implementation Version Name | {version} |" in TEXT
    assert case(SPEC).encoded()[0].dataset.file_meta.ImplementationVersionName == version


def test_every_attribute_that_is_copied_is_named() -> None:
    """A site checks here what of its patients and studies reaches the archive."""
    copied = {*identity.PATIENT, *identity.STUDY, *identity.REQUEST, *identity.COMMON}
    stated = table(STATEMENT, "6.1 What every result object holds")
    named = {word for row in stated for word in re.findall(r"[A-Z]\w+", row["attributes"])}
    assert copied - named == set()


def test_every_code_is_stated() -> None:
    """Value, scheme and meaning of each coded term, and no other."""
    used = [c for c in vars(codes).values() if isinstance(c, Code)]
    used += [c for q in Quantity for c in (codes.quantity(q), codes.unit(q))]
    used += [codes.tmax_above(limit) for limit in lesion.TMAX_LIMITS_S]
    used += [codes.cbf_below(limit) for limit in lesion.RCBF_LIMITS]
    stated = table(STATEMENT, "6.3 Coded terms")
    expected = {(c.value, c.scheme_designator, c.meaning) for c in used}
    assert {(r["code"], r["scheme"], r["meaning"]) for r in stated} == expected
