"""What keeps other pages in the administrator's browser out."""

import socket

import pytest

from node.ports import SeriesState
from tests.support import night
from tests.support.fake_archive import FakeArchive, a_series
from tests.unit.status.conftest import Node, Show

RETRY = "/api/series/1.2.826.0.1.3680043.8.498.9/retry"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_a_post_from_another_origin_is_refused(node: Node, headers: dict[str, str]) -> None:
    """Another page cannot retry, cancel or send in the administrator's name."""
    before = node.archive.counts()
    answer = node.post(RETRY, **headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == "cross_origin"
    assert node.archive.counts() == before


def test_the_node_s_own_page_and_scripts_may_post(node: Node) -> None:
    """The page sends its own origin; curl sends none."""
    own = str(node.client.base_url).rstrip("/")
    for headers in ({"Origin": own, "Sec-Fetch-Site": "same-origin"}, {}):
        node.archive.put(a_series(9, SeriesState.FAILED))
        assert node.post(RETRY, **headers).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8050", "127.0.0.1.evil.example", ""]
)
def test_a_name_that_is_not_the_node_s_is_refused(node: Node, host: str) -> None:
    """DNS rebinding ends here: the attacker's name stands in Host."""
    for answer in (
        node.client.get("/api/series", headers={"Host": host}),
        node.client.post(RETRY, headers={"Host": host, "Origin": f"http://{host}"}),
    ):
        assert answer.status_code == 421
        assert answer.json()["code"] == "unknown_host"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8050", "10.0.0.5:8050", "[::1]:8050", "perfusion.hospital.example"],
)
def test_the_node_s_own_names_are_served(host: str, show: Show) -> None:
    """Addresses, localhost, the machine's name and the configured names all reach the page."""
    client = show(FakeArchive(), night.probes(), hosts=["perfusion.hospital.example"])
    for name in (host, socket.gethostname()):
        assert client.get("/", headers={"Host": name}).status_code == 200


def test_orchestrators_may_ask_under_any_name(node: Node) -> None:
    """Health and metrics hold no secret, and a service's name is not known here."""
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert node.client.get(path, headers={"Host": "perfusion-node"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/static/status.js", "/api/queue", "/nowhere"])
def test_every_answer_carries_the_security_headers(node: Node, path: str) -> None:
    """No inline script, no foreign source, no frame, whatever is answered."""
    headers = node.get(path).headers
    assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers
