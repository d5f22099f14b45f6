"""Signing in with an OpenID provider, a real one on another port."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from node.people import Means, Role
from node.ports import AuditResult
from tests.support.guarded import Guarded, csrf, guarded
from tests.support.openid import SECRET, Provider
from tests.support.running_node import free_port
from tests.support.serving import served
from tests.unit.status.conftest import Stage


@pytest.fixture(scope="module")
def provider() -> Iterator[tuple[Provider, str]]:
    one = Provider()
    with served(one.app()) as address:
        yield one, address


class Site:
    """A page whose people a provider signs in, and a browser."""

    def __init__(self, page: Guarded, client: httpx.Client, provider: Provider) -> None:
        self.page, self.client, self.provider = page, client, provider

    def echo(self) -> int:
        """What an operator may ask, and a viewer may not."""
        return self.client.post(
            "/api/destinations/pacs/echo", headers=csrf(self.client)
        ).status_code

    def sign_in(self, following: str = "/") -> httpx.Response:
        """To the provider and back, as the browser goes: the page that the way ends on."""
        leave = self.client.get("/sign-in/oidc", params={"next": following})
        there = httpx.get(leave.headers["location"], follow_redirects=False)
        return self.client.get(there.headers["location"])


@pytest.fixture
def site(
    stage: tuple[Stage, httpx.Client],
    tmp_path: Path,
    provider: tuple[Provider, str],
    request: pytest.FixtureRequest,
) -> Iterator[Site]:
    one, address = provider
    one.claims, one.forged, one.by_secret, one.issuer = (
        {"preferred_username": "Ana"},
        False,
        False,
        "",
    )
    (tmp_path / "secret").write_text(SECRET)
    settings: dict[str, Any] = {
        "issuer": address,
        "client_id": "node",
        "client_secret": {"file": str(tmp_path / "secret")},
        "roles_claim": "roles",
        **getattr(request, "param", {}),
    }
    with guarded(tmp_path, oidc=settings) as page:
        stage[0].app = page.app()
        with httpx.Client(base_url=stage[1].base_url, timeout=60.0) as client:
            yield Site(page, client, one)


def test_whom_the_provider_signs_in_is_in(site: Site) -> None:
    """With the role that the registry gives, and back where they were going."""
    site.page.add("ana", role=Role.OPERATOR)
    assert "the hospital&#39;s account" in site.client.get("/sign-in").text
    answer = site.sign_in("/destinations")
    assert answer.status_code == 200
    assert 'content="0; url=/destinations"' in answer.text
    assert "SameSite=strict" in answer.headers["set-cookie"]
    sent = csrf(site.client)
    assert site.client.post("/api/destinations/pacs/echo", headers=sent).status_code == 200
    last = site.page.last()
    assert (last.who, last.means, last.what) == ("ana", Means.OIDC, "echo")


def test_a_page_with_a_provider_is_never_open(site: Site) -> None:
    """Though there is no user in the registry."""
    assert site.client.get("/api/series").status_code == 401
    html = site.client.get("/sign-in").text
    assert 'name="password"' not in html


def test_the_provider_s_claim_gives_a_role(site: Site) -> None:
    """Where the registry does not know the name; it ends with the session."""
    site.provider.claims = {"preferred_username": "ben", "roles": ["other", "operator"]}
    site.sign_in()
    assert (
        site.client.post("/api/destinations/pacs/echo", headers=csrf(site.client)).status_code
        == 200
    )
    assert site.client.get("/api/users").status_code == 403


def test_whom_nobody_gives_a_role_stays_out(site: Site) -> None:
    """The provider knows them, the node does not: told on the page and in the trail."""
    answer = site.sign_in()
    assert answer.status_code == 401
    assert "ana has no role here" in answer.text
    assert site.client.get("/api/series").status_code == 401
    assert site.page.trail(what="sign_in")[-1].result is AuditResult.REFUSED


@pytest.mark.parametrize("site", [{"role": "viewer"}], indirect=True)
def test_the_settings_give_everybody_else_a_role(site: Site) -> None:
    """Whoever has an account there may look."""
    site.sign_in()
    assert site.client.get("/api/series").status_code == 200
    assert (
        site.client.post("/api/destinations/pacs/echo", headers=csrf(site.client)).status_code
        == 403
    )


@pytest.mark.parametrize(
    ("claims", "behaviour"),
    [
        ({}, {"forged": True}),
        ({}, {"by_secret": True}),
        ({"aud": "somebody else"}, {}),
        ({"iss": "https://evil.example"}, {}),
        ({"exp": 1}, {}),
        ({"nonce": "replayed"}, {}),
        ({"preferred_username": "<script>"}, {}),
        ({"preferred_username": None}, {}),
    ],
    ids=str,
)
def test_a_token_that_is_not_the_provider_s_or_not_for_us_is_refused(
    site: Site, claims: dict[str, Any], behaviour: dict[str, bool]
) -> None:
    """Another key, the secret as a key, another audience or issuer, old, replayed, no name."""
    site.page.add("ana", role=Role.ADMINISTRATOR)
    site.provider.claims = {"preferred_username": "ana", **claims}
    for name, value in behaviour.items():
        setattr(site.provider, name, value)
    answer = site.sign_in()
    assert answer.status_code == 401
    assert "You could not be signed in" in answer.text
    assert "perfusion-node" not in site.client.cookies
    last = site.page.last()
    assert (last.what, last.result) == ("sign_in", AuditResult.REFUSED)


@pytest.mark.parametrize("query", ["code=1&state=forged", "code=1", "error=access_denied", ""])
def test_an_answer_to_a_question_that_was_not_asked_is_refused(site: Site, query: str) -> None:
    """Nobody is signed in as somebody else by a link (login CSRF)."""
    answer = site.client.get(f"/sign-in/oidc/back?{query}")
    assert answer.status_code == 401
    assert site.page.last().result is AuditResult.REFUSED


def test_another_browser_cannot_take_the_answer(site: Site) -> None:
    """The code and state of one browser open nothing in another."""
    site.page.add("ana")
    leave = site.client.get("/sign-in/oidc")
    back = httpx.get(leave.headers["location"], follow_redirects=False).headers["location"]
    with httpx.Client(base_url=site.client.base_url) as other:
        assert other.get(back).status_code == 401
        assert other.get("/api/series").status_code == 401


@pytest.mark.parametrize(
    "site", [{"issuer": f"http://127.0.0.1:{free_port()}"}], indirect=True, ids=["away"]
)
def test_a_provider_that_is_away_is_told(site: Site) -> None:
    """In words, on the page to sign in on; passwords still work."""
    site.page.add("ana")
    answer = site.client.get("/sign-in/oidc")
    assert answer.status_code == 401
    assert "does not answer" in answer.text
    assert 'name="password"' in answer.text


def test_a_provider_that_calls_itself_something_else_is_not_asked(site: Site) -> None:
    """Its metadata must name the issuer that the settings name (OpenID Discovery 4.3)."""
    site.provider.issuer = "https://evil.example"
    assert "another issuer" in site.client.get("/sign-in/oidc").text
