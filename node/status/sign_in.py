"""The page to sign in on, and the way out."""

from html import escape
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from node.errors import NotSignedInError, TooManyAttemptsError
from node.people import Role, Visitor, digest
from node.status.doorkeeper import Doorkeeper
from node.status.pages import Pages
from node.status.sessions import LIMITS, Sessions
from node.status.visit import form, require
from node.status.whence import Whence

_Next = Annotated[str, Query(max_length=500)]


def router(pages: Pages, doorkeeper: Doorkeeper) -> APIRouter:
    """The addresses of signing in and out."""
    routes = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    sessions = Sessions(doorkeeper)

    @routes.get("/sign-in")
    def sign_in_page(
        request: Request, following: Annotated[_Next, Query(alias="next")] = "/"
    ) -> Response:
        if doorkeeper.visitor(request).role is not None:
            return RedirectResponse(own_path(following), status_code=303)
        return pages.sign_in(doorkeeper, own_path(following))

    @routes.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        fields = await form(request)
        name, following = fields.get("name", "")[:200], fields.get("next", "/")
        at = doorkeeper.whence(request)

        def attempt() -> Response:
            try:
                secret = sessions.by_password(name, fields.get("password", ""), at)
            except NotSignedInError:
                wrong = "The name or the password is wrong."
                return pages.sign_in(doorkeeper, own_path(following), wrong, name, 401)
            except TooManyAttemptsError as fault:
                wrong = f"Too many attempts failed. {fault.remedy}"
                answer: Response = pages.sign_in(doorkeeper, own_path(following), wrong, name, 429)
                answer.headers["Retry-After"] = str(int(LIMITS.window.total_seconds()))
                return answer
            forget_earlier(request, doorkeeper)
            answer = RedirectResponse(own_path(following), status_code=303)
            set_cookie(answer, doorkeeper, at, secret)
            return answer

        return await run_in_threadpool(attempt)

    @routes.post("/sign-out")
    def sign_out(request: Request, visitor: Annotated[Visitor, require(Role.VIEWER)]) -> Response:
        name = doorkeeper.cookie_name(doorkeeper.whence(request))
        if secret := request.cookies.get(name):
            sessions.end(secret, visitor)
        answer = RedirectResponse("/sign-in", status_code=303)
        answer.delete_cookie(name, path="/", httponly=True, samesite="strict")
        return answer

    return routes


def asked_for(request: Request) -> Response:
    """What a browser gets that asks for a page and is not signed in: the page to sign in on.

    A link on another site does not carry the session's cookie (SameSite=Strict): then the browser
    is made to ask again by itself, and only then sent to sign in.
    """
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.headers.get("sec-fetch-site") == "cross-site":
        return again(path)
    return RedirectResponse(f"/sign-in?next={quote(path, safe='')}", status_code=303)


def again(path: str) -> Response:
    """A page that does nothing but ask for another, on this site's own behalf."""
    there = escape(own_path(path), quote=True)
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Perfusion Node</title>'
        f'<meta http-equiv="refresh" content="0; url={there}"></head>'
        f'<body><p><a href="{there}">Go on</a></p></body></html>'
    )


def own_path(text: str) -> str:
    """A path of this page; its first page for anything that leads elsewhere."""
    inside = text.startswith("/") and not text.startswith(("//", "/\\", "/sign-"))
    return text if inside and text.isprintable() and "\\" not in text else "/"


def set_cookie(answer: Response, doorkeeper: Doorkeeper, at: Whence, secret: str) -> None:
    """Give the browser its session: no script reads it, no other site sends it."""
    answer.set_cookie(
        doorkeeper.cookie_name(at),
        secret,
        path="/",
        secure=at.https,
        httponly=True,
        samesite="strict",
    )


def forget_earlier(request: Request, doorkeeper: Doorkeeper) -> None:
    """End the session that the browser had before: a sign-in always begins a new one."""
    name = doorkeeper.cookie_name(doorkeeper.whence(request))
    if secret := request.cookies.get(name):
        doorkeeper.people.end_session(digest(secret))
