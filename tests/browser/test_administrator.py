"""An administrator at the status page of a real node: registry, spool and steps are real."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from node.errors import InferenceError
from node.jobs.steps import Steps
from node.people import Role
from node.ports import Activity, SeriesQuery, SeriesState
from node.registry import schema
from node.settings import JobsSettings
from tests.benchmarks.pages import fill
from tests.support.bench_node import (
    BenchNode,
    bench_settings,
    complete_series,
    receive_dataset,
)
from tests.support.chromium import Browser, chromium
from tests.support.ctp import CtpSpec, build_series
from tests.support.guarded import PASSWORD, guarded
from tests.support.serving import served

YESTERDAY = CtpSpec(slices=2, frames=10, seed=7, series_description="Stroke CTP 4D")
TODAY = CtpSpec(slices=2, frames=10, seed=8, series_description="Head Perfusion 5.0")
STUDIES = 60


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@dataclass
class Desk:
    """The page open in a browser, and a worker that does a step when the test says so."""

    node: BenchNode
    steps: Steps
    browser: Browser
    address: str

    def open(self, path: str = "/") -> None:
        self.browser.open(self.address + path)
        self.is_live()
        self.browser.run("window.stayed = true")

    def is_live(self) -> None:
        """A page can be seen before its script listens to what is pressed."""
        self.browser.wait("document.querySelector('#link')?.innerText === 'live'")

    def click(self, selector: str) -> None:
        self.browser.wait(f"document.querySelector({selector!r}) !== null")
        self.browser.run(f"document.querySelector({selector!r}).click()")

    def sees(self, text: str, selector: str = "body") -> None:
        self.browser.wait(f"document.querySelector({selector!r})?.innerText.includes({text!r})")

    def type(self, text: str) -> None:
        for key in text:
            self.browser.press(key)

    @property
    def has_stayed(self) -> bool:
        """Whether what is seen was never loaded again."""
        return bool(self.browser.run("window.stayed === true"))


@pytest.fixture
def desk(browser: Browser, tmp_path: Path) -> Iterator[Desk]:
    settings = bench_settings(tmp_path, 1, jobs=JobsSettings(max_attempts=1))
    browser.look(width=1280, height=900)
    browser.complaints.clear()
    with ExitStack() as stack:
        node = stack.enter_context(BenchNode(settings))
        fill(node.registry, STUDIES, datetime.now(UTC))
        address = stack.enter_context(served(node.status_app()))
        yield Desk(node, Steps(node), browser, address)
        browser.open("about:blank")


def failed_yesterday(desk: Desk) -> str:
    """A study that came a day ago, and whose analysis the network failed; its UID."""
    desk.node.fake_model.fault = InferenceError("the network ran out of memory on cuda:0")
    uid = complete_series(desk.node, YESTERDAY)
    desk.steps.analyse(uid)
    desk.node.fake_model.fault = None
    table, ago = schema.series, datetime.now(UTC) - timedelta(hours=25)
    with desk.node.registry._database.writing() as connection:
        then = {"received_first_at": ago, "received_last_at": ago, "completed_at": ago}
        query = sa.update(table).where(table.c.series_instance_uid == uid).values(**then)
        connection.execute(query)
    return uid


def test_it_is_clear_why_yesterdays_study_has_no_maps_and_it_is_sent_again(desk: Desk) -> None:
    """From the page alone: search, read the reason, press one button, watch the maps arrive.

    Six letters, one click to the study, one button; nothing is loaded again by hand, no log is
    read and no prompt is needed.
    """
    uid = failed_yesterday(desk)
    desk.open()
    desk.browser.press("/")
    desk.type("stroke")
    desk.sees("1–1 of 1 series", "#table")
    row = desk.browser.text("#table tbody tr").replace("\n", " ")
    assert "failed" in row
    assert "The network ran out of memory on cuda:0." in row
    assert "perfusion-node check" in row, "what to do about it"
    assert "1 d" in row
    desk.click("#table tbody th a")
    desk.browser.wait("document.querySelector('form[action$=retry] button') !== null")
    desk.sees("The network ran out of memory", "#found")
    desk.is_live()
    desk.browser.run("window.stayed = true")
    desk.click("form[action$=retry] button")
    desk.sees("Now to analyse", "#result")
    assert desk.steps.analyse(uid) is SeriesState.READY
    desk.sees("to deliver", "#head")
    assert desk.steps.deliver(uid) is SeriesState.DELIVERED
    desk.sees("delivered", "#head")
    assert desk.has_stayed
    record = desk.node.registry.series(uid)
    sent = {result.sop_instance_uid for result in record.results}
    assert set(desk.node.fake_pacs["pacs0"].received) == sent != set()
    assert desk.browser.complaints == []


def test_a_study_is_watched_on_its_way_without_reloading(desk: Desk) -> None:
    """From its first image to its maps: every state shows by itself, pictures included."""
    desk.open()
    images = build_series(TODAY)
    receive_dataset(desk.node, images[0])
    uid = TODAY.series_instance_uid
    row = f'[id="s{uid}"]'
    desk.sees("receiving", row)
    for each in images[1:]:
        receive_dataset(desk.node, each)
    desk.node.registry.declare_complete(uid)
    desk.sees("to analyse", row)
    desk.steps.analyse(uid)
    desk.sees("to deliver", row)
    desk.steps.deliver(uid)
    desk.sees("delivered", row)
    assert desk.has_stayed
    desk.open(f"/series/{uid}")
    desk.sees("Maps", "#maps h2")
    desk.sees("Contrast in artery", "#curves")
    desk.browser.run("document.querySelector('#maps img').scrollIntoView()")
    desk.browser.wait(
        "[...document.querySelectorAll('#maps img')].every((i) => i.naturalWidth > 100)"
    )
    assert desk.browser.run("document.querySelectorAll('#maps img').length") == 6
    desk.click("#maps a")
    desk.browser.wait("document.querySelector('img.large')?.naturalWidth > 700")
    assert desk.browser.complaints == []


def test_analysing_is_paused_and_resumed_from_the_page(desk: Desk) -> None:
    """One button; the banner says who and since when; no worker takes anything until it ends."""
    desk.open()
    desk.browser.run("window.confirm = () => true")
    desk.click(".valves form[action*=analysing] button")
    desk.sees("Analysing is paused", "#problems")
    uid = complete_series(desk.node, TODAY)
    desk.sees("to analyse", f'[id="s{uid}"]')
    assert desk.steps.analyse(uid) is None
    assert list(desk.steps.most_urgent()) == []
    assert [each.activity for each in desk.node.registry.pauses()] == [Activity.ANALYSING]
    desk.click("#problems .pause button")
    desk.browser.wait("document.querySelector('#problems .pause') === null")
    assert desk.steps.analyse(uid) is SeriesState.READY
    assert desk.has_stayed
    assert desk.browser.complaints == []


def test_a_series_is_put_first_with_a_button(desk: Desk) -> None:
    """It says so in the table, and is the next to be analysed."""
    first = complete_series(desk.node, YESTERDAY)
    urgent = complete_series(desk.node, TODAY)
    assert list(desk.steps.most_urgent()) == [first, urgent]
    desk.open(f"/series/{urgent}")
    desk.click("form[action$=prioritise] button")
    desk.sees("Now to analyse", "#result")
    assert list(desk.steps.most_urgent()) == [urgent, first]
    desk.open()
    desk.sees("first", f'[id="s{urgent}"] .state')


def test_a_stream_that_is_cut_off_is_done_without(desk: Desk) -> None:
    """Behind a proxy that lets no events through the page asks by itself, and follows still."""
    desk.browser.tell("Network.enable")
    desk.browser.tell("Network.setBlockedURLs", urls=["*/live"])
    try:
        desk.open()
        uid = complete_series(desk.node, TODAY)
        desk.sees("to analyse", f'[id="s{uid}"]')
        assert desk.has_stayed
    finally:
        desk.browser.tell("Network.setBlockedURLs", urls=[])
        desk.browser.tell("Network.disable")


def test_the_table_is_narrowed_and_paged_by_hand(desk: Desk) -> None:
    """Sender and age narrow it as they are chosen; older series are a click away."""
    total = desk.node.registry.find(SeriesQuery(perfusion_only=True)).total
    assert 50 < total <= STUDIES
    desk.open()
    desk.sees(f"1–50 of {total} series", "#table")
    desk.click(".pager [rel=next]")
    desk.sees(f"51–{total} of {total} series", "#table")
    desk.is_live()
    desk.browser.run(
        "const age = document.querySelector('select[name=age]'); age.value = 'hour';"
        " age.dispatchEvent(new Event('input', { bubbles: true }))"
    )
    hour = SeriesQuery(perfusion_only=True, since=datetime.now(UTC) - timedelta(hours=1))
    desk.sees(f"of {desk.node.registry.find(hour).total} series", "#table")
    assert desk.browser.run("new URL(location).searchParams.get('age')") == "hour"
    assert desk.browser.run("new URL(location).searchParams.get('page')") is None


def test_a_viewer_sees_everything_and_is_offered_nothing_to_press(
    browser: Browser, tmp_path: Path
) -> None:
    """Signed in, read, and refused by the node itself if a request is made all the same."""
    uid = "1.2.826.0.1.3680043.8.498.48"
    with guarded(tmp_path) as people, served(people.app()) as address:
        people.add("vera", role=Role.VIEWER)
        browser.look(width=1280, height=900)
        browser.open(f"{address}/sign-in")
        browser.run("document.querySelector('input[name=name]').focus()")
        for key in "vera":
            browser.press(key)
        browser.run("document.querySelector('input[name=password]').focus()")
        for key in PASSWORD:
            browser.press(key)
        browser.run("document.querySelector('input[name=password]').form.requestSubmit()")
        browser.wait("document.body?.innerText.includes('Sign out')")
        browser.open(f"{address}/series/{uid}")
        browser.wait("document.querySelector('#link')?.innerText === 'live'")
        assert "ran out of memory" in browser.text("#found")
        assert browser.run("document.querySelectorAll('#actions button').length") == 0
        asked = (
            f"fetch('/api/series/{uid}/retry', {{ method: 'POST', headers:"
            " { 'X-CSRF-Token': document.body.dataset.csrf } })"
            ".then((answer) => { window.answered = answer.status; })"
        )
        browser.run(f"void {asked}")
        browser.wait("window.answered === 403")
        assert people.archive.series(uid).state is SeriesState.FAILED
        assert people.last().result == "refused"
        browser.open("about:blank")
