"""The other ways in: an open page, API tokens, a proxy's word; and what is refused of each."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from node.errors import SettingsError
from node.people import Means, Role
from node.ports import AuditResult
from node.settings import StatusSettings
from tests.support.guarded import Guarded, csrf, guarded
from tests.unit.status.conftest import Stage

SERIES = "1.2.826.0.1.3680043.8.498.48"
RETRY = f"/api/series/{SERIES}/retry"
PROXY: dict[str, Any] = {"addresses": ("127.0.0.1",), "user_header": "X-Remote-User"}
Open = Callable[..., tuple[Guarded, httpx.Client]]


@pytest.fixture
def serve(stage: tuple[Stage, httpx.Client], tmp_path: Path) -> Iterator[Open]:
    """Serves a page with these settings, and hands out a browser."""
    with ExitStack() as stack:

        def opened(**settings: Any) -> tuple[Guarded, httpx.Client]:
            page = stack.enter_context(guarded(tmp_path, **settings))
            stage[0].app = page.app()
            client = httpx.Client(base_url=stage[1].base_url, timeout=60.0)
            return page, stack.enter_context(client)

        yield opened


def test_without_a_user_the_page_of_this_machine_is_open(serve: Open) -> None:
    """The demo asks for no password; the page says what that means; what is done is told."""
    page, client = serve()
    html = client.get("/").text
    assert "Sign-in is off" in html
    assert "Patients' names are not shown" in html
    assert client.post(RETRY).status_code == 200
    last = page.last()
    assert (last.who, last.means, last.what) == ("", Means.OPEN, "retry")
    assert client.get("/sign-in").headers["location"] == "/"


def test_an_open_page_has_no_administrator(serve: Open) -> None:
    """Users, tokens and the audit trail are for somebody who is known, or for the prompt."""
    _, client = serve()
    for path in ("/users", "/audit", "/api/users", "/api/tokens", "/api/audit"):
        assert client.get(path).status_code == 403
    new = {"name": "eve", "role": "administrator", "password": "four words of nonsense"}
    assert client.post("/api/users", json=new).status_code == 403


def test_with_the_first_user_the_page_is_closed(serve: Open) -> None:
    """From the next request on, without a restart; and open again without the last."""
    page, client = serve()
    assert client.get("/api/series").status_code == 200
    page.add("ana")
    assert client.get("/api/series").status_code == 401
    page.registry.remove_user("ana")
    assert client.get("/api/series").status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_an_open_page_is_not_for_those_behind_a_proxy(serve: Open, header: str) -> None:
    """A proxy on this machine would open the page to everybody: refused, and told."""
    page, client = serve()
    answer = client.get("/api/series", headers={header: "10.0.0.7"})
    assert answer.status_code == 403
    assert "users add" in answer.json()["remedy"]
    assert page.last().result is AuditResult.REFUSED


@pytest.mark.parametrize("host", ["10.0.0.5", "192.168.7.1", "::"])
def test_a_page_that_others_reach_does_not_start_without_a_way_in(
    tmp_path: Path, host: str
) -> None:
    """The error names every remedy, and each of them is one."""
    with guarded(tmp_path, host=host) as page:
        assert not page.doorkeeper.is_open
        with pytest.raises(SettingsError, match=r"status\.host") as fault:
            page.doorkeeper.require_a_way_in()
        for key in ("users add", "status.proxy", "status.oidc", "status.open_to_all"):
            assert key in fault.value.remedy
        page.add("ana")
        page.doorkeeper.require_a_way_in()
    for settings in (
        {"host": host, "open_to_all": True},
        {"host": host, "proxy": PROXY},
        {"host": host, "oidc": {"issuer": "https://id.example", "client_id": "node"}},
        {"host": "127.0.0.1"},
        {"host": "::1"},
    ):
        with guarded(tmp_path / "other", **settings) as page:
            page.doorkeeper.require_a_way_in()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"proxy": {"user_header": "X-Remote-User"}}, "anybody could send this header"),
        ({"proxy": {"addresses": ("0.0.0.0/0",)}}, "is everybody"),
        ({"proxy": {"addresses": ("proxy",)}}, "no address or network"),
        ({"oidc": {"issuer": "http://id.example", "client_id": "x"}}, "begins with https"),
        ({"oidc": {"issuer": "https://id.example"}}, "go together"),
        ({"tls": {"key": "node.key"}}, "set cert too"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_settings_that_would_let_anybody_in_are_refused(
    settings: dict[str, Any], said: str
) -> None:
    """What cannot be meant is no setting."""
    with pytest.raises(ValueError, match=said):
        StatusSettings(**settings)


def test_a_script_asks_with_its_token(serve: Open) -> None:
    """Its role holds, it needs no CSRF token, and what it does bears its name."""
    page, client = serve()
    page.add("ana")
    bearer = {"Authorization": f"Bearer {page.token(Role.OPERATOR)}"}
    assert client.get("/api/series", headers=bearer).status_code == 200
    assert client.post(RETRY, headers=bearer).status_code == 200
    last = page.last()
    assert (last.who, last.means, last.what) == ("script", Means.TOKEN, "retry")
    assert page.registry.tokens()[0].used_at == page.now


def test_a_token_of_a_viewer_changes_nothing(serve: Open) -> None:
    """The role that it was given is all it has."""
    page, client = serve()
    page.add("ana")
    bearer = {"Authorization": f"Bearer {page.token()}"}
    assert client.post(RETRY, headers=bearer).status_code == 403
    assert (page.last().who, page.last().result) == ("script", AuditResult.REFUSED)


@pytest.mark.parametrize("kind", ["forged", "expired", "revoked"])
def test_a_token_that_is_not_good_opens_nothing(serve: Open, kind: str) -> None:
    """Refused and told, even on an open page: whoever sends one means to be asked."""
    page, client = serve()
    secret = page.token(days=1)
    if kind == "expired":
        page.later(days=1)
    elif kind == "revoked":
        page.registry.revoke_token("script", page.now)
    sent = f"{secret}x" if kind == "forged" else secret
    answer = client.get("/api/series", headers={"Authorization": f"Bearer {sent}"})
    assert answer.status_code == 401
    last = page.last()
    assert (last.result, last.subject) == (AuditResult.REFUSED, "GET /api/series")
    assert ("unknown" if kind == "forged" else "is over") in last.detail


def test_a_proxy_s_word_is_taken(serve: Open) -> None:
    """Whom it names has the registry's role, else the header's, else the settings'."""
    page, client = serve(proxy={**PROXY, "role_header": "X-Role", "role": "viewer"})
    page.add("ana", role=Role.OPERATOR)
    named = {"X-Remote-User": "ANA", "X-Forwarded-For": "10.9.9.9, 10.0.0.7"}
    client.headers.update(named)
    sent = csrf(client)
    assert client.post(RETRY, headers=sent).status_code == 200
    last = page.last()
    assert (last.who, last.means, last.address) == ("ana", Means.PROXY, "10.0.0.7")
    client.headers.update({"X-Remote-User": "ben"})
    assert client.get("/api/series").status_code == 200
    assert client.post(RETRY, headers=csrf(client)).status_code == 403
    client.headers.update({"X-Role": "other, operator"})
    assert client.post(RETRY, headers=csrf(client)).status_code == 200


def test_a_proxy_s_user_needs_the_csrf_token_too(serve: Open) -> None:
    """The proxy vouches for the browser, not for the page that asks; another's token fails."""
    page, client = serve(proxy={**PROXY, "role": "operator"})
    client.headers.update({"X-Remote-User": "eve"})
    hers = csrf(client)
    client.headers.update({"X-Remote-User": "ana"})
    assert client.post(RETRY).status_code == 403
    assert client.post(RETRY, headers=hers).status_code == 403
    assert "CSRF" in page.last().detail
    assert client.post(RETRY, headers=csrf(client)).status_code == 200


def test_whom_nobody_gives_a_role_is_refused(serve: Open) -> None:
    """The proxy knows them, the node does not: 403, told, and no page to sign in on."""
    page, client = serve(proxy=PROXY)
    answer = client.get("/", headers={"X-Remote-User": "eve"})
    assert answer.status_code == 403
    assert "eve is known and has no role here" in answer.text
    assert (page.last().who, page.last().result) == ("eve", AuditResult.REFUSED)


def test_anybody_else_s_word_is_not_taken(serve: Open) -> None:
    """The proxy's header from an address that is no proxy: refused and told, with the address."""
    page, client = serve(proxy={"addresses": ("10.0.0.9",), "user_header": "X-Remote-User"})
    page.add("ana", role=Role.ADMINISTRATOR)
    forged = {"X-Remote-User": "ana", "X-Forwarded-For": "10.0.0.9"}
    answer = client.get("/api/series", headers=forged)
    assert answer.status_code == 403
    last = page.last()
    assert (last.result, last.address) == (AuditResult.REFUSED, "127.0.0.1")
    assert "came from 127.0.0.1, which is no proxy" in last.detail


@pytest.mark.parametrize(
    "told", [[("X-Remote-User", "ana"), ("X-Remote-User", "eve")], [("X-Remote-User", "a b")]]
)
def test_a_header_that_does_not_name_one_user_is_refused(
    serve: Open, told: list[tuple[str, str]]
) -> None:
    """A visitor's own header beside the proxy's makes two: neither is believed."""
    page, client = serve(proxy={**PROXY, "role": "operator"})
    assert client.get("/api/series", headers=told).status_code == 403
    assert "does not name one user" in page.last().detail


def test_behind_a_proxy_that_encrypts_the_cookie_is_secure(serve: Open) -> None:
    """The browser sends it over https alone, and takes it from this very host alone."""
    page, client = serve(proxy={"addresses": ("127.0.0.1",)})
    page.add("ana")
    sent = {"name": "ana", "password": "four words of nonsense"}
    answer = client.post("/sign-in", data=sent, headers={"X-Forwarded-Proto": "https"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-perfusion-node=")
    assert "Secure" in cookie
    assert "Domain" not in cookie


def test_nobody_but_the_proxy_says_where_a_request_came_from(serve: Open) -> None:
    """A visitor's X-Forwarded-For changes neither the trail nor the limit of attempts."""
    page, client = serve()
    page.add("ana")
    for number in range(2):
        client.get("/api/series", headers={"X-Forwarded-For": f"10.0.0.{number}"})
        assert page.last().address == "127.0.0.1"
