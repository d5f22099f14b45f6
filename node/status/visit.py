"""What every route asks first: who it is, and whether they may.

``dependencies=[require(Role.VIEWER)]`` on a router guards all of its routes; a route that changes
something takes ``visitor: Annotated[Visitor, require(Role.OPERATOR)]`` and does it within
``audited``. Templates read :func:`current` as ``visitor()``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from node.errors import NodeError, NotAllowedError
from node.people import Means, Role, Visitor
from node.status.doorkeeper import CSRF_HEADER, Doorkeeper
from node.status.guard import SAFE_METHODS

_OPEN = Visitor("", Role.OPERATOR, Means.OPEN)
_NOBODY = Visitor()
_current: ContextVar[Visitor] = ContextVar("visitor")
_BEARER = HTTPBearer(
    scheme_name="token", auto_error=False, description="perfusion-node tokens add NAME"
)
FORM = "application/x-www-form-urlencoded"


def require(role: Role) -> Any:
    """A dependency of FastAPI's: the :class:`~node.people.Visitor`, who may do what that role may.

    Everybody else is refused: 401 where it is not known who asks, 403 where they may not, or
    another page asks in their name.
    """

    async def admitted(
        request: Request, bearer: Annotated[object, Security(_BEARER)] = None
    ) -> Visitor:
        del bearer  # the doorkeeper reads it; here it is only told in the API's description
        doorkeeper = _doorkeeper(request)
        if doorkeeper is None:
            visitor = _OPEN
        else:
            token = await _csrf(request)
            visitor = await run_in_threadpool(doorkeeper.admit, request, role, token)
        _current.set(visitor)
        return visitor

    # what the tests ask of every route: see tests/unit/status/test_every_route.py
    admitted.__dict__["role"] = role
    return Depends(admitted)


def current() -> Visitor:
    """Who asks for what is being answered; nobody where no route has asked."""
    return _current.get(_NOBODY)


@contextmanager
def audited(
    request: Request, visitor: Visitor, what: str, subject: str = "", detail: str = ""
) -> Iterator[None]:
    """What is done within the block is an entry of the audit trail, whatever comes of it."""
    doorkeeper = _doorkeeper(request)
    if doorkeeper is None:
        yield
        return
    try:
        yield
    except NotAllowedError as fault:
        doorkeeper.trail.refused(visitor, what, subject, str(fault))
        raise
    except NodeError as fault:
        doorkeeper.trail.failed(visitor, what, subject, str(fault))
        raise
    doorkeeper.trail.done(visitor, what, subject, detail)


def _doorkeeper(request: Request) -> Doorkeeper | None:
    found: Doorkeeper | None = request.app.state.doorkeeper
    return found


async def _csrf(request: Request) -> str:
    """The CSRF token that came along, in a header or in a form."""
    if request.method in SAFE_METHODS:
        return ""
    if token := request.headers.get(CSRF_HEADER):
        return token
    if request.headers.get("content-type", "").partition(";")[0].strip() == FORM:
        return (await form(request)).get("csrf", "")
    return ""


async def form(request: Request) -> dict[str, str]:
    """The fields of a form; the guard has seen to its size."""
    body = (await request.body()).decode("utf-8", "replace")
    return {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
