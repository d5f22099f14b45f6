"""Pausing and resuming what the node does, from the page and by scripts."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request

from node import log
from node.people import Role, Visitor
from node.ports import Activity, Archive, Pause
from node.status import schema
from node.status.problems import Problem
from node.status.view import ACTIVITY_WORDS
from node.status.visit import audited, require
from node.status.watch import Watch

_log = log.get("status")
BY_THE_PAGE = "somebody on the status page"
_PROBLEMS = {status: {"model": Problem} for status in (401, 403, 422, 503)}


def router(archive: Archive, watch: Watch) -> APIRouter:
    """The addresses below /api/activities."""
    routes = APIRouter(prefix="/api/activities", tags=["activities"])

    @routes.get("", responses=_only(401, 403, 422, 503))
    def activities() -> list[schema.ActivityView]:
        """Receiving, analysing and delivering: which is paused, by whom and since when."""
        paused = {each.activity: each for each in archive.pauses()}
        return [_view(activity, paused.get(activity)) for activity in Activity]

    @routes.post("/{activity}/{action}", responses=_only(401, 403, 422, 503))
    def change(
        activity: Activity,
        action: Literal["pause", "resume"],
        request: Request,
        visitor: Annotated[Visitor, require(Role.OPERATOR)],
    ) -> schema.PausedView:
        """Pauses an activity until it is resumed, or lets it go on; asking twice does no harm."""
        made = None
        with audited(request, visitor, action, str(activity)):
            if action == "pause":
                made = archive.pause(activity, visitor.name or BY_THE_PAGE)
            else:
                archive.resume(activity)
        watch.changed()
        _log.info("activity_changed", activity=str(activity), action=action)
        words = ACTIVITY_WORDS[activity].paused if made else f"{activity} goes on"
        return schema.PausedView(activity=activity, paused=made is not None, words=f"{words}.")

    return routes


def _only(*statuses: int) -> dict[int | str, dict[str, object]]:
    return {status: dict(_PROBLEMS[status]) for status in statuses}


def _view(activity: Activity, pause: Pause | None) -> schema.ActivityView:
    by, since = (pause.by, pause.since) if pause else ("", None)
    return schema.ActivityView(activity=activity, paused=pause is not None, by=by, since=since)
