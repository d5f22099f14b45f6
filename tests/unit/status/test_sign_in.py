"""Signing in and out, and what is refused meanwhile; each refusal is in the audit trail."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from node.people import Means, Role
from node.ports import AuditResult, SeriesState
from node.status.trail import ALIKE
from tests.support.fake_archive import FakeArchive, a_series
from tests.support.guarded import Guarded, csrf, guarded, sign_in
from tests.unit.status.conftest import Stage

SERIES = "1.2.826.0.1.3680043.8.498.9"
RETRY = f"/api/series/{SERIES}/retry"


@contextmanager
def open_at(
    stage: tuple[Stage, httpx.Client], folder: Path, **settings: Any
) -> Iterator[tuple[Guarded, httpx.Client]]:
    archive = FakeArchive(a_series(9, SeriesState.FAILED))
    with guarded(folder, archive, **settings) as page:
        stage[0].app = page.app()
        with httpx.Client(base_url=stage[1].base_url, timeout=60.0) as client:
            yield page, client


@pytest.fixture
def site(
    stage: tuple[Stage, httpx.Client], tmp_path: Path
) -> Iterator[tuple[Guarded, httpx.Client]]:
    """A page with an operator, Ana, and a browser that has no session."""
    with open_at(stage, tmp_path) as (page, client):
        page.add("ana")
        yield page, client


Site = tuple[Guarded, httpx.Client]


def test_whoever_signs_in_may_do_what_the_role_says(site: Site) -> None:
    """The name and password open the page; what is done afterwards bears the name."""
    page, client = site
    answer = sign_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Sign out" in client.get("/").text
    assert client.post(RETRY, headers=csrf(client)).status_code == 200
    signed, retried = page.trail(2)
    assert (signed.who, signed.what, signed.result) == ("ana", "sign_in", AuditResult.DONE)
    assert (retried.who, retried.means, retried.what) == ("ana", Means.PASSWORD, "retry")
    assert (retried.subject, retried.address) == (SERIES, "127.0.0.1")


def test_the_session_s_cookie_is_the_browser_s_alone(site: Site) -> None:
    """No script reads it, no other site sends it; the registry does not hold it."""
    page, client = site
    cookie = sign_in(client).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    secret = client.cookies["perfusion-node"]
    assert len(secret) >= 43, "256 bits"
    assert page.registry.session(secret) is None, "only its digest is kept"


@pytest.mark.parametrize(
    "path", ["/api/series", "/api/queue", f"/api/series/{SERIES}", "/api/destinations"]
)
def test_without_a_session_nothing_is_told(site: Site, path: str) -> None:
    """The API answers 401, and that somebody asked is in the trail."""
    page, client = site
    answer = client.get(path)
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_signed_in"
    last = page.last()
    assert (last.result, last.subject) == (AuditResult.REFUSED, f"GET {path}")


@pytest.mark.parametrize("path", ["/", f"/series/{SERIES}", "/destinations", "/docs"])
def test_a_page_without_a_session_asks_to_sign_in(site: Site, path: str) -> None:
    """The browser is sent to sign in and comes back to where it was going."""
    _, client = site
    answer = client.get(path)
    assert answer.status_code == 303
    there = client.get(answer.headers["location"])
    assert f'name="next" value="{path}"' in there.text
    assert "Perfusion 5.0" not in there.text


def test_nothing_is_done_without_a_session(site: Site) -> None:
    """An action is refused and told, and the series stays as it was."""
    page, client = site
    assert client.post(RETRY).status_code == 401
    assert page.archive.series(SERIES).state is SeriesState.FAILED
    assert (page.last().result, page.last().who) == (AuditResult.REFUSED, "")


def test_machines_may_ask_for_health_and_metrics(site: Site) -> None:
    """Orchestrators and Prometheus have no session; what they read names no series."""
    _, client = site
    for path in ("/health/live", "/health/ready", "/metrics", "/static/status.css"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert SERIES not in answer.text


@pytest.mark.parametrize(
    ("name", "password"),
    [("ana", "not her password"), ("nobody", "not her password"), ("", ""), ("ana", "x" * 5000)],
)
def test_a_wrong_name_is_answered_like_a_wrong_password(
    site: Site, name: str, password: str
) -> None:
    """Whether a name exists cannot be told from the answer; a name that does not is not kept."""
    page, client = site
    answer = sign_in(client, name, password)
    assert answer.status_code == 401
    assert "The name or the password is wrong." in answer.text
    assert "set-cookie" not in answer.headers
    last = page.last()
    assert (last.what, last.result, last.detail) == (
        "sign_in",
        AuditResult.REFUSED,
        "wrong name or password",
    )
    assert last.subject == ("ana" if name == "ana" else "")


def test_guessing_is_stopped(site: Site) -> None:
    """After ten failures under a name even the right password is not looked at, for a while."""
    page, client = site
    for _ in range(10):
        assert sign_in(client, password="wrong, wrong, wrong").status_code == 401
    answer = sign_in(client)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "900"
    assert "too many attempts" in page.trail(what="sign_in")[-1].detail
    page.later(minutes=16)
    assert sign_in(client).status_code == 303


def test_strangers_cannot_fill_the_trail(site: Site) -> None:
    """Refusals that are alike are written a few times a minute, then counted."""
    page, client = site
    before = len(page.trail())
    for _ in range(ALIKE + 7):
        client.get("/api/series")
    assert len(page.trail()) == before + ALIKE
    page.later(minutes=1)
    client.get("/api/series")
    assert "7 more within a minute: not signed in" in [e.detail for e in page.trail()]


def test_a_session_is_never_taken_from_the_browser(site: Site) -> None:
    """Fixation: a secret that somebody planted is not adopted, and an earlier session ends."""
    page, client = site
    client.cookies.set("perfusion-node", "planted", domain="127.0.0.1")
    sign_in(client)
    first = client.cookies.get("perfusion-node", domain="127.0.0.1", path="/")
    jar = httpx.Cookies()
    jar.set("perfusion-node", "planted", domain="127.0.0.1")
    with httpx.Client(base_url=client.base_url, cookies=jar) as attacker:
        assert attacker.get("/api/series").status_code == 401
    sign_in(client)
    assert client.cookies["perfusion-node"] != first
    with httpx.Client(base_url=client.base_url, cookies={"perfusion-node": str(first)}) as old:
        assert old.get("/api/series").status_code == 401
    assert client.get("/api/series").status_code == 200
    assert page.last().detail == "not signed in"


def test_whoever_signs_out_is_out(site: Site) -> None:
    """The secret opens nothing any more, even where somebody kept it."""
    page, client = site
    sign_in(client)
    secret = client.cookies["perfusion-node"]
    token = csrf(client)["X-CSRF-Token"]
    answer = client.post("/sign-out", data={"csrf": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert page.last().what == "sign_out"
    with httpx.Client(base_url=client.base_url, cookies={"perfusion-node": secret}) as kept:
        assert kept.get("/api/series").status_code == 401


@pytest.mark.parametrize(("idle", "used"), [(29, True), (31, False)])
def test_a_session_ends_when_nobody_uses_it(site: Site, idle: float, used: bool) -> None:
    """Half an hour without a person's doing, and the next request must sign in."""
    page, client = site
    sign_in(client)
    page.later(minutes=idle)
    assert (client.get("/api/series").status_code == 200) is used


def test_a_page_that_is_left_open_does_not_keep_its_session(site: Site) -> None:
    """What the page asks by itself to stay live is no use; what a person opens is."""
    page, client = site
    sign_in(client)
    by_itself = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
    for _ in range(29):
        page.later(minutes=1)
        assert client.get("/", headers=by_itself).status_code == 200
    page.later(minutes=2)
    assert client.get("/", headers=by_itself).status_code == 303


def test_a_session_ends_after_a_shift(site: Site) -> None:
    """Twelve hours after the sign-in it is over, however much it is used."""
    page, client = site
    sign_in(client)
    for _ in range(35):
        page.later(minutes=20)
        assert client.get("/api/series").status_code == 200
    page.later(minutes=20)
    assert client.get("/api/series").status_code == 401


@pytest.mark.parametrize("sent", [{}, {"X-CSRF-Token": "forged"}, {"X-CSRF-Token": ""}], ids=str)
def test_a_request_without_the_page_s_own_token_is_refused(
    site: Site, sent: dict[str, str]
) -> None:
    """CSRF: the cookie alone does nothing, and the attempt is told under Ana's name."""
    page, client = site
    sign_in(client)
    assert client.post(RETRY, headers=sent).status_code == 403
    assert client.post("/sign-out", data={"csrf": "forged"}).status_code == 403
    assert page.archive.series(SERIES).state is SeriesState.FAILED
    last = page.last()
    assert (last.who, last.result) == ("ana", AuditResult.REFUSED)
    assert last.detail == "the CSRF token is missing or wrong"


def test_the_csrf_token_of_another_session_is_worth_nothing(site: Site) -> None:
    """It belongs to one session."""
    page, client = site
    page.add("eve")
    sign_in(client, "eve")
    hers = csrf(client)
    sign_in(client)
    assert client.post(RETRY, headers=hers).status_code == 403
    assert client.post(RETRY, headers=csrf(client)).status_code == 200


def test_looking_at_a_patient_s_name_is_told(site: Site) -> None:
    """Who asked for the summary page, of which series; without sign-in nobody is shown it."""
    page, client = site
    sign_in(client)
    assert client.get(f"/series/{SERIES}/summary.png").status_code == 404, "there is none"
    last = page.last()
    assert (last.who, last.what, last.subject) == ("ana", "look_at_summary", SERIES)
    page.registry.remove_user("ana")
    assert client.get(f"/series/{SERIES}/summary.png").status_code == 403
    last = page.last()
    assert (last.means, last.result) == (Means.OPEN, AuditResult.REFUSED)


def test_a_viewer_looks_and_does_nothing(site: Site) -> None:
    """Reading is answered, an action is refused and told, the series stays as it was."""
    page, client = site
    page.registry.set_role("ana", Role.VIEWER)
    sign_in(client)
    assert client.get("/api/series").status_code == 200
    answer = client.post(RETRY, headers=csrf(client))
    assert answer.status_code == 403
    assert "operator" in answer.json()["found"]
    assert client.post("/api/destinations/pacs/echo", headers=csrf(client)).status_code == 403
    assert page.archive.series(SERIES).state is SeriesState.FAILED
    assert (page.last().who, page.last().result) == ("ana", AuditResult.REFUSED)


def test_what_a_role_allows_changes_at_once(site: Site) -> None:
    """A session does not carry its role along: a demotion holds from the next request on."""
    page, client = site
    sign_in(client)
    sent = csrf(client)
    page.registry.set_role("ana", Role.VIEWER)
    assert client.post(RETRY, headers=sent).status_code == 403
    page.registry.remove_user("ana")
    page.add("ben")
    assert client.get("/api/series").status_code == 401


def test_what_could_not_be_done_is_told_too(site: Site) -> None:
    """An action that the registry refuses is an entry with its reason."""
    page, client = site
    sign_in(client)
    sent = csrf(client)
    assert client.post(RETRY, headers=sent).status_code == 200
    assert client.post(f"/api/series/{SERIES}/complete", headers=sent).status_code == 409
    last = page.last()
    assert (last.what, last.result) == ("complete", AuditResult.FAILED)
    assert "cannot be asked to complete" in last.detail


@pytest.mark.parametrize(
    "there",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/a\r\nb",
        "",
    ],
)
def test_signing_in_leads_to_no_other_site(site: Site, there: str) -> None:
    """Where to go afterwards is a path of this page, whatever the link said."""
    _, client = site
    assert client.get("/sign-in", params={"next": there}).text.count('name="next" value="/"') == 1
    sent = {"name": "ana", "password": "four words of nonsense", "next": there}
    assert client.post("/sign-in", data=sent).headers["location"] == "/"


def test_a_link_on_another_site_finds_the_session(site: Site) -> None:
    """The browser sends no cookie along such a link: it is made to ask again by itself."""
    _, client = site
    answer = client.get(f"/series/{SERIES}?x=1&y=2", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert f'content="0; url=/series/{SERIES}?x=1&amp;y=2"' in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/static/%2e%2e/%2e%2e/settings.py",
        "/static/..%2f..%2fetc",
        "/series/%00",
        "/..%5c..%5cetc",
    ],
)
def test_a_path_that_climbs_is_refused(site: Site, path: str) -> None:
    """Path traversal ends at the guard, and is told."""
    page, client = site
    answer = client.get(path)
    assert answer.status_code == 400
    assert answer.json()["code"] == "no_path"
    assert page.last().detail == "the path climbs out of where it begins"


def test_what_the_guard_refuses_is_told(site: Site) -> None:
    """A foreign origin, an unknown name and a body without end are entries of the trail."""
    page, client = site
    client.post(RETRY, headers={"Origin": "https://evil.example"})
    assert page.last().detail == "the request came from a page of another origin"
    client.get("/", headers={"Host": "evil.example"})
    assert "not called 'evil.example'" in page.last().detail
    assert client.post("/sign-in", content=b"x" * 70_000).status_code == 413
    assert client.post("/sign-in", content=iter([b"x"])).status_code == 413
    assert "more than 65536 bytes" in page.last().detail
