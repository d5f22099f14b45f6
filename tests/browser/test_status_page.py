"""The status page in a real browser, as an administrator uses it."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from node.ports import Activity, SeriesState
from node.status import create_app
from tests.support import night
from tests.support.chromium import Browser, chromium
from tests.support.fake_archive import NOW, FakeArchive, a_series
from tests.support.running_node import wait_for
from tests.support.serving import served

SERIES = "1.2.826.0.1.3680043.8.498"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
PAGES = [
    "/",
    "/?show=everything",
    f"/series/{SERIES}.65",
    f"/series/{SERIES}.3",
    f"/series/{SERIES}.48/log",
    "/destinations",
    "/system",
    "/docs",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@dataclass
class Page:
    """The page over an archive in memory, open in the browser."""

    archive: FakeArchive
    address: str
    browser: Browser

    def open(self, path: str = "/") -> None:
        self.browser.open(self.address + path)
        self.browser.wait("document.querySelector('#link').innerText === 'live'")

    def row(self, number: int) -> str:
        return self.browser.text(f"[id='s{SERIES}.{number}']").replace("\n", " ")

    def check_shows(self, text: str, selector: str = "body") -> None:
        self.browser.wait(f"document.querySelector('{selector}')?.innerText.includes('{text}')")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    archive = night.archive()
    browser.look(width=1280, height=900)
    browser.complaints.clear()
    with ExitStack() as stack:
        address = stack.enter_context(served(create_app(archive, night.probes())))
        yield Page(archive, address, browser)
        # Before the server ends: a page left open would complain that it does not answer.
        browser.open("about:blank")


def test_the_page_shows_the_night(page: Page) -> None:
    """State, reason, remedy and next try of each series are to be read without a click."""
    page.open()
    assert "Not for diagnostic use" in page.browser.text()
    assert "failed" in page.row(48)
    assert "ran out of memory" in page.row(48)
    assert "Next try in 18 s." in page.row(3)
    assert page.browser.text(".tile.bad .number") == "1"
    assert page.browser.complaints == []


def test_the_page_follows_the_registry_without_reloading(page: Page) -> None:
    """New series appear and states change by themselves; focus and the document stay."""
    page.open()
    page.browser.run("window.stayed = true; document.querySelector('#table tbody th a').focus()")
    analysing = page.archive.series(f"{SERIES}.2")
    page.archive.put(
        replace(analysing, state=SeriesState.DELIVERED, delivered_at=NOW),
        replace(a_series(0, SeriesState.RECEIVING), description="A new series"),
    )
    page.check_shows("A new series", "#table")
    page.browser.wait(f"document.getElementById('s{SERIES}.2').className.includes('good')")
    assert "delivered" in page.row(2)
    assert page.browser.text(".tile.wait .number") == "2"
    assert page.browser.run("window.stayed") is True
    assert page.browser.run("document.activeElement.innerText") == "Head Perfusion 5.0 H20f"
    assert page.browser.complaints == []


def test_a_database_that_fails_and_heals_is_followed(page: Page) -> None:
    """The last known state stays on the page beside a warning; then it is live again."""
    page.open()
    page.archive.down = True
    page.check_shows("database does not answer", "#link")
    assert "ran out of memory" in page.row(48)
    page.archive.down = False
    page.check_shows("live", "#link")


def test_a_page_that_is_not_there_is_not_asked_for_again(page: Page) -> None:
    """An unknown series is said once, without an alarm; a failing database is awaited."""
    page.browser.open(f"{page.address}/series/1.2.3")
    page.check_shows("No series 1.2.3 is known.")
    page.browser.wait("document.querySelector('#link').innerText === ''")
    page.archive.down = True
    page.browser.open(f"{page.address}/series/{SERIES}.48")
    page.check_shows("database does not answer", "#link")
    page.archive.down = False
    page.check_shows("Head Perfusion 10.0 Hr36", "h1")


def test_a_failed_series_is_tried_again_with_a_button(page: Page) -> None:
    """The button says what it came to, and the page follows."""
    page.open(f"/series/{SERIES}.48")
    page.browser.run("document.querySelector('form[action$=retry] button').click()")
    page.check_shows("Now to analyse: Waiting for an analysis worker.", "#result")
    page.check_shows("to analyse", "#head")
    assert page.archive.series(f"{SERIES}.48").state is SeriesState.COMPLETE
    page.check_shows("Retry asked", "#history")
    assert page.browser.complaints == []


def test_a_button_that_comes_too_late_says_so(page: Page) -> None:
    """When the state changed in between, the refusal and its remedy are shown."""
    page.open(f"/series/{SERIES}.48")
    page.archive.overtaken = True
    page.browser.run("document.querySelector('form[action$=retry] button').click()")
    page.check_shows("Not done: a series in state FAILED cannot be asked to retry", "#result")


def test_a_destination_is_echoed_with_a_button(page: Page) -> None:
    """The answer's time stands beside the button and stays there."""
    page.open("/destinations")
    page.browser.run("document.querySelector('#to-pacs button').click()")
    page.check_shows("Answered a C-ECHO in 4 ms.", "#echo-pacs")
    assert page.browser.text("#echo-viewer") == ""


def test_the_keyboard_finds_a_series(page: Page) -> None:
    """A slash goes to the search, what is typed narrows the table, j walks down its rows."""
    page.open()
    page.browser.press("/")
    for key in "AQUIL":
        page.browser.press(key)
    page.browser.wait("!document.querySelector('#table').innerText.includes('SOMATOM')")
    assert page.browser.run("document.querySelector('input[type=search]').value") == "AQUIL"
    assert page.browser.run("new URL(location).searchParams.get('search')") == "AQUIL"
    page.browser.press("Escape")
    page.browser.press("j")
    assert page.browser.run("document.activeElement.innerText") == "CTP Vol 4D 1.0 s"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("width", "phone"), [(1280, False), (1024, False), (768, False), (360, True)]
)
def test_no_page_scrolls_sideways(page: Page, path: str, width: int, phone: bool) -> None:
    """Every page fits a desktop, a tablet and a narrow phone, long names included."""
    long = a_series(4, SeriesState.RECEIVING, description="CTP_" + "x" * 60, ignored=3, conflicts=2)
    page.archive.put(long)
    page.browser.look(width=width, height=800, phone=phone)
    page.open(path)
    assert page.browser.run("document.documentElement.scrollWidth") <= width


def test_hostile_descriptions_run_nothing(page: Page) -> None:
    """Markup in a SeriesDescription is text on the first page, on its own and after an update."""
    page.open()
    page.archive.put(a_series(0, SeriesState.RECEIVING, description=HOSTILE))
    page.check_shows("<img src=x", "#table")
    page.open(f"/series/{SERIES}.0")
    page.archive.put(
        a_series(0, SeriesState.ANALYSING, description=HOSTILE + HOSTILE),
    )
    page.check_shows("analysing", "#head")
    assert page.browser.run("document.images.length") == 1, "the page's own sign"
    assert page.browser.complaints == []


def test_the_policy_stops_scripts_of_others(page: Page) -> None:
    """Were markup ever to slip through, the browser would refuse to run it."""
    page.open()
    page.browser.run(
        "window.ran = false; document.body.insertAdjacentHTML('beforeend',"
        " '<img src=x onerror=\"window.ran = true\">')"
    )
    wait_for(lambda: page.browser.run("true") and said_no(page.browser), "the browser refuses")
    assert page.browser.run("window.ran") is False


def said_no(browser: Browser) -> bool:
    return any("Content Security Policy" in complaint for complaint in browser.complaints)


def test_dark_and_light_are_both_legible(page: Page) -> None:
    """Text on every badge, tile and line has the contrast that WCAG 2 AA asks (4.5 to 1)."""
    page.archive.put(
        *(
            replace(a_series(2000 + place, state), received_last_at=NOW - timedelta(hours=place))
            for place, state in enumerate(SeriesState)
        )
    )
    page.archive.pause(Activity.DELIVERING, "anna")
    for dark in (False, True):
        page.browser.look(width=1280, height=900, dark=dark)
        for path in ("/?show=everything", f"/series/{SERIES}.3", "/system", "/destinations"):
            page.open(path)
            assert page.browser.run(WEAKEST_CONTRAST) >= 4.5, f"{path} dark={dark}"


WEAKEST_CONTRAST = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const contrast = (element) => {
    const [a, b] = [luminance(rgba(getComputedStyle(element).color)), luminance(ground(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const told = ".badge, .tile span, td, th, th a, th span, .notice, .choices a, nav a, .link, "
    + "footer span, dt, dd, .remedy, .next, .quiet, button, select, .valve, .legend li, "
    + "figcaption, .problem, summary";
  return Math.min(...[...document.querySelectorAll(told)].map(contrast));
})()
"""
