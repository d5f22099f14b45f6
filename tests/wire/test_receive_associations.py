"""Associations: who may come in, in which contexts, and what happens when one breaks."""

import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.sop_class import PatientRootQueryRetrieveInformationModelFind

from node.errors import SettingsError
from node.scp import Listener
from node.scp.contexts import TRANSFER_SYNTAXES
from node.settings import Peer, ScpSettings
from tests.support.ctp import CtpSpec, build_instance
from tests.support.listening import Listening, associated, encoded, listening, push
from tests.support.peers import require
from tests.support.running_node import wait_for
from tests.support.upper_layer import associate_rq, c_store_rq, p_data, read_pdu

CT = (str(CTImageStorage), [ExplicitVRLittleEndian])
REJECTED, ACCEPTED, ABORTED = 0x03, 0x02, 0x07


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Listening]:
    with listening(tmp_path / "spool") as running:
        yield running


def image(number: int = 0) -> Dataset:
    return build_instance(CtpSpec(), 0, number)


def test_dcmtk_echoes(node: Listening) -> None:
    """A C-ECHO is answered with success."""
    echo = [require("echoscu", package="dcmtk"), "-aec", "PERFUSION", "127.0.0.1", str(node.port)]
    result = subprocess.run(echo, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("called", "calling"),
    [
        (b"PERFUSION", b"SENDER"),
        (b"PERFUSION" + b"\0" * 7, b"SENDER" + b"\0" * 10),
        (b"PERFUSION\0junk", b"SENDER\0\xff\xfe"),
        (b"  PERFUSION   \0 ", b"   SENDER   "),
    ],
    ids=["plain", "NUL padded", "rubbish after NUL", "spaces all round"],
)
def test_padding_of_titles_does_not_matter(tmp_path: Path, called: bytes, calling: bytes) -> None:
    """Titles padded with NULs or spaces are the titles (pynetdicom itself would abort)."""
    allowed = (Peer(ae_title="SENDER"),)
    with (
        listening(tmp_path, allowed_peers=allowed) as node,
        socket.create_connection(("127.0.0.1", node.port), timeout=30) as sock,
    ):
        sock.sendall(associate_rq(called, calling))
        assert read_pdu(sock)[:1] == bytes([ACCEPTED])


def test_blank_and_odd_titles_are_let_in_where_nothing_is_configured(tmp_path: Path) -> None:
    """A sender without a title may store where neither title is checked."""
    with listening(tmp_path, check_called_ae_title=False) as node:
        for called, calling in (
            (b" " * 16, b" " * 16),
            (b"\0" * 16, b"\0" * 16),
            (b"A\\B", b"\xc4"),
        ):
            with socket.create_connection(("127.0.0.1", node.port), timeout=30) as sock:
                sock.sendall(associate_rq(called, calling))
                assert read_pdu(sock)[:1] == bytes([ACCEPTED])


@pytest.mark.parametrize(
    ("called", "calling", "diagnostic"),
    [("OTHER", "SENDER", 7), ("PERFUSION", "STRANGER", 3), ("perfusion", "SENDER", 7)],
)
def test_wrong_titles_are_rejected_with_the_reason(
    tmp_path: Path, called: str, calling: str, diagnostic: int
) -> None:
    """A-ASSOCIATE-RJ: permanent, by the user, called (7) or calling (3) title not recognised."""
    with (
        listening(tmp_path, allowed_peers=(Peer(ae_title="SENDER"),)) as node,
        associated(node.port, [CT], called=called, calling=calling) as assoc,
    ):
        assert assoc.is_rejected
        answer = assoc.acceptor.primitive
        assert (answer.result, answer.result_source, answer.diagnostic) == (1, 1, diagnostic)
        assert node.listener.counts.rejected_associations == 1


def test_a_known_title_from_another_address_is_rejected(tmp_path: Path) -> None:
    """A peer with a host may come from that host alone; a name counts as its addresses."""
    elsewhere = (Peer(ae_title="SENDER", host="192.0.2.1"),)
    here = (Peer(ae_title="SENDER", host="localhost"),)
    for peers, established in ((elsewhere, False), (here, True)):
        with (
            listening(tmp_path, allowed_peers=peers) as node,
            associated(node.port, [CT]) as assoc,
        ):
            assert assoc.is_established is established


def test_one_association_too_many_is_rejected_for_now(tmp_path: Path) -> None:
    """Over the limit: rejected, transient, local limit exceeded; later there is room again."""
    with listening(tmp_path, max_associations=2) as node:
        with (
            associated(node.port, [CT]),
            associated(node.port, [CT]),
            associated(node.port, [CT]) as third,
        ):
            assert third.is_rejected
            answer = third.acceptor.primitive
            assert (answer.result, answer.result_source, answer.diagnostic) == (2, 3, 2)
        wait_for(lambda: node.listener.active_associations == 0, "associations end", 30)
        assert push(node.port, [image()]) == [0x0000]


def test_connections_that_ask_for_nothing_take_no_senders_place(tmp_path: Path) -> None:
    """Two hundred silent connections keep no sender out, and most of them are let go."""
    with listening(tmp_path, max_associations=2) as node, ExitStack() as open_sockets:
        address = ("127.0.0.1", node.port)
        for _ in range(200):
            open_sockets.enter_context(socket.create_connection(address, timeout=30))
        wait_for(lambda: 0 < node.listener.active_associations < 50, "the silent are let go", 25)
        assert push(node.port, [image()]) == [0x0000]


@pytest.mark.parametrize("syntax", TRANSFER_SYNTAXES, ids=lambda uid: uid.name)
def test_every_transfer_syntax_is_accepted(node: Listening, syntax: str) -> None:
    """A sender that has an image in one syntax only can send it."""
    with associated(node.port, [(str(CTImageStorage), [syntax])]) as assoc:
        (context,) = assoc.accepted_contexts
        assert context.transfer_syntax == [syntax]


def test_uncompressed_is_chosen_where_there_is_a_choice(node: Listening) -> None:
    """Of what a sender offers, the acceptor takes the first of its own preference."""
    for offered in (TRANSFER_SYNTAXES[::-1], TRANSFER_SYNTAXES[1:][::-1]):
        with associated(node.port, [(str(CTImageStorage), offered)]) as assoc:
            (context,) = assoc.accepted_contexts
            assert context.transfer_syntax == [offered[-1]]


def test_classes_that_are_no_storage_are_rejected(node: Listening) -> None:
    """Storage and Verification are offered, and nothing else; unknown classes are storage."""
    find = str(PatientRootQueryRetrieveInformationModelFind)
    contexts = [CT, (find, [ImplicitVRLittleEndian]), ("1.2.3.4", [ImplicitVRLittleEndian])]
    with associated(node.port, contexts) as assoc:
        assert {c.abstract_syntax for c in assoc.accepted_contexts} == {CTImageStorage, "1.2.3.4"}
        assert [c.abstract_syntax for c in assoc.rejected_contexts] == [find]


def test_a_sender_that_dies_in_mid_image_leaves_nothing(node: Listening) -> None:
    """Half an image is no file; another association at that moment does not notice."""
    whole = encoded(image())
    with associated(node.port, [CT]) as bystander:
        for end in ("abort", "close"):
            with socket.create_connection(("127.0.0.1", node.port), timeout=30) as sock:
                sock.sendall(associate_rq(b"PERFUSION", b"DYING"))
                assert read_pdu(sock)[:1] == bytes([ACCEPTED])
                sock.sendall(p_data(c_store_rq(image().SOPInstanceUID.encode())))
                sock.sendall(p_data(whole[: len(whole) // 2], control=0))
                if end == "abort":
                    sock.sendall(struct.pack(">BBIHBB", 7, 0, 4, 0, 0, 0))
                    assert read_pdu(sock) == b""
        wait_for(lambda: node.listener.active_associations == 1, "the dead are gone", 30)
        assert node.files() == []
        assert bystander.is_established
    assert push(node.port, [image()]) == [0x0000]
    assert len(node.files()) == 1


def test_fragments_of_any_size_make_one_image(node: Listening) -> None:
    """A data set may come in any number of PDVs and PDUs, several PDVs in one PDU (PS3.8 E.2)."""
    whole, uid = encoded(image()), image().SOPInstanceUID.encode()
    command = c_store_rq(uid)
    with socket.create_connection(("127.0.0.1", node.port), timeout=30) as sock:
        sock.sendall(associate_rq(b"PERFUSION", b"PIECES"))
        assert read_pdu(sock)[:1] == bytes([ACCEPTED])
        pieces = [(command[:9], 1), (command[9:], 3), (whole[:1], 0), (whole[1:700], 0), (b"", 0)]
        pdvs = [p_data(data, control)[6:] for data, control in pieces]
        both = b"".join(pdvs)
        sock.sendall(struct.pack(">BBI", 4, 0, len(both)) + both)
        sock.sendall(p_data(whole[700:], control=2))
        answer = read_pdu(sock)
    assert answer[:1] == b"\x04"
    assert struct.pack("<HHIH", 0, 0x0900, 2, 0x0000) in answer
    (path,) = node.files("incoming")
    assert path.read_bytes().endswith(whole)


def test_an_association_request_that_cannot_be_read_is_aborted(node: Listening) -> None:
    """A sender whose request makes no sense hears an abort instead of waiting."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=30) as sock:
        request = bytearray(associate_rq(b"PERFUSION", b"BROKEN"))
        request[74:76] = b"\x99\x99"
        sock.sendall(request)
        assert read_pdu(sock)[:1] == bytes([ABORTED])
    assert push(node.port, [image()]) == [0x0000]


@pytest.mark.parametrize(
    "pdu",
    [
        struct.pack(">BBIIBB", 4, 0, 6, 200, 1, 3),
        struct.pack(">BBIIBB", 4, 0, 6, 1, 1, 3),
        p_data(b"data without a command", control=2),
        p_data(b"\x08\0\0\0\x02\0\0\0\x01\0"),
        struct.pack(">BBI", 5, 0, 0xFFFFFFFF) + b"x" * 100,
        struct.pack(">BBI", 0x42, 0, 4) + b"what",
    ],
    ids=["PDV too long", "PDV too short", "no command", "no command set", "4 GiB", "unknown PDU"],
)
def test_a_broken_pdu_ends_its_own_association_only(node: Listening, pdu: bytes) -> None:
    """What is no DICOM upper layer is aborted, and only that."""
    with associated(node.port, [CT]) as bystander:
        with socket.create_connection(("127.0.0.1", node.port), timeout=30) as sock:
            sock.sendall(associate_rq(b"PERFUSION", b"BROKEN"))
            assert read_pdu(sock)[:1] == bytes([ACCEPTED])
            sock.sendall(pdu)
            assert read_pdu(sock)[:1] in (bytes([ABORTED]), b"")
        assert bystander.is_established
    assert push(node.port, [image()]) == [0x0000]


def test_a_silent_peer_is_let_go(tmp_path: Path) -> None:
    """A connection that says nothing, and one that stops in a PDU, hold no place for ever."""
    with listening(tmp_path, idle_timeout_s=0.5) as node:
        silent = socket.create_connection(("127.0.0.1", node.port), timeout=30)
        stalled = socket.create_connection(("127.0.0.1", node.port), timeout=30)
        stalled.sendall(associate_rq(b"PERFUSION", b"STALLED"))
        assert read_pdu(stalled)[:1] == bytes([ACCEPTED])
        stalled.sendall(p_data(c_store_rq(b"1.2.3"))[:40])
        wait_for(lambda: node.listener.active_associations == 0, "silent peers are let go", 60)
        silent.close()
        stalled.close()
        assert push(node.port, [image()]) == [0x0000]


def test_a_connection_without_a_request_holds_no_place(node: Listening) -> None:
    """Port scans and health checks that connect and leave are gone at once."""
    for _ in range(20):
        socket.create_connection(("127.0.0.1", node.port), timeout=30).close()
    # Well below the 30 s after which a silent connection is let go.
    wait_for(lambda: node.listener.active_associations == 0, "connections are gone", 20)
    assert push(node.port, [image()]) == [0x0000]


def test_stopping_waits_for_no_idle_sender(tmp_path: Path) -> None:
    """Stopping ends idle associations and closes the port."""
    ae = AE("IDLE")
    ae.add_requested_context(CTImageStorage)
    with listening(tmp_path) as node:
        port = node.port
        assoc = ae.associate("127.0.0.1", port, ae_title="PERFUSION")
        started = time.monotonic()
        node.listener.stop(drain_s=60)
        assert time.monotonic() - started < 30
        wait_for(lambda: assoc.is_aborted, "the sender hears of it", 30)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


def test_stopping_waits_for_no_stalled_sender(node: Listening) -> None:
    """A sender that stopped within a PDU is cut off once the time to drain is over."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=60) as sock:
        sock.sendall(associate_rq(b"PERFUSION", b"STALLED"))
        assert read_pdu(sock)[:1] == bytes([ACCEPTED])
        sock.sendall(p_data(c_store_rq(b"1.2.3"))[:40])
        started = time.monotonic()
        node.listener.stop(drain_s=1.5)
        # The listener's own time-out for a stalled peer is 60 s.
        assert time.monotonic() - started < 40
        assert read_pdu(sock) == b""


def test_a_taken_port_is_a_wrong_setting() -> None:
    """A port that is in use names the settings to change."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = int(other.getsockname()[1])
        listener = Listener(ScpSettings(port=taken), None, None)  # type: ignore[arg-type]
        with pytest.raises(SettingsError, match=r"scp\.port"):
            listener.start()
