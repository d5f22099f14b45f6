"""Users, tokens and the audit trail over API and pages."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from node.people import Role
from node.ports import AuditResult
from tests.support.guarded import PASSWORD, Guarded, csrf, guarded, sign_in
from tests.unit.status.conftest import Stage

Site = tuple[Guarded, httpx.Client]
BETTER = "another five words of nonsense"


@pytest.fixture
def site(stage: tuple[Stage, httpx.Client], tmp_path: Path) -> Iterator[Site]:
    """A page at which an administrator, Ana, is signed in."""
    with guarded(tmp_path) as page:
        page.add("ana", role=Role.ADMINISTRATOR)
        stage[0].app = page.app()
        with httpx.Client(base_url=stage[1].base_url, timeout=60.0) as client:
            sign_in(client)
            client.headers.update(csrf(client))
            yield page, client


def test_a_user_is_added_changed_and_removed(site: Site) -> None:
    """Each step holds at once and is told under the administrator's name."""
    page, client = site
    new = {"name": "Ben", "role": "viewer", "password": PASSWORD}
    assert client.post("/api/users", json=new).json()["words"] == "ben is viewer now."
    assert client.post("/api/users", json=new).status_code == 409
    with httpx.Client(base_url=client.base_url) as his:
        assert sign_in(his, "ben").status_code == 303
        assert client.post("/api/users/ben/role", json={"role": "operator"}).status_code == 200
        listed = {user["name"]: user for user in client.get("/api/users").json()}
        assert listed["ben"]["role"] == "operator"
        assert "password_hash" not in listed["ben"]
        assert client.post("/api/users/ben/remove").status_code == 200
        assert his.get("/api/series").status_code == 401
    assert client.post("/api/users/ben/remove").status_code == 404
    told = [(e.what, e.subject, e.result) for e in page.trail(who="ana")][1:]
    done, failed = AuditResult.DONE, AuditResult.FAILED
    assert told == [
        ("add_user", "ben", done),
        ("add_user", "ben", failed),
        ("set_role", "ben", done),
        ("remove_user", "ben", done),
        ("remove_user", "ben", failed),
    ]


@pytest.mark.parametrize(
    ("new", "found"),
    [
        ({"name": "ben", "role": "viewer", "password": "short"}, "at least 12"),
        ({"name": "ben", "role": "chief", "password": PASSWORD}, "role"),
        ({"name": "<b>", "role": "viewer", "password": PASSWORD}, "name"),
        ({}, "name"),
    ],
)
def test_a_user_that_cannot_be_is_refused_in_words(
    site: Site, new: dict[str, str], found: str
) -> None:
    """What is wrong is said; the password is not repeated."""
    page, client = site
    answer = client.post("/api/users", json=new)
    assert answer.status_code == 422
    assert found in answer.json()["found"]
    assert "short" not in answer.text
    assert len(page.registry.users()) == 1


def test_an_administrator_does_not_lock_the_door_from_outside(site: Site) -> None:
    """Nobody removes themselves or takes their own role: another administrator is there then."""
    page, client = site
    assert client.post("/api/users/ana/remove").status_code == 403
    assert client.post("/api/users/ana/role", json={"role": "viewer"}).status_code == 403
    assert page.registry.users()[0].role is Role.ADMINISTRATOR


def test_one_s_own_password_is_changed_with_the_present_one(site: Site) -> None:
    """The present session goes on, the others end; a wrong present password counts as a guess."""
    page, client = site
    with httpx.Client(base_url=client.base_url) as elsewhere:
        sign_in(elsewhere)
        wrong = {"present": "wrong", "password": BETTER}
        assert client.post("/api/account/password", json=wrong).status_code == 401
        new = {"present": PASSWORD, "password": BETTER}
        assert client.post("/api/account/password", json=new).status_code == 200
        assert elsewhere.get("/api/series").status_code == 401
        assert client.get("/api/series").status_code == 200
        assert sign_in(elsewhere).status_code == 401
        assert sign_in(elsewhere, password=BETTER).status_code == 303
    assert BETTER not in str(page.trail())


def test_an_administrator_sets_a_password_and_ends_the_user_s_sessions(site: Site) -> None:
    """Whoever has the user's cookie is out."""
    page, client = site
    page.add("ben")
    with httpx.Client(base_url=client.base_url) as his:
        sign_in(his, "ben")
        assert client.post("/api/users/ben/password", json={"password": BETTER}).status_code == 200
        assert his.get("/api/series").status_code == 401


def test_a_token_is_shown_once(site: Site) -> None:
    """It works with the role it was given; nobody reads it again; revoked, it is over."""
    _, client = site
    new = {"name": "Export", "role": "viewer", "days": 30}
    secret = client.post("/api/tokens", json=new).json()["token"]
    bearer = {"Authorization": f"Bearer {secret}"}
    assert client.get("/api/series", headers=bearer).status_code == 200
    (listed,) = client.get("/api/tokens").json()
    assert (listed["name"], listed["role"], listed["created_by"]) == ("export", "viewer", "ana")
    for path in ("/users", "/api/tokens", "/audit", "/api/audit"):
        assert secret not in client.get(path).text
    assert client.post("/api/tokens/export/revoke").status_code == 200
    assert client.get("/api/series", headers=bearer).status_code == 401
    assert "revoked" in client.get("/users").text


def test_the_pages_show_people_and_what_they_did(site: Site) -> None:
    """Names, roles, tokens; every entry with who, what, on what, from where, and the result."""
    page, client = site
    page.add("ben", role=Role.VIEWER)
    page.token(name="prometheus")
    users = client.get("/users").text
    for told in ("ana", "ben", "prometheus", "Add a user", "Make a token"):
        assert told in users
    client.post("/api/users/ben/role", json={"role": "operator"})
    audit = client.get("/audit").text
    for told in ("set role", "ben", "127.0.0.1", "operator", "sign in"):
        assert told in audit
    assert "set role" not in client.get("/audit", params={"who": "nobody"}).text
    assert "set role" not in client.get("/audit", params={"result": "refused"}).text
    assert client.get("/account").status_code == 200


def test_the_trail_is_read_page_by_page(site: Site) -> None:
    """The newest first; what came before is asked for by number."""
    _, client = site
    for _ in range(3):
        client.post("/api/destinations/pacs/echo")
    first = client.get("/api/audit", params={"limit": 2}).json()
    assert [entry["what"] for entry in first] == ["echo", "echo"]
    older = client.get("/api/audit", params={"before": first[-1]["number"]}).json()
    assert [entry["what"] for entry in older] == ["echo", "sign_in"]
    assert [e["what"] for e in client.get("/api/audit", params={"what": "sign_in"}).json()] == [
        "sign_in"
    ]


@pytest.mark.parametrize("path", ["/users", "/audit", "/api/users", "/api/tokens", "/api/audit"])
def test_only_administrators_see_to_people(site: Site, path: str) -> None:
    """An operator is refused, and that is told."""
    page, client = site
    page.add("ben", role=Role.OPERATOR)
    sign_in(client, "ben")
    assert client.get(path).status_code == 403
    assert "Audit trail" not in client.get("/").text
    last = page.last()
    assert (last.who, last.result, last.subject) == ("ben", AuditResult.REFUSED, f"GET {path}")
