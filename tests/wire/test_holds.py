"""What a destination says it has: C-FIND against DCMTK and misbehaving peers, QIDO-RS in pages."""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydicom import Dataset
from pynetdicom import AE, evt

from node.errors import PeerUnreachableError
from node.ports import SentObject
from node.scu import DicomPacs
from node.scu.query import STUDY_ROOT_FIND
from node.settings import Destination
from node.stow import WebPacs
from tests.support.ctp import CtpSpec, build_series, write_series
from tests.support.dicomweb import Asked, Reply, dicomweb
from tests.support.listening import listening
from tests.support.namespace import in_a_network_of_its_own
from tests.support.peers import require
from tests.support.running_node import free_port, wait_for

FIRST, SECOND = CtpSpec(slices=2, frames=3), CtpSpec(slices=2, frames=2, seed=5)


def sent(*datasets: Dataset) -> list[SentObject]:
    return [
        SentObject(str(d.StudyInstanceUID), str(d.SeriesInstanceUID), str(d.SOPInstanceUID))
        for d in datasets
    ]


def uids(datasets: Sequence[Dataset]) -> frozenset[str]:
    return frozenset(str(d.SOPInstanceUID) for d in datasets)


def pacs(port: int) -> DicomPacs:
    return DicomPacs(Destination(name="pacs", ae_title="PACS", port=port), "PERFUSION")


def configured(folder: Path, port: int) -> Path:
    """A configuration of dcmqrscp with one archive that everybody may write and query."""
    (folder / "db").mkdir()
    path = folder / "dcmqrscp.cfg"
    path.write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
        "HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nPACS {folder}/db RW (200, 1024mb) ANY\nAETable END\n"
    )
    return path


def test_dcmtk_says_what_it_has_and_what_it_lacks(tmp_path: Path) -> None:
    """Of two series, one sent but for an image: exactly what was stored is found."""
    first, second = build_series(FIRST), build_series(SECOND)
    files = write_series([*first[1:], *second], tmp_path / "scans")
    port = free_port()
    program = require("dcmqrscp", package="dcmtk")
    command = [program, "-c", str(configured(tmp_path, port))]

    def asked() -> frozenset[str] | None:
        with subprocess.Popen(command) as server:
            try:
                wait_for(lambda: answers_echo(port), "dcmqrscp answers", 60)
                pacs(port).store(files, lambda _: None)
                return pacs(port).holds(sent(*first, *second))
            finally:
                server.terminate()

    assert in_a_network_of_its_own(asked) == uids([*first[1:], *second])


def answers_echo(port: int) -> bool:
    try:
        return pacs(port).echo() > 0
    except PeerUnreachableError:
        return False


@contextmanager
def finding(answer: Callable[[evt.Event], Iterator[Any]]) -> Iterator[int]:
    """The port of a peer that answers C-FINDs like this."""
    ae = AE("PACS")
    ae.add_supported_context(STUDY_ROOT_FIND)
    server = ae.start_server(
        ("127.0.0.1", free_port()), block=False, evt_handlers=[(evt.EVT_C_FIND, answer)]
    )
    assert server is not None
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()


def test_a_peer_without_query_retrieve_is_known_as_one(tmp_path: Path) -> None:
    """It rejects the context, or answers that it knows no such class: neither is a fault."""
    scan = build_series(FIRST)
    with listening(tmp_path, ae_title="PACS") as node:
        assert pacs(node.port).holds(sent(*scan)) is None
    for status in (0x0122, 0x0124):
        with finding(lambda _, status=status: iter([(status, None)])) as port:
            assert pacs(port).holds(sent(*scan)) is None


@pytest.mark.parametrize("status", [0xA700, 0xA900, 0xC000, 0xFE00])
def test_a_search_that_fails_is_no_finding(status: int) -> None:
    """What a peer could not look up, it does not lack."""
    with (
        finding(lambda _: iter([(status, None)])) as port,
        pytest.raises(PeerUnreachableError, match=f"{status:04X}"),
    ):
        pacs(port).holds(sent(*build_series(FIRST)))


def test_a_peer_that_aborts_its_search_is_no_finding() -> None:
    """The association ends before the last answer."""

    def abort(event: evt.Event) -> Iterator[Any]:
        event.assoc.abort()
        yield 0x0000, None

    with finding(abort) as port, pytest.raises(PeerUnreachableError):
        pacs(port).holds(sent(*build_series(FIRST)))


def test_what_was_not_asked_for_is_not_taken_over() -> None:
    """A peer that answers with other objects has not the ones that were sent."""
    scan = build_series(FIRST)

    def other(_event: evt.Event) -> Iterator[Any]:
        match = Dataset()
        match.SOPInstanceUID = "1.2.3"
        nameless = Dataset()
        nameless.InstanceNumber = 1
        yield 0xFF00, match
        yield 0xFF01, nameless
        yield 0x0000, None

    with finding(other) as port:
        assert pacs(port).holds(sent(*scan)) == frozenset()


def matching(found: Sequence[str], page: int) -> Callable[[Asked], Reply]:
    """A server that finds these, and answers with a page of them at most."""

    def answer(asked: Asked) -> Reply:
        offset = int(parse_qs(urlsplit(asked.path).query)["offset"][0])
        matches = [{"00080018": {"vr": "UI", "Value": [u]}} for u in found[offset : offset + page]]
        return Reply(200, json.dumps(matches).encode())

    return answer


@pytest.mark.parametrize("page", [1, 4, 1000])
def test_a_web_server_is_asked_until_it_has_no_more(page: int) -> None:
    """However few matches it gives at once; the search names study and series."""
    scan = build_series(FIRST)
    found = sorted(uids(scan))[:5]
    with dicomweb(matching(found, page)) as server:
        assert WebPacs(server.destination()).holds(sent(*scan)) == frozenset(found)
    path = f"/studies/{scan[0].StudyInstanceUID}/series/{scan[0].SeriesInstanceUID}/instances?"
    assert all(path in asked.path for asked in server.asked)


def test_a_web_server_that_ignores_the_page_is_not_asked_for_ever() -> None:
    """It answers the same again: nothing new came."""
    scan = build_series(FIRST)
    found = sorted(uids(scan))[:5]
    same = Reply(200, json.dumps([{"00080018": {"Value": [u]}} for u in found]).encode())
    with dicomweb(lambda _: same) as server:
        assert WebPacs(server.destination()).holds(sent(*scan)) == frozenset(found)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "reply",
    [Reply(404), Reply(405), Reply(501)],
    ids=lambda reply: str(reply.status),
)
def test_a_web_server_without_searches_is_known_as_one(reply: Reply) -> None:
    """As a peer without Query/Retrieve."""
    with dicomweb(lambda _: reply) as server:
        assert WebPacs(server.destination()).holds(sent(*build_series(FIRST))) is None


def test_a_series_that_a_web_server_does_not_know_is_missing() -> None:
    """Some answer 404 for it: where other searches are answered, it is the series that is not."""
    scan = build_series(FIRST)
    with dicomweb(lambda a: Reply(404) if "/series/" in a.path else Reply(200, b"[]")) as server:
        assert WebPacs(server.destination()).holds(sent(*scan)) == frozenset()
    with (
        dicomweb(lambda a: Reply(404 if "/series/" in a.path else 503)) as server,
        pytest.raises(PeerUnreachableError),
    ):
        WebPacs(server.destination()).holds(sent(*scan))


@pytest.mark.parametrize(
    "reply",
    [Reply(401), Reply(500), Reply(503), Reply(0), Reply(200, b"<p>"), Reply(200, b"{}")],
    ids=lambda reply: f"{reply.status} {reply.body!r}",
)
def test_a_search_of_a_web_server_that_fails_is_no_finding(reply: Reply) -> None:
    """What a server could not look up, it does not lack."""
    with dicomweb(lambda _: reply) as server, pytest.raises(PeerUnreachableError):
        WebPacs(server.destination()).holds(sent(*build_series(FIRST)))


@pytest.mark.parametrize("body", [b"[]", b'[null, 1, {"00080018": null}, {"00080018": {}}]'])
def test_a_web_server_that_finds_nothing_lacks_everything(body: bytes) -> None:
    """An empty list, or matches that name no object."""
    with dicomweb(lambda _: Reply(200, body)) as server:
        assert WebPacs(server.destination()).holds(sent(*build_series(FIRST))) == frozenset()
