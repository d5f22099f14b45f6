"""The pages of users and tokens, of the audit trail, and of one's own account."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse

from node.people import MIN_PASSWORD, Means, Role, Visitor
from node.ports import AuditResult
from node.status.administration import Question
from node.status.doorkeeper import Doorkeeper
from node.status.pages import Pages
from node.status.visit import require


def router(pages: Pages, doorkeeper: Doorkeeper) -> APIRouter:
    """The pages' addresses."""
    routes = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    administrators = [require(Role.ADMINISTRATOR)]

    @routes.get("/users", dependencies=administrators)
    def users() -> HTMLResponse:
        now = doorkeeper.now()
        return pages.page(
            "users.html",
            users=doorkeeper.people.users(),
            tokens=doorkeeper.people.tokens(),
            roles=tuple(Role),
            least=MIN_PASSWORD,
            is_good=lambda token: token.is_good(now),
        )

    @routes.get("/audit", dependencies=administrators)
    def audit(
        who: Annotated[str, Query(max_length=64)] = "",
        what: Annotated[str, Query(max_length=64)] = "",
        subject: Annotated[str, Query(max_length=500)] = "",
        result: Annotated[str, Query(max_length=16)] = "",
        before: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    ) -> HTMLResponse:
        known = AuditResult(result) if result in set(AuditResult) else None
        asked = Question(who=who, what=what, subject=subject, result=known, before=before)
        entries = doorkeeper.trail.entries(asked.asked())
        return pages.page(
            "audit.html",
            asked=asked,
            entries=entries,
            results=tuple(AuditResult),
            older=entries[-1].number if len(entries) == asked.limit else 0,
        )

    @routes.get("/account")
    def account(visitor: Annotated[Visitor, require(Role.VIEWER)]) -> HTMLResponse:
        return pages.page("account.html", own=visitor.means is Means.PASSWORD, least=MIN_PASSWORD)

    return routes
