"""Rules tried in a browser, on a study that has come: what the draft says is what is seen."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from node.settings import AnalysisSettings, SelectionRule
from tests.support.bench_node import BenchNode, bench_settings, receive_series
from tests.support.chromium import Browser, chromium
from tests.support.ctp import CtpSpec
from tests.support.serving import served

USUAL = (
    SelectionRule(action="skip", description="*topogram*"),
    SelectionRule(action="usual", description="*perfusion*", priority=2),
)
STROKE = '[[analysis.rules]]\naction = "usual"\npriority = 9\ndestinations = ["pacs1"]\n'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


def facts(browser: Browser) -> dict[str, str]:
    """What the page says becomes of the series, by its labels."""
    rows = "[...document.querySelectorAll('#outcome .facts div')]"
    return dict(browser.run(f"{rows}.map(r => [...r.children].map(c => c.innerText))"))


def test_a_draft_is_tried_on_a_study_that_has_come(browser: Browser, tmp_path: Path) -> None:
    """From the study's page: one click, and the rules in effect; then a draft, which stays one."""
    settings = bench_settings(tmp_path, 1, 2, analysis=AnalysisSettings(rules=USUAL))
    browser.look(width=1280, height=1000)
    browser.complaints.clear()
    with ExitStack() as stack:
        node = stack.enter_context(BenchNode(settings))
        uid = receive_series(node, CtpSpec(frames=20, interval_s=2.0))
        address = stack.enter_context(served(node.status_app()))

        browser.open(f"{address}/series/{uid}")
        browser.run("document.querySelector('#history a[href^=\"/rules\"]').click()")
        browser.wait("document.querySelector('#outcome h2')?.innerText === 'Rule 2 decides'")
        assert facts(browser)["Priority"] == "2"
        assert facts(browser)["Analysed"] == "yes"
        assert {"To pacs0", "To pacs1"} <= facts(browser).keys()
        assert browser.text("#r1 td:last-child") == 'does not match not description "*topogram*"'

        area = "document.querySelector('#try textarea')"
        assert browser.run(f"{area}.value.includes('priority = 2')"), "those in effect are there"
        browser.run(f"{area}.value = {json.dumps(STROKE)}")
        browser.run("document.querySelector('#try button').click()")
        browser.wait("document.querySelector('#outcome h2')?.innerText === 'Rule 1 decides draft'")
        assert facts(browser)["Priority"] == "9"
        assert "To pacs0" not in facts(browser)
        assert browser.run(f"{area}.value") == STROKE
        assert browser.run("document.querySelector('#try select').value") == uid

        browser.run("document.querySelector('#try a').click()")
        browser.wait("document.querySelector('#outcome h2')?.innerText === 'No rule speaks of it'")
        assert browser.run(f"{area}.value.includes('priority = 2')")
        browser.open("about:blank")
    assert browser.complaints == []
