"""The JSON API: what the page shows, for scripts and monitoring."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from node import log
from node.people import Role, Visitor
from node.ports import Archive, SeriesState
from node.status import health, metrics, schema
from node.status.probes import Probes
from node.status.problems import Problem
from node.status.queue import look
from node.status.view import badge, situation
from node.status.visit import audited, require
from node.status.watch import Watch

Action = Literal["retry", "cancel", "complete", "resend", "analyse", "prioritise"]
Uid = Annotated[str, Path(pattern=r"^[0-9.]{1,64}$", description="Series Instance UID")]
Search = Annotated[
    str,
    Query(
        max_length=100,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="part of a description, a sender's AE title or a UID",
    ),
]
Limit = Annotated[int, Query(ge=1, le=1000, description="how many at most")]
States = Annotated[
    list[SeriesState],
    Query(description=f"one of {', '.join(SeriesState)}; may be given several times"),
]
DestinationName = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]

_log = log.get("status")


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem} for status in (*statuses, 401, 403, 422, 503)}


def router(archive: Archive, probes: Probes, watch: Watch) -> APIRouter:
    """The routes below /api."""
    routes = APIRouter(prefix="/api")
    _add_reads(routes, archive, probes)
    _add_actions(routes, archive, probes, watch)
    _add_destinations(routes, probes)
    return routes


def machine_router(archive: Archive, probes: Probes) -> APIRouter:
    """Health and metrics, for orchestrators and Prometheus."""
    routes = APIRouter(tags=["health"])

    @routes.get("/health/live")
    def live() -> schema.HealthView:
        """Whether the process answers."""
        return schema.HealthView(status="live")

    @routes.get("/health/ready", responses={503: {"model": schema.HealthView}})
    def ready(response: Response) -> schema.HealthView:
        """Whether a study sent now would be received and analysed; else 503 and why not."""
        found = health.ask(probes)
        warnings = list(found.warnings)
        if found.reasons:
            response.status_code = 503
            reasons = list(found.reasons)
            return schema.HealthView(status="not ready", reasons=reasons, warnings=warnings)
        return schema.HealthView(status="ready", warnings=warnings)

    @routes.get("/metrics", response_class=Response)
    def prometheus() -> Response:
        """Metrics in Prometheus' text format."""
        return Response(
            metrics.text(archive, probes), headers={"Content-Type": metrics.CONTENT_TYPE}
        )

    return routes


def _add_reads(routes: APIRouter, archive: Archive, probes: Probes) -> None:
    @routes.get("/series", responses=_problems(), tags=["series"])
    def list_series(
        state: States = [],  # noqa: B006  FastAPI copies the default, and shows it in the schema
        search: Search = "",
        limit: Limit = 200,
    ) -> list[schema.SeriesLine]:
        """The newest series first."""
        found = archive.list_series(states=state, search=search, limit=limit)
        now = probes.now()
        return [schema.line(record, now, probes.quiet_s) for record in found]

    @routes.get("/series/{uid}", responses=_problems(404), tags=["series"])
    def one_series(uid: Uid) -> schema.SeriesFull:
        """Everything about one series: times, reason, results, deliveries, history."""
        return schema.full(archive.series(uid), probes.now(), probes.quiet_s)

    @routes.get("/queue", responses=_problems(), tags=["queue"])
    def queue() -> schema.QueueView:
        """Counts by state, the longest wait, and the time from the last image to the maps."""
        return schema.queue(look(archive, probes.now(), probes.target_s))


def _add_actions(routes: APIRouter, archive: Archive, probes: Probes, watch: Watch) -> None:
    asked: dict[str, Callable[[str], SeriesState]] = {
        "retry": archive.retry,
        "cancel": archive.cancel,
        "complete": archive.declare_complete,
        "resend": archive.resend,
        "analyse": archive.analyse_again,
        "prioritise": archive.prioritise,
    }

    @routes.post("/series/{uid}/{action}", responses=_problems(403, 404, 409), tags=["series"])
    def act(
        uid: Uid,
        action: Action,
        request: Request,
        visitor: Annotated[Visitor, require(Role.OPERATOR)],
    ) -> schema.ActionView:
        """Asks something of a series.

        ``retry`` what failed, was refused or waits; ``cancel`` what has not begun; ``complete``
        it with the images that came; ``resend`` its results; ``analyse`` it again, as a new
        revision; ``prioritise`` it before all that wait for their analysis.
        """
        with audited(request, visitor, action, uid):
            state = asked[action](uid)
        watch.changed()
        _log.info("action_asked", action=action, series_instance_uid=uid, state=str(state))
        record = archive.series(uid)
        words = situation(record, probes.now(), probes.quiet_s)
        return schema.ActionView(
            series_instance_uid=uid, state=state, words=f"Now {badge(record).word}: {words}."
        )


def _add_destinations(routes: APIRouter, probes: Probes) -> None:
    @routes.get("/destinations", responses=_problems(), tags=["destinations"])
    def destinations() -> list[schema.DestinationView]:
        """The archives that receive results."""
        return [schema.destination(info) for info in probes.destinations()]

    @routes.post(
        "/destinations/{name}/echo", responses=_problems(403, 404, 502), tags=["destinations"]
    )
    def echo(
        name: DestinationName,
        request: Request,
        visitor: Annotated[Visitor, require(Role.OPERATOR)],
    ) -> schema.EchoView:
        """Asks a destination for a C-ECHO, or a QIDO-RS search that finds nothing."""
        with audited(request, visitor, "echo", name):
            seconds = probes.echo(name)
        _log.info("destination_echoed", destination=name, seconds=round(seconds, 3))
        questions = {info.name: info.question for info in probes.destinations()}
        words = f"Answered a {questions.get(name, 'C-ECHO')} in {seconds * 1000:.0f} ms."
        return schema.EchoView(destination=name, seconds=seconds, words=words)
