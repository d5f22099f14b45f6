"""The status page over a real socket, and an archive in memory behind it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from node.ports import SeriesState
from node.status import Probes, create_app
from tests.support import night
from tests.support.fake_archive import FakeArchive, a_series
from tests.support.serving import served

Show = Callable[..., httpx.Client]


@dataclass
class Stage:
    """One server for all tests; each puts its own app on it."""

    app: Any = field(default_factory=lambda: create_app(FakeArchive(), night.probes()))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Stage, httpx.Client]]:
    one = Stage()
    with served(one) as address, httpx.Client(base_url=address, timeout=60.0) as client:
        yield one, client


@pytest.fixture
def show(stage: tuple[Stage, httpx.Client]) -> Show:
    """Serves a page over this archive and these probes, and hands out a client for it."""

    def serve(archive: FakeArchive, probes: Probes, **facts: Any) -> httpx.Client:
        stage[0].app = create_app(archive, probes, **facts)
        return stage[1]

    return serve


@dataclass
class Node:
    """A served page with one series in every state."""

    archive: FakeArchive
    client: httpx.Client

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def post(self, path: str, **headers: str) -> httpx.Response:
        return self.client.post(path, headers=headers)


@pytest.fixture
def node(show: Show) -> Node:
    archive = FakeArchive(*(a_series(n, state) for n, state in enumerate(SeriesState, start=1)))
    return Node(archive, show(archive, night.probes()))
