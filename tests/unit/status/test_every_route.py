"""No address of the page is forgotten: each asks who it is, or is meant to be open."""

import re
from collections.abc import Iterable, Iterator

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from node.people import Role
from tests.support.guarded import Guarded, csrf, guarded, sign_in
from tests.unit.status.conftest import Stage

OPEN = {
    "/health/live": "orchestrators have no session",
    "/health/ready": "orchestrators have no session",
    "/metrics": "Prometheus has no session; no series is named",
    "/sign-in": "whoever signs in has no session yet",
}
CHANGE = {"POST", "PUT", "PATCH", "DELETE"}
VALUES = {"uid": "1.2.826.0.1.3680043.8.498.48", "action": "retry", "name": "pacs"}


def routes(found: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """Every route, those of included routers too."""
    for route in found:
        inner = getattr(getattr(route, "original_router", None), "routes", None)
        if inner is not None:
            yield from routes(inner)
        elif isinstance(route, APIRoute):
            yield route


def addresses(page: Guarded, change: bool) -> list[tuple[str, str]]:
    """Method and path of every route that changes something, or that does not."""
    return sorted(
        (method, re.sub(r"{(\w+)}", lambda found: VALUES.get(found[1], "1"), route.path))
        for route in routes(page.app().routes)
        for method in route.methods
        if (method in CHANGE) is change
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("routes")) as one:
        one.add("ana", role=Role.VIEWER)
        yield one


@pytest.fixture
def client(page: Guarded, stage: tuple[Stage, httpx.Client]) -> Iterator[httpx.Client]:
    stage[0].app = page.app()
    with httpx.Client(base_url=stage[1].base_url, timeout=60.0) as one:
        yield one


@pytest.mark.parametrize("change", [False, True])
def test_every_address_asks_who_it_is(page: Guarded, client: httpx.Client, change: bool) -> None:
    """Whoever adds a route gets one that only people who are signed in may use."""
    found = addresses(page, change)
    assert len(found) > (3 if change else 10)
    answers = {path: client.request(method, path) for method, path in found if path not in OPEN}
    told = {path: (a.status_code, a.headers.get("location")) for path, a in answers.items()}
    astray = {
        path: (status, there)
        for path, (status, there) in told.items()
        if status != 401 and not (status == 303 and str(there).startswith("/sign-in?next="))
    }
    assert astray == {}


def test_a_viewer_can_change_nothing(page: Guarded, client: httpx.Client) -> None:
    """What changes something asks for more; but for one's own password, and to go."""
    sign_in(client)
    sent = csrf(client)
    allowed = {
        path
        for method, path in addresses(page, change=True)
        if path not in {*OPEN, "/sign-out", "/api/account/password"}
        and client.request(method, path, headers=sent).status_code != 403
    }
    assert allowed == set()
