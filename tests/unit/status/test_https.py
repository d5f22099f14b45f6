"""The page by https, with a certificate of its own."""

import ssl
from pathlib import Path

import httpx
import pytest

from node.errors import SettingsError
from node.settings import ServerTls
from node.tls import page_acceptor
from tests.support.authority import Authority
from tests.support.guarded import guarded, sign_in
from tests.support.serving import served


def test_with_a_certificate_the_page_is_served_by_https(tmp_path: Path) -> None:
    """The browser trusts it by the hospital's authority; the cookie never leaves unencrypted."""
    authority = Authority(tmp_path)
    own = authority.identity("page")
    tls = page_acceptor(ServerTls(cert=own.cert, key=own.key))
    trusting = ssl.create_default_context(cafile=authority.ca)
    with guarded(tmp_path) as page:
        page.add("ana")
        with (
            served(page.app(), tls) as address,
            httpx.Client(base_url=address, verify=trusting) as client,
        ):
            cookie = sign_in(client).headers["set-cookie"]
            assert cookie.startswith("__Host-perfusion-node=")
            assert "Secure" in cookie
            assert client.get("/api/series").status_code == 200
            with pytest.raises(httpx.TransportError):
                httpx.get(address.replace("https", "http"))


def test_without_a_certificate_it_speaks_plain_http() -> None:
    """Which is enough on one's own machine."""
    assert page_acceptor(ServerTls()) is None


def test_a_certificate_that_cannot_be_used_names_its_key(tmp_path: Path) -> None:
    """The page does not start, and says where to look."""
    (tmp_path / "page.pem").write_text("no certificate")
    with pytest.raises(SettingsError, match=r"status\.tls\.cert"):
        page_acceptor(ServerTls(cert=tmp_path / "page.pem"))
