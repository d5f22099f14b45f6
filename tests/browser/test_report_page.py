"""The page that `analyse` writes, opened from disk in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.exports import Exporter
from tests.support.chromium import Browser, chromium
from tests.support.ctp import CtpSpec
from tests.unit.derived.case import case
from tests.unit.exports.test_page import FACTS

SHOWN = "document.querySelector('.stack.shown img.shown')"
SLICES = 4


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    exporter = Exporter(frozenset({"html"}))
    given = case(CtpSpec(slices=SLICES, frames=2, rows=16, pixel_mm=12.0))
    for made in given.encoded():
        list(exporter.add(made))
    (page,) = exporter.finish(FACTS)
    path: Path = tmp_path_factory.mktemp("page") / page.name
    path.write_bytes(page.data)
    with chromium() as one:
        one.open(path.as_uri())
        yield one


def test_the_page_opens_on_the_lesion_in_the_middle_of_the_head(browser: Browser) -> None:
    """One picture is shown, whole and decoded, with its map and slice in words."""
    assert browser.run(f"{SHOWN}.alt") == f"CTP core and hypoperfusion, slice 2 of {SLICES}"
    browser.wait(f"{SHOWN}.complete && {SHOWN}.naturalWidth > 400")
    visible = "[...document.querySelectorAll('.stack img')].filter((i) => i.offsetParent)"
    assert browser.run(f"{visible}.length") == 1
    assert not browser.complaints


def test_buttons_choose_the_map_and_arrows_the_slice(browser: Browser) -> None:
    """The slice stays when the map changes, as readers expect; the ends hold."""
    browser.run("document.querySelector('button[data-stack=\"0\"]').click()")
    assert browser.run(f"{SHOWN}.alt").startswith("CTP CBF")
    assert browser.run("document.querySelector('button[aria-pressed=true]').dataset.stack") == "0"
    for _ in range(SLICES + 2):
        browser.press("ArrowDown")
    assert browser.run("document.getElementById('number').value") == f"{SLICES} of {SLICES}"
    browser.press("ArrowUp")
    assert browser.run(f"{SHOWN}.alt").endswith(f"slice {SLICES - 1} of {SLICES}")
    assert not browser.complaints
