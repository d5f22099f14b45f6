"""The stream of changes: one look at the registry for all open pages."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from node.ports import SeriesState
from node.status import create_app
from tests.support import night
from tests.support.fake_archive import FakeArchive, a_series
from tests.support.running_node import wait_for
from tests.support.serving import served

SECONDS = 60.0


class Reader:
    """A page that is open: what the stream has told it."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.told = ""
        self._lines = answer.iter_lines()

    def rest(self) -> list[str]:
        return list(self._lines)

    def next_version(self) -> str:
        until = time.monotonic() + SECONDS  # the beats of a quiet stream keep the connection alive
        for line in self._lines:
            if line.startswith("data: "):
                self.told = line
                return line
            assert time.monotonic() < until, "nothing but beats"
        raise AssertionError("the stream has ended")


@contextmanager
def opened(address: str) -> Iterator[Reader]:
    """One client each: a connection of its own, as a browser has."""
    with httpx.stream("GET", f"{address}/live", timeout=SECONDS) as answer:
        yield Reader(answer)


@contextmanager
def opened_first(address: str) -> Iterator[Reader]:
    """The first page there: told at once, and again when the registry is first looked at."""
    with opened(address) as page:
        page.next_version()
        page.next_version()
        yield page


@pytest.fixture
def archive() -> FakeArchive:
    return night.archive()


@pytest.fixture
def address(archive: FakeArchive) -> Iterator[str]:
    with served(create_app(archive, night.probes())) as place:
        yield place


def test_a_change_in_the_registry_is_told(address: str, archive: FakeArchive) -> None:
    """What another process has done reaches an open page by itself."""
    with opened_first(address) as page:
        assert page.answer.headers["content-type"].startswith("text/event-stream")
        before = page.told
        archive.put(a_series(0, SeriesState.RECEIVING))
        assert page.next_version() != before


def test_a_database_that_fails_is_told_and_its_return_too(
    address: str, archive: FakeArchive
) -> None:
    """The stream stays; a page that asks again then sees what is wrong."""
    with opened_first(address) as page:
        archive.down = True
        page.next_version()
        assert httpx.get(f"{address}/", timeout=SECONDS).status_code == 503
        archive.down = False
        page.next_version()
        assert httpx.get(f"{address}/", timeout=SECONDS).status_code == 200


class Counted(FakeArchive):
    """Counts how often the table is read."""

    finds = 0

    def find(self, query: object) -> object:
        self.finds += 1
        return super().find(query)


def test_many_open_pages_cost_one_reading_a_change() -> None:
    """Ten pages that ask at once are answered from one reading, and see what changed."""
    archive = Counted(*(a_series(n, SeriesState.DELIVERED) for n in range(5)))
    with ExitStack() as stack:
        address = stack.enter_context(served(create_app(archive, night.probes())))
        pages = [stack.enter_context(opened(address)) for _ in range(10)]
        for page in pages:
            page.next_version()
        httpx.get(f"{address}/", timeout=SECONDS)
        once = archive.finds
        for _ in range(9):
            httpx.get(f"{address}/", timeout=SECONDS)
        assert archive.finds <= 2 * once, "read again only where it had grown old meanwhile"
        archive.put(a_series(0, SeriesState.FAILED, description="A new one"))
        for page in pages:
            page.next_version()
        assert "A new one" in httpx.get(f"{address}/", timeout=SECONDS).text


def test_nobody_there_nothing_is_asked(address: str, archive: FakeArchive) -> None:
    """The last page that closes ends the looking."""
    with opened(address) as page:
        page.next_version()
    seen: list[int] = []

    def is_quiet() -> bool:
        seen.append(archive.pulses)
        return len(seen) > 20 and len(set(seen[-20:])) == 1  # two seconds without a look

    assert wait_for(is_quiet, "the looking ends")


def test_what_a_button_changed_is_seen_at_once(address: str, archive: FakeArchive) -> None:
    """The page that pressed it never sees what was read before."""
    uid = "1.2.826.0.1.3680043.8.498.48"
    with opened(address) as page:
        page.next_version()
        assert "failed" in httpx.get(f"{address}/series/{uid}", timeout=SECONDS).text
        httpx.post(f"{address}/api/series/{uid}/retry", timeout=SECONDS).raise_for_status()
        shown = httpx.get(f"{address}/series/{uid}", timeout=SECONDS).text
        assert "Waiting for an analysis worker" in shown


def test_the_server_ends_though_pages_follow(archive: FakeArchive) -> None:
    """A stream ends with the server by itself; its reader sees the end, not an error."""
    with ExitStack() as outer:
        with served(create_app(archive, night.probes())) as address:
            page = outer.enter_context(opened(address))
            page.next_version()
        assert not any(line.startswith("data: ") for line in page.rest())
