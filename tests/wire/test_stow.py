"""What a DICOMweb server answers, and what becomes of each object by it."""

import ssl
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset

from node.errors import PeerUnreachableError
from node.ports import DeliveryState, StoreOutcome
from node.settings import WebDestination
from node.stow import WebPacs, exchange, parts
from tests.support.ctp import CtpSpec, build_series, write_series
from tests.support.dicomweb import Asked, FakeDicomWeb, Reply, all_stored, dicomweb, report, uids_of
from tests.support.peers import require
from tests.support.running_node import free_port

SMALL = CtpSpec(slices=2, frames=3)
STORED, WARNING, SKIPPED, FAILED, PENDING = (
    DeliveryState.STORED,
    DeliveryState.WARNING,
    DeliveryState.SKIPPED,
    DeliveryState.FAILED,
    DeliveryState.PENDING,
)


@pytest.fixture
def datasets() -> list[Dataset]:
    return build_series(SMALL)


@pytest.fixture
def files(datasets: list[Dataset], tmp_path: Path) -> list[Path]:
    return write_series(datasets, tmp_path / "sent")


def stored(fake: FakeDicomWeb, files: list[Path], **values: Any) -> list[StoreOutcome]:
    outcomes: list[StoreOutcome] = []
    WebPacs(fake.destination(**values)).store(files, outcomes.append)
    return outcomes


def fault(fake: FakeDicomWeb, files: list[Path], **values: Any) -> PeerUnreachableError:
    """Why nothing at all came of it."""
    outcomes: list[StoreOutcome] = []
    with pytest.raises(PeerUnreachableError) as caught:
        WebPacs(fake.destination(**values)).store(files, outcomes.append)
    assert outcomes == []
    assert caught.value.retry
    return caught.value


def always(reply: Reply) -> Callable[[Asked], Reply]:
    return lambda _: reply


def test_every_object_arrives_as_it_is(datasets: list[Dataset], files: list[Path]) -> None:
    """In one request for all, in their order, to /studies below the address."""
    with dicomweb() as fake:
        outcomes = stored(fake, files)
    assert outcomes == [StoreOutcome(uid, 0, state=STORED) for uid in uids_of(datasets)]
    (request,) = fake.asked
    assert request.path == "/dicom-web/studies"
    assert list(request.objects) == datasets


def test_a_request_is_bounded_in_bytes(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where objects do not fit into one, several requests follow each other on a connection."""
    size = files[0].stat().st_size
    monkeypatch.setattr(parts, "MAX_REQUEST_BYTES", 2 * size + size // 2)
    with dicomweb() as fake:
        outcomes = stored(fake, files)
    assert [len(asked.objects) for asked in fake.asked] == [2, 2, 2]
    assert [o.state for o in outcomes] == [STORED] * 6


REASONS = [
    (0x0110, PENDING, "could not process"),
    (0xA700, PENDING, "out of resources"),
    (0xA7FF, PENDING, "out of resources"),
    (0xA900, FAILED, "does not match its SOP class"),
    (0xC000, FAILED, "cannot understand"),
    (0xC122, SKIPPED, "transfer syntax"),
    (0x0122, SKIPPED, "SOP class"),
    (0x0124, FAILED, "authorise"),
    (0xB00E, WARNING, "already"),
    (0xB00F, PENDING, "failed the object"),
    (0x1234, PENDING, "failed the object"),
    (None, PENDING, "does not say why"),
]


@pytest.mark.parametrize("status", [200, 202, 409, 400])
@pytest.mark.parametrize(("reason", "state", "words"), REASONS)
def test_every_failure_reason_leads_somewhere(
    files: list[Path], status: int, reason: int | None, state: DeliveryState, words: str
) -> None:
    """One object fails, whatever the HTTP status: it alone, with the reason in words."""

    def answer(asked: Asked) -> Reply:
        first, *others = asked.uids
        return report(dict.fromkeys(others), {first: reason}, status)

    with dicomweb(answer) as fake:
        outcomes = stored(fake, files)
    assert (outcomes[0].status, outcomes[0].state) == (reason, state)
    assert words in outcomes[0].message
    assert [o.state for o in outcomes[1:]] == [STORED] * 5
    assert len(fake.asked) == 1


@pytest.mark.parametrize("reason", [0xB000, 0xB006, 0xB007, 0xB999])
def test_a_warning_is_stored_and_told(files: list[Path], reason: int) -> None:
    """The server has the object, and what it did with it is shown."""
    with dicomweb(lambda asked: report(dict.fromkeys(asked.uids, reason), {}, 202)) as fake:
        outcomes = stored(fake, files)
    assert {(o.status, o.state) for o in outcomes} == {(reason, WARNING)}
    assert all("stored" in o.message for o in outcomes)


def test_what_a_report_does_not_name_is_not_taken_for_stored(
    datasets: list[Dataset], files: list[Path]
) -> None:
    """It is sent again; a server that answers 200 and names nothing has stored all."""
    first = uids_of(datasets)[0]
    with dicomweb(lambda _: report({first: None}, {}, 202)) as fake:
        assert [o.state for o in stored(fake, files)] == [STORED] + [PENDING] * 5
    with dicomweb(always(Reply(202))) as fake:
        assert {o.state for o in stored(fake, files)} == {PENDING}
    with dicomweb(always(Reply(200))) as fake:
        assert {o.state for o in stored(fake, files)} == {STORED}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (400, FAILED),
        (409, FAILED),
        (413, FAILED),
        (415, SKIPPED),
        (422, FAILED),
        (500, PENDING),
    ],
)
def test_an_object_at_fault_does_not_take_the_others_along(
    datasets: list[Dataset], files: list[Path], status: int, state: DeliveryState
) -> None:
    """An answer without a report may be one object's fault: each is sent by itself to see."""
    bad = uids_of(datasets)[2]

    def answer(asked: Asked) -> Reply:
        return Reply(status, b"<p>No</p>", "text/html") if bad in asked.uids else all_stored(asked)

    with dicomweb(answer) as fake:
        outcomes = stored(fake, files)
    assert [o.sop_instance_uid for o in outcomes] == uids_of(datasets)
    assert [o.state for o in outcomes] == [STORED, STORED, state, STORED, STORED, STORED]
    assert f"HTTP {status}" in outcomes[2].message
    assert len(fake.asked) == 7


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (301, "redirects to"),
        (401, "Check token, or user and password"),
        (403, "right to store"),
        (404, "Check url"),
        (405, "Check url"),
        (406, "dicom+json"),
        (408, "tries again by itself"),
        (418, "tries again by itself"),
        (429, "tries again by itself"),
        (501, "Check url"),
        (502, "tries again by itself"),
        (503, "tries again by itself"),
        (504, "tries again by itself"),
        (507, "tries again by itself"),
        (599, "tries again by itself"),
    ],
)
def test_a_service_that_does_not_work_fails_no_object(
    files: list[Path], status: int, remedy: str
) -> None:
    """Everything waits, and what a person can do is said; nothing of the body is repeated."""
    page = Reply(status, b"<p>DOE^JANE</p>", "text/html", {"Location": "https://elsewhere/"})
    with dicomweb(always(page)) as fake:
        found = fault(fake, files)
    assert f"HTTP {status}" in str(found)
    assert remedy in found.remedy
    assert "DOE" not in f"{found} {found.remedy}"
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("17", 17, 17),
        (format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True), 80_000, 86_400),
        (format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True), 0, 0),
        ("soon", 0, 0),
        ("", 0, 0),
        ("-5", 0, 0),
    ],
    # Every process that collects the tests must call them the same.
    ids=["seconds", "tomorrow", "yesterday", "words", "nothing", "before now"],
)
@pytest.mark.parametrize("status", [429, 503])
def test_how_long_a_busy_server_wants_to_be_left_alone_is_known(
    files: list[Path], status: int, value: str, least: float, most: float
) -> None:
    """Retry-After in seconds or as a date; what is neither asks for nothing."""
    with dicomweb(always(Reply(status, headers={"Retry-After": value}))) as fake:
        assert least <= fault(fake, files).retry_after_s <= most


def test_nobody_there_is_a_fault_that_may_pass(files: list[Path]) -> None:
    """A closed port."""
    found = fault(FakeDicomWeb(port=free_port()), files)
    assert "cannot be connected to" in str(found)
    assert "firewall" in found.remedy


def test_a_server_that_hangs_up_is_a_fault_that_may_pass(files: list[Path]) -> None:
    """It took the request and ended the connection: whether it stored, nobody knows."""
    with dicomweb(always(Reply(0))) as fake:
        assert "ended the connection" in str(fault(fake, files))


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the longest wait for an answer, the objects wait for another try."""
    monkeypatch.setattr(exchange, "_ANSWER_S", 0.3)

    def slowly(asked: Asked) -> Reply:
        time.sleep(2)
        return all_stored(asked)

    with dicomweb(slowly) as fake:
        assert "did not answer within 0.3 s" in str(fault(fake, files))


def test_an_endless_answer_is_not_read_to_its_end(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a server may put into the node's memory is bounded."""
    monkeypatch.setattr(exchange, "MAX_ANSWER_BYTES", 1000)
    with dicomweb(always(Reply(200, bytes(5000)))) as fake:
        assert "more than 1000 bytes" in str(fault(fake, files))


def test_what_was_reported_before_a_server_went_away_stands(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest alone may be tried again."""
    monkeypatch.setattr(parts, "MAX_REQUEST_OBJECTS", 2)
    outcomes: list[StoreOutcome] = []
    numbers = count()

    def answer(asked: Asked) -> Reply:
        return all_stored(asked) if next(numbers) < 2 else Reply(0)

    with dicomweb(answer) as fake, pytest.raises(PeerUnreachableError):
        WebPacs(fake.destination()).store(files, outcomes.append)
    assert [o.state for o in outcomes] == [STORED] * 4


def test_what_is_no_dicom_file_does_not_stop_the_rest(files: list[Path], tmp_path: Path) -> None:
    """A stray file is named, and a file that vanished while it was sent too."""
    stray = tmp_path / "thumbs.db"
    stray.write_bytes(b"no DICOM")
    with dicomweb() as fake:
        outcomes = stored(fake, [stray, *files])
    assert outcomes[0] == StoreOutcome(
        "thumbs.db", None, "not sent: no readable DICOM file", readable=False
    )
    assert [o.state for o in outcomes[1:]] == [STORED] * 6


def test_a_file_that_cannot_be_read_to_its_end_does_not_stop_the_rest(
    datasets: list[Dataset], files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is gone between two looks: the request is given up and made again without it."""
    read = parts.read_part

    def vanishing(path: Path) -> parts.Part | None:
        found = read(path)
        if path == files[1]:
            path.unlink()
        return found

    monkeypatch.setattr("node.stow.pacs.read_part", vanishing)
    with dicomweb() as fake:
        outcomes = stored(fake, files)
    assert [o.readable for o in outcomes] == [False] + [True] * 5
    assert outcomes[0].sop_instance_uid == uids_of(datasets)[1]
    assert sum(fake.received.values()) == 5


def test_credentials_go_along_and_are_read_anew(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that was renewed meanwhile counts at once; a password may be in the environment."""
    token = tmp_path / "token"
    token.write_text("abc.def\n")
    monkeypatch.setenv("PACS_PASSWORD", "se:cret")
    with dicomweb() as fake:
        stored(fake, files[:1], token={"file": token})
        token.write_text("renewed")
        stored(fake, files[:1], token={"file": token})
        stored(fake, files[:1], user="node", password={"env": "PACS_PASSWORD"})
        stored(fake, files[:1])
    sent = [asked.headers.get("Authorization") for asked in fake.asked]
    assert sent == ["Bearer abc.def", "Bearer renewed", "Basic bm9kZTpzZTpjcmV0", None]


@pytest.mark.parametrize(
    "values",
    [
        {"token": {"file": "absent"}},
        {"token": {"env": "PERFUSION_TEST_NOT_SET"}},
        {"token": {"file": "several words"}},
        {"user": "x", "password": {"file": "a line\nand another"}},
    ],
)
def test_credentials_that_cannot_be_used_are_named_and_not_shown(
    files: list[Path], tmp_path: Path, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is named; the node waits until somebody mends it, and sends nothing meanwhile."""
    monkeypatch.chdir(tmp_path)
    for name in ("several words", "a line\nand another"):
        (tmp_path / name).write_text(f"sesame {name}")
    with dicomweb() as fake:
        found = fault(fake, files, **values)
    assert f"the {next(k for k in values if k != 'user')} of destination web" in str(found)
    assert "sesame" not in f"{found!r} {found.remedy}"
    assert fake.asked == []


def test_no_proxy_and_no_credentials_of_the_environment_are_used(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node speaks to what is configured and nobody else."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with dicomweb() as fake:
        assert {o.state for o in stored(fake, files)} == {STORED}
    assert "Authorization" not in fake.asked[0].headers


def test_an_echo_is_a_search_that_finds_nothing() -> None:
    """No patient's data is asked for; a server without results answers 200 or 204."""
    for reply in (Reply(200, b"[]"), Reply(204)):
        with dicomweb(always(reply)) as fake:
            assert WebPacs(fake.destination()).echo() > 0
        (asked,) = fake.asked
        assert asked.path.startswith("/dicom-web/studies?StudyInstanceUID=2.25.")
        assert asked.path.endswith("&limit=1")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(401),
        Reply(404),
        Reply(503),
        Reply(0),
        Reply(200, b"<html>Sign in</html>", "text/html"),
        Reply(200, b'{"error": 1}'),
    ],
    ids=lambda reply: f"{reply.status} {reply.body!r}",
)
def test_what_does_not_answer_as_a_dicomweb_server_is_told(reply: Reply) -> None:
    """A sign-in page with status 200 is no archive."""
    with dicomweb(always(reply)) as fake, pytest.raises(PeerUnreachableError) as caught:
        WebPacs(fake.destination()).echo()
    assert caught.value.remedy


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    openssl = require("openssl", package="openssl")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", f"{tmp_path}/key.pem", "-out", f"{tmp_path}/cert.pem"]
    subprocess.run(command, check=True, capture_output=True)
    return tmp_path


def serving(folder: Path, *, asks_for_certificates: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    if asks_for_certificates:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "cert.pem")
    return context


def test_a_server_is_believed_where_its_authority_is_configured(
    files: list[Path], certificates: Path
) -> None:
    """With tls.ca the objects go over TLS; without, nothing is sent and the remedy names it."""
    with dicomweb(tls=serving(certificates)) as fake:
        trusting = stored(fake, files, tls={"ca": certificates / "cert.pem"})
        found = fault(fake, files)
    assert {o.state for o in trusting} == {STORED}
    assert "CERTIFICATE_VERIFY_FAILED" in str(found)
    assert "tls.ca" in found.remedy
    assert len(fake.asked) == 1


def test_a_server_may_ask_who_sends(files: list[Path], certificates: Path) -> None:
    """With tls.cert and tls.key the node says; without, the fault's remedy names them."""
    ca, cert, key = (certificates / f"{n}.pem" for n in ("cert", "cert", "key"))
    with dicomweb(tls=serving(certificates, asks_for_certificates=True)) as fake:
        known = stored(fake, files, tls={"ca": ca, "cert": cert, "key": key})
        found = fault(fake, files, tls={"ca": ca})
    assert {o.state for o in known} == {STORED}
    assert found.remedy


@pytest.mark.parametrize("tls", [{"ca": "absent.pem"}, {"cert": "not.pem"}])
def test_certificates_that_cannot_be_used_are_named(
    files: list[Path], tmp_path: Path, tls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is named, nothing is sent."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "not.pem").write_text("no certificate")
    destination = WebDestination(name="web", url=f"https://127.0.0.1:{free_port()}", tls=tls)
    with pytest.raises(PeerUnreachableError, match=next(iter(tls.values()))) as caught:
        WebPacs(destination).store(files, print)
    assert "tls" in caught.value.remedy
