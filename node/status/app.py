"""The application: API, pages, health and metrics behind one guard."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from node import log
from node.errors import NodeError, NotSignedInError
from node.people import Role
from node.ports import Archive
from node.status import (
    administration,
    api,
    health,
    live,
    pages,
    pausing,
    people_pages,
    pictures,
    problems,
    rules_page,
    sign_in,
)
from node.status.doorkeeper import Doorkeeper, is_page
from node.status.guard import SECURITY_HEADERS, Guard
from node.status.pages import Pages
from node.status.probes import Probes
from node.status.visit import require
from node.status.watch import Watch

STATIC = Path(__file__).parent / "static"
_FOR_MACHINES = ("/api", "/health", "/metrics", "/openapi.json")
_log = log.get("status")


def create_app(
    archive: Archive,
    probes: Probes,
    *,
    hosts: Sequence[str] = (),
    doorkeeper: Doorkeeper | None = None,
) -> FastAPI:
    """The status page and its API over one registry.

    Parameters
    ----------
    archive
        The registry's reading and asking side.
    probes
        How to ask the other parts of the node.
    hosts
        Host names under which the page is reached, besides addresses, localhost and the
        machine's own name.
    doorkeeper
        Who may use it. Without one it is open to whoever reaches it, and nothing is audited:
        for a page that shows nobody's studies.
    """
    refused = doorkeeper.guarded if doorkeeper else None
    middleware = [Middleware(Guard, hosts=tuple(hosts), refused=refused)]
    vouched = doorkeeper is not None and doorkeeper.settings.oidc.signs_in
    if doorkeeper and vouched:
        middleware.append(_oidc().cookies(doorkeeper))
    app = FastAPI(
        title="Perfusion Node",
        summary="What became of each series. Not for diagnostic use.",
        version=probes.software_version,
        docs_url=None,
        redoc_url=None,
        middleware=middleware,
        openapi_url=None,
    )
    watch = Watch(lambda: _pulse(archive, probes))
    app.state.doorkeeper = doorkeeper
    shown = Pages(archive, probes, watch)
    looking = [require(Role.VIEWER)]
    app.include_router(api.router(archive, probes, watch), dependencies=looking)
    app.include_router(pausing.router(archive, watch), dependencies=looking)
    app.include_router(live.router(watch), dependencies=looking)
    app.include_router(pictures.router(archive), dependencies=looking)
    app.include_router(api.machine_router(archive, probes))
    app.include_router(pages.router(shown, app), dependencies=looking)
    app.include_router(rules_page.router(shown, archive, probes, watch), dependencies=looking)
    if doorkeeper:
        app.include_router(sign_in.router(shown, doorkeeper))
        app.include_router(administration.router(doorkeeper))
        if vouched:
            app.include_router(_oidc().router(shown, doorkeeper))
        app.include_router(people_pages.router(shown, doorkeeper))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _say_what_fails(app, shown)
    return app


def _oidc() -> ModuleType:
    """The room's OpenID part; Authlib's word to its developers about httpx2 is not passed on."""
    with warnings.catch_warnings(record=True):
        from node.status import oidc  # noqa: PLC0415 - only where a provider signs people in
    return oidc


def _pulse(archive: Archive, probes: Probes) -> str:
    """Differs whenever a page that shows series, or how the node is, would."""
    try:
        state = health.ask(probes)
        return f"{archive.pulse()} {state.reasons} {state.warnings}"
    except NodeError as fault:
        return str(fault)


def _methods(app: FastAPI, path: str) -> list[str]:
    """What may be asked of an address; the framework tells the first route's methods alone."""
    known: set[str] = set()
    for template, methods in app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
            known |= {method.upper() for method in methods}
    return sorted(known)


def _say_what_fails(app: FastAPI, shown: Pages) -> None:
    def answer(request: Request, status: int, problem: problems.Problem) -> Response:
        if request.url.path.startswith(_FOR_MACHINES):
            return JSONResponse(problem.model_dump(), status_code=status)
        return shown.problem(status, problem)

    @app.exception_handler(NodeError)
    def fault(request: Request, error: NodeError) -> Response:
        if isinstance(error, NotSignedInError) and is_page(request):
            return sign_in.asked_for(request)
        status, problem = problems.of_fault(error)
        if status >= 500:
            _log.warning("request_failed", path=request.url.path, code=problem.code)
        return answer(request, status, problem)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        return answer(request, *problems.of_request(error))

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        response = answer(request, *problems.of_http(error))
        if error.status_code == 405:
            told = (error.headers or {}).get("Allow", "GET")
            response.headers["Allow"] = ", ".join(_methods(app, request.url.path)) or told
        return response

    @app.exception_handler(Exception)
    def bug(request: Request, _: Exception) -> Response:
        # Starlette raises it again after this answer, so that the trace is in the log; it
        # answers outside of every middleware, so the guard's headers are added here.
        response = answer(request, *problems.of_bug())
        response.headers.update(SECURITY_HEADERS)
        return response
