"""TLS on the wire, DCMTK at the other end: who may not come in is refused, told and counted."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from node.errors import PeerUnreachableError, SettingsError
from node.scu import DicomPacs
from node.settings import Destination, Peer, PeerTls, ScpTls
from tests.support.authority import Authority, Identity
from tests.support.ctp import CtpSpec, build_series, write_series
from tests.support.listening import Listening, listening, push, storescu
from tests.support.namespace import in_a_network_of_its_own
from tests.support.peers import require
from tests.support.running_node import free_port, wait_for

SMALL = CtpSpec(slices=2, frames=3)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def scanner(authority: Authority) -> Identity:
    return authority.identity("scanner")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return write_series(build_series(SMALL), tmp_path / "sent")


def own_tls(authority: Authority, **changes: object) -> ScpTls:
    own = authority.identity("node")
    values = {"cert": own.cert, "key": own.key, "ca": authority.ca, **changes}
    return ScpTls.model_validate(values)


@contextmanager
def secured(root: Path, tls: ScpTls, **settings: object) -> Iterator[Listening]:
    with listening(root / "spool", tls=tls, **settings) as node:
        yield node


def shown(identity: Identity, authority: Authority) -> list[str]:
    """DCMTK's options of a sender that shows a certificate."""
    return ["+tls", str(identity.key), str(identity.cert), "+cf", str(authority.ca)]


def check_takes_in(node: Listening, files: list[Path], options: list[str]) -> None:
    sent = storescu(node.port, files, *options)
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert len(node.intake.rows) == len(files)


def refused(
    node: Listening, files: list[Path], options: list[str], field: str = "tls_failures"
) -> dict[str, object]:
    """What the log says of a sender that stores nothing, once it is counted."""
    before = getattr(node.listener.counts, field)
    with structlog.testing.capture_logs() as lines:
        assert storescu(node.port, files[:1], *options).returncode != 0
        wait_for(lambda: getattr(node.listener.counts, field) > before, field)
    assert not node.intake.rows
    (line,) = (x for x in lines if x["event"] in ("tls_handshake_failed", "association_rejected"))
    return dict(line)


def test_a_sender_with_a_certificate_stores_over_tls(
    tmp_path: Path, authority: Authority, scanner: Identity, files: list[Path]
) -> None:
    """Mutual authentication with DCMTK's non-downgrading profile: every image comes in."""
    with secured(tmp_path, own_tls(authority)) as node:
        check_takes_in(node, files, [*shown(scanner, authority), "+py"])
        assert node.listener.counts.tls_failures == 0


def test_large_images_come_in_over_tls_as_they_were_sent(
    tmp_path: Path, authority: Authority, scanner: Identity
) -> None:
    """Records of TLS and PDUs of DICOM begin and end at different places; no byte is lost."""
    spec = CtpSpec(slices=2, frames=4, rows=512, pixel_mm=0.4)
    files = write_series(build_series(spec), tmp_path / "sent")
    with secured(tmp_path, own_tls(authority)) as node:
        check_takes_in(node, files, shown(scanner, authority))
        kept = {path.read_bytes()[-2 * 512 * 512 :] for path in node.files()}
    assert kept == {path.read_bytes()[-2 * 512 * 512 :] for path in files}


def test_a_plain_sender_is_refused_by_a_tls_port(
    tmp_path: Path, authority: Authority, files: list[Path]
) -> None:
    """Nothing that comes in the clear is taken, and the reason is told."""
    with secured(tmp_path, own_tls(authority)) as node:
        line = refused(node, files, [])
    assert (line["reason"], line["address"]) == ("it does not speak TLS", "127.0.0.1")


def test_a_sender_without_a_certificate_is_refused_where_one_is_required(
    tmp_path: Path, authority: Authority, files: list[Path]
) -> None:
    """Anonymous TLS hides what is sent, and says nothing of who sends."""
    anonymous = ["+tla", "+cf", str(authority.ca)]
    with secured(tmp_path, own_tls(authority)) as node:
        assert "did not return a certificate" in str(refused(node, files, anonymous)["reason"])
    for asked in ("optional", "none"):
        tls = own_tls(authority, client_certificate=asked)
        with secured(tmp_path / asked, tls) as node:
            check_takes_in(node, files, anonymous)


@pytest.mark.parametrize("asked", ["required", "optional"])
def test_an_expired_or_strange_certificate_is_refused(
    tmp_path: Path, authority: Authority, files: list[Path], asked: str
) -> None:
    """Who shows a certificate shows a valid one, of an authority that is known."""
    old = authority.identity("old", valid=timedelta(days=-2))
    (tmp_path / "strange").mkdir()
    strange = Authority(tmp_path / "strange").identity("stranger")
    with secured(tmp_path, own_tls(authority, client_certificate=asked)) as node:
        expired = refused(node, files, shown(old, authority))
        unknown = refused(node, files, shown(strange, authority))
    assert "certificate has expired" in str(expired["reason"])
    assert "its certificate is not accepted" in str(unknown["reason"])


@pytest.mark.parametrize(
    ("version", "suites"),
    [
        (ssl.TLSVersion.TLSv1, "ALL:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_2, "AES128-SHA:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256"),
        (ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256"),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_nothing_below_the_profile_is_negotiated(
    tmp_path: Path,
    authority: Authority,
    scanner: Identity,
    version: ssl.TLSVersion,
    suites: str,
) -> None:
    """TLS 1.0 and 1.1, suites without authenticated encryption or forward secrecy: refused."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.ca)
    context.load_cert_chain(scanner.cert, scanner.key)
    context.set_ciphers(suites)
    context.minimum_version = context.maximum_version = version
    with secured(tmp_path, own_tls(authority)) as node:
        with (
            socket.create_connection(("127.0.0.1", node.port)) as plain,
            pytest.raises(ssl.SSLError),
        ):
            context.wrap_socket(plain, server_hostname="127.0.0.1")
        wait_for(lambda: node.listener.counts.tls_failures == 1, "the refusal")


def test_silent_and_dripping_peers_hold_nobody_up(
    tmp_path: Path, authority: Authority, scanner: Identity, files: list[Path]
) -> None:
    """Whoever stops within a handshake has his time; others send meanwhile."""
    with secured(tmp_path, own_tls(authority, handshake_s=3.0)) as node:
        address = ("127.0.0.1", node.port)
        silent = [socket.create_connection(address) for _ in range(8)]
        dripping = socket.create_connection(address)
        ended = threading.Event()

        def drip() -> None:
            hello = b"\x16\x03\x01\x40\x00" + b"\x01" * 10_000
            try:
                for byte in hello:
                    dripping.send(bytes([byte]))
                    ended.wait(0.05)
            except OSError:
                ended.set()

        threading.Thread(target=drip, daemon=True).start()
        check_takes_in(node, files, shown(scanner, authority))
        wait_for(lambda: node.listener.counts.tls_failures == 9, "the end of their time")
        wait_for(ended.is_set, "the end of the dripping one")
        for each in silent:
            assert each.recv(1) == b""
            each.close()
        dripping.close()


def test_a_crowd_that_only_connects_takes_no_place(
    tmp_path: Path, authority: Authority, scanner: Identity, files: list[Path]
) -> None:
    """Of connections within their handshake the oldest are let go, long before their time."""
    tls = own_tls(authority, handshake_s=60.0)
    with secured(tmp_path, tls) as node:
        crowd = [socket.create_connection(("127.0.0.1", node.port)) for _ in range(60)]
        wait_for(lambda: node.listener.counts.tls_failures >= 20, "the oldest to be let go")
        check_takes_in(node, files, shown(scanner, authority))
        for each in crowd:
            each.close()


def test_a_wrong_title_and_a_wrong_address_are_refused_over_tls_as_well(
    tmp_path: Path, authority: Authority, scanner: Identity, files: list[Path]
) -> None:
    """A certificate opens the line; who may send is still a matter of title and address."""
    options = [*shown(scanner, authority), "-aet", "SCANNER"]
    for peer in (Peer(ae_title="OTHER"), Peer(ae_title="SCANNER", host="10.0.0.0/8")):
        with secured(tmp_path, own_tls(authority), allowed_peers=(peer,)) as node:
            line = refused(node, files, options, "rejected_associations")
        assert line["reason"] == "calling AE title or address not recognised"
        assert (line["calling_ae_title"], line["address"]) == ("SCANNER", "127.0.0.1")


def test_a_renewed_certificate_counts_without_a_restart(
    tmp_path: Path, authority: Authority, scanner: Identity, files: list[Path]
) -> None:
    """The next connection is shown the new one; files that are broken meanwhile change nothing."""
    tls = own_tls(authority)
    with secured(tmp_path, tls) as node:
        good = tls.cert.read_text()
        tls.cert.write_text("half a file")
        check_takes_in(node, files, shown(scanner, authority))
        (tmp_path / "new").mkdir()
        renewed = Authority(tmp_path / "new")
        own = renewed.identity("node")
        assert tls.key is not None
        tls.key.write_bytes(own.key.read_bytes())
        tls.cert.write_bytes(own.cert.read_bytes())
        assert good != tls.cert.read_text()
        new = ["+tls", str(scanner.key), str(scanner.cert), "+cf", str(renewed.ca)]
        sent = storescu(node.port, files, *new)
        assert sent.returncode == 0, sent.stdout + sent.stderr


def test_certificates_that_cannot_be_used_are_named_at_the_start(
    tmp_path: Path, authority: Authority
) -> None:
    """The listener does not start in the clear instead."""
    other = authority.identity("other")
    with (
        pytest.raises(SettingsError, match=r"scp\.tls\.cert.*other\.key"),
        secured(tmp_path, own_tls(authority, key=other.key)),
    ):
        pass


def at_an_archive(folder: Path, authority: Authority, work: Callable[[int], None]) -> None:
    """Work with the port of DCMTK's storescp over TLS, which asks for certificates."""
    own = authority.identity("archive")
    (folder / "stored").mkdir()
    port = free_port()
    command = [require("storescp", package="dcmtk"), "-od", str(folder / "stored")]
    command += ["+tls", str(own.key), str(own.cert), "+cf", str(authority.ca), "-rc", str(port)]

    def served() -> None:
        with subprocess.Popen(command) as server:
            try:
                wait_for(lambda: is_open(port), "storescp")
                work(port)
            finally:
                server.terminate()

    in_a_network_of_its_own(served)  # storescp listens on every address


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def pacs(port: int, tls: PeerTls | None) -> DicomPacs:
    return DicomPacs(Destination(name="pacs", ae_title="ANY", port=port, tls=tls), "PERFUSION")


def test_results_are_sent_over_tls(
    tmp_path: Path, authority: Authority, scanner: Identity, files: list[Path]
) -> None:
    """DCMTK's storescp, which requires a certificate, has every object."""
    tls = PeerTls(ca=authority.ca, cert=scanner.cert, key=scanner.key)
    outcomes: list[int | None] = []

    def send(port: int) -> None:
        pacs(port, tls).store(files, lambda each: outcomes.append(each.status))
        assert pacs(port, tls).echo() > 0

    at_an_archive(tmp_path, authority, send)
    assert outcomes == [0] * len(files)
    assert len(list((tmp_path / "stored").iterdir())) == len(files)


def test_a_destination_that_is_not_whom_it_says_is_told_and_sent_nothing(
    tmp_path: Path, authority: Authority, scanner: Identity, files: list[Path]
) -> None:
    """An authority that is not known, no certificate to show, no TLS at all."""
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")

    def call(port: int) -> None:
        shown = {"cert": scanner.cert, "key": scanner.key}
        with pytest.raises(PeerUnreachableError, match="certificate is not accepted") as fault:
            pacs(port, PeerTls(ca=other.ca, **shown)).echo()
        assert "ca: who signed" in fault.value.remedy
        with pytest.raises(PeerUnreachableError, match="accepts none of this node's"):
            pacs(port, PeerTls(ca=authority.ca)).store(files, lambda _: None)
        with pytest.raises(PeerUnreachableError):
            pacs(port, None).echo()

    at_an_archive(tmp_path, authority, call)
    assert not list((tmp_path / "stored").iterdir())


def test_a_destination_without_tls_is_not_spoken_to_in_the_clear(
    tmp_path: Path, authority: Authority
) -> None:
    """Where TLS is configured, nothing goes out without it."""
    with listening(tmp_path / "plain") as plain:
        with pytest.raises(PeerUnreachableError, match="no TLS with"):
            pacs(plain.port, PeerTls(ca=authority.ca)).echo()
        assert push(plain.port, build_series(SMALL)[:1]) == [0]


def test_a_host_that_the_certificate_does_not_name_is_taken_only_where_that_is_said(
    tmp_path: Path, authority: Authority
) -> None:
    """check_host = false is for archives whose certificates name a product; the rest is checked."""
    elsewhere = authority.identity("elsewhere", host="pacs.example.org")
    tls = ScpTls(cert=elsewhere.cert, key=elsewhere.key, client_certificate="none")
    with secured(tmp_path, tls) as node:
        with pytest.raises(PeerUnreachableError, match=r"not valid for .127\.0\.0\.1."):
            pacs_of(node, PeerTls(ca=authority.ca)).echo()
        assert pacs_of(node, PeerTls(ca=authority.ca, check_host=False)).echo() > 0


def pacs_of(node: Listening, tls: PeerTls) -> DicomPacs:
    known = Destination(name="pacs", ae_title="PERFUSION", port=node.port, tls=tls)
    return DicomPacs(known, "SCANNER")
