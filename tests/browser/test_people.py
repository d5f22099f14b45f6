"""Signing in and out in a real browser, and what a role shows and allows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.people import Role
from node.ports import AuditResult, SeriesState
from tests.support.bench_node import BenchNode, bench_settings, receive_dataset
from tests.support.chromium import Browser, chromium
from tests.support.ctp import CtpSpec, build_series
from tests.support.guarded import HASH, PASSWORD, Guarded, guarded
from tests.support.serving import served

FAILED = "1.2.826.0.1.3680043.8.498.48"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        one.look(width=1280, height=900)
        yield one


@dataclass
class Site:
    """A page with people, open in the browser."""

    page: Guarded
    address: str
    browser: Browser

    def go(self, path: str) -> None:
        self.browser.tell("Page.navigate", url=self.address + path)

    def sign_in(self, name: str = "ana", password: str = PASSWORD) -> None:
        """Type name and password, and press the button."""
        self.browser.wait("document.querySelector('#sign-in [name=name]') !== null")
        self.browser.run(
            f"document.querySelector('#sign-in [name=name]').value = '{name}';"
            f"document.querySelector('#sign-in [name=password]').value = '{password}';"
            "document.querySelector('#sign-in form button').click()"
        )

    def check_shows(self, text: str, selector: str = "body") -> None:
        self.browser.wait(f"document.querySelector('{selector}')?.innerText.includes(`{text}`)")

    def check_at(self, path: str) -> None:
        self.browser.wait(f"location.pathname === '{path}' && document.readyState === 'complete'")


@pytest.fixture
def site(browser: Browser, tmp_path: Path) -> Iterator[Site]:
    with guarded(tmp_path) as page:
        page.add("ana", role=Role.OPERATOR)
        page.add("vera", role=Role.VIEWER)
        page.add("adam", role=Role.ADMINISTRATOR)
        with served(page.app()) as address:
            browser.complaints.clear()
            yield Site(page, address, browser)
            browser.open("about:blank")
            browser.tell("Network.clearBrowserCookies")


def test_a_person_signs_in_works_and_signs_out(site: Site) -> None:
    """Back where they were going; a failed series is tried again; afterwards nothing is shown."""
    site.go(f"/series/{FAILED}")
    site.check_at("/sign-in")
    site.sign_in()
    site.check_at(f"/series/{FAILED}")
    site.check_shows("ana", "#who")
    site.browser.run("document.querySelector('form[action$=retry] button').click()")
    site.check_shows("Now to analyse", "#result")
    assert site.page.archive.series(FAILED).state is SeriesState.COMPLETE
    assert [(e.who, e.what) for e in site.page.trail(2)] == [("ana", "sign_in"), ("ana", "retry")]
    site.browser.run("document.querySelector('#who button').click()")
    site.check_at("/sign-in")
    site.go(f"/series/{FAILED}")
    site.check_at("/sign-in")
    assert site.browser.complaints == []


def test_a_wrong_password_is_told_and_may_be_typed_again(site: Site) -> None:
    """The words stay on the page; the name is still there, and the right password opens."""
    site.go("/")
    site.check_at("/sign-in")
    site.sign_in(password="not her password")
    site.check_shows("The name or the password is wrong.", "#sign-in")
    assert site.browser.run("document.querySelector('#sign-in [name=name]').value") == "ana"
    assert site.page.last().result is AuditResult.REFUSED
    site.sign_in()
    site.check_shows("ana", "#who")


def test_a_viewer_is_refused_in_words(site: Site) -> None:
    """No button is offered; what the console asks with the page's own token is refused."""
    site.go(f"/series/{FAILED}")
    site.check_at("/sign-in")
    site.sign_in("vera")
    site.check_shows("vera", "#who")
    site.check_shows("Hr36", "h1")
    assert site.browser.run("document.querySelectorAll('form[action$=retry]').length") == 0
    site.browser.run(
        f"fetch('/api/series/{FAILED}/retry', {{method: 'POST', headers: "
        "{'X-CSRF-Token': document.body.dataset.csrf}}).then((answer) => answer.json())"
        ".then((body) => { window.told = body.found; }); true"
    )
    site.browser.wait("window.told?.includes('the role operator is needed')")
    assert site.page.archive.series(FAILED).state is SeriesState.FAILED
    assert (site.page.last().who, site.page.last().result) == ("vera", AuditResult.REFUSED)
    assert "Audit trail" not in site.browser.text("nav")


def test_a_page_left_open_is_closed_when_its_session_ends(site: Site) -> None:
    """It asks to sign in by itself, and comes back to where it was."""
    site.go(f"/series/{FAILED}")
    site.check_at("/sign-in")
    site.sign_in()
    site.check_at(f"/series/{FAILED}")
    site.check_shows("live", "#link")
    site.page.later(minutes=31)
    site.check_at("/sign-in")
    assert "Hr36" not in site.browser.text()
    site.sign_in()
    site.check_at(f"/series/{FAILED}")


def test_a_link_on_another_site_finds_the_session_in_a_browser(site: Site, tmp_path: Path) -> None:
    """An alert's mail leads to the series, though the cookie is for this site's own requests."""
    site.go("/")
    site.check_at("/sign-in")
    site.sign_in()
    site.check_shows("ana", "#who")
    link = f"{site.address}/series/{FAILED}"
    elsewhere = tmp_path / "mail.html"
    elsewhere.write_text(f'<a id="there" href="{link}">the series</a>')
    site.browser.open(elsewhere.as_uri())
    site.browser.run("document.querySelector('#there').click()")
    site.check_at(f"/series/{FAILED}")
    site.check_shows("ana", "#who")


def test_an_administrator_adds_a_user_and_reads_the_trail(site: Site) -> None:
    """By the page alone; a token is shown once."""
    site.go("/users")
    site.check_at("/sign-in")
    site.sign_in("adam")
    site.check_at("/users")
    site.browser.run(
        "document.querySelector('#add-user [name=name]').value = 'ben';"
        f"document.querySelector('#add-user [name=password]').value = '{PASSWORD}';"
        "document.querySelector('#add-user button').click()"
    )
    site.check_shows("ben is viewer now.", "#result")
    site.check_shows("ben", "#users tbody")
    site.browser.run(
        "document.querySelector('#add-token [name=name]').value = 'export';"
        "document.querySelector('#add-token button').click()"
    )
    site.check_shows("is shown this once: pn_", "#result")
    site.go("/audit")
    site.check_at("/audit")
    site.check_shows("add token", "#entries")
    assert "pn_" not in site.browser.text()
    assert site.browser.complaints == []


def test_markup_in_an_image_s_header_is_inert(browser: Browser, tmp_path: Path) -> None:
    """SeriesDescription is shown as text; PatientName, received and kept, is on no page at all."""
    with BenchNode(bench_settings(tmp_path / "data", 1)) as node:
        (dataset, *_) = build_series(CtpSpec(slices=1, frames=1))
        dataset.SeriesDescription = HOSTILE
        dataset.PatientName = "Perfusion^<script>alert(3)</script>"
        dataset.PatientID = "secret-4711"
        receive_dataset(node, dataset)
        node.registry.add_user("ana", Role.VIEWER, HASH, node.probes().now())
        with served(node.status_app()) as address:
            site = Site(None, address, browser)  # type: ignore[arg-type]  # a whole node instead
            browser.complaints.clear()
            site.go("/?show=everything")
            site.check_at("/sign-in")
            site.sign_in()
            site.check_shows("<img src=x", "main")
            series = dataset.SeriesInstanceUID
            for path in ("/?show=everything", f"/series/{series}", "/system"):
                site.go(path)
                site.check_at(path.partition("?")[0])
                site.check_shows("live", "#link")
                shown = browser.run("document.documentElement.outerHTML")
                assert "alert(3)" not in shown
                assert "4711" not in shown
                assert browser.run("document.querySelector('img[src=x], main script')") is None
            assert browser.complaints == []
            browser.open("about:blank")
            browser.tell("Network.clearBrowserCookies")
