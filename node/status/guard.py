"""What every answer carries and every request must pass: headers, Host and cross-site checks.

A page that listens on 127.0.0.1 may be without sign-in, but the administrator's browser can reach
it on behalf of any other page. Two things keep those out (OWASP CSRF prevention cheat sheet,
"Verifying Origin With Standard Headers" and Fetch Metadata): a name in ``Host`` that is not this
node's is refused, which stops DNS rebinding, and so is a request to change something that another
origin sends.
"""

import ipaddress
import json
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # not no-referrer: browsers then send a form's Origin as "null", and signing in is refused
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
READ_BY_MACHINES = ("/health/", "/metrics")
"""Paths without secrets that orchestrators read under whatever name they know the node by."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_BODY = 65_536
"""Largest body of a request [bytes]: it is read before it is known who asks."""
Refused = Callable[[Request, str], None]


class Guard:
    """ASGI middleware: refuses foreign names and origins, adds the security headers.

    Parameters
    ----------
    app
        What it protects.
    hosts
        Names, besides IP addresses, localhost and the machine's own name, under which the page
        is reached.
    refused
        Told of every request that is refused here, and why.
    """

    def __init__(
        self, app: ASGIApp, hosts: Iterable[str] = (), refused: Refused | None = None
    ) -> None:
        self._app = app
        self._refused = refused
        own = socket.gethostname().lower()
        self._names = frozenset({"localhost", own, *(name.lower() for name in hosts)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the request, or hands it on with the headers added to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                # Styles may be kept but are checked each time: they change with the version.
                kept = "no-cache" if scope["path"].startswith("/static/") else "no-store"
                headers.setdefault("Cache-Control", kept)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send_guarded)
            return
        if self._refused is not None:
            await run_in_threadpool(self._refused, Request(scope), refusal.found)
        await refusal.response(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> "_Refusal | None":
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not scope["path"].startswith(READ_BY_MACHINES) and not self._is_ours(host):
            return _refused(
                421,
                "unknown_host",
                f"this node is not called {host[:100]!r}",
                "Use its address, localhost or the machine's own name.",
            )
        if scope["method"] not in SAFE_METHODS and not _is_same_origin(headers, host):
            return _refused(
                403,
                "cross_origin",
                "the request came from a page of another origin",
                "Use the node's own page, the command line, or a script without Origin header.",
            )
        if _climbs(scope["path"]):
            return _refused(
                400,
                "no_path",
                "the path climbs out of where it begins",
                "Ask for an address that the page or /docs names.",
            )
        if scope["method"] not in SAFE_METHODS and not _is_small(headers):
            return _refused(
                413,
                "too_large",
                f"the request has more than {MAX_BODY} bytes, or does not say how many",
                "Images are sent by C-STORE; the API takes small documents only.",
            )
        return None

    def _is_ours(self, host: str) -> bool:
        name = _host_name(host)
        return name in self._names or _is_address(name)


def _is_same_origin(headers: Headers, host: str) -> bool:
    """Whether a browser says that our own page asks, or no browser asks at all."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == host.lower() != ""


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _climbs(path: str) -> bool:
    """Whether a decoded path names a folder above it, or holds what no path does."""
    return "\0" in path or ".." in re.split(r"[/\\]", path)


def _is_small(headers: Headers) -> bool:
    if "transfer-encoding" in headers:
        return False
    length = headers.get("content-length", "0")
    return length.isdecimal() and int(length) <= MAX_BODY


def _refused(status: int, code: str, found: str, remedy: str) -> "_Refusal":
    body = json.dumps({"code": code, "found": found, "remedy": remedy})
    return _Refusal(found, Response(body, status_code=status, media_type="application/json"))


@dataclass(frozen=True)
class _Refusal:
    found: str
    response: Response
