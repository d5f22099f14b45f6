"""The pages: rendered here in full, kept live by static/status.js, which fetches them again."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query
from starlette.responses import HTMLResponse, JSONResponse

from node.people import Role, Visitor
from node.ports import Archive, DeliveryRecord, SeriesQuery, SeriesRecord, WorkerRecord
from node.status import (
    charts,
    filters,
    health,
    pictures,
    queue,
    table,
    timeline,
    view,
)
from node.status.api import Uid
from node.status.doorkeeper import Doorkeeper
from node.status.log_lines import logged
from node.status.probes import Probes
from node.status.problems import Problem
from node.status.table import Wanted
from node.status.templating import templates
from node.status.visit import require
from node.status.watch import Watch

BARS = 24
LINES = 500
"""Log lines that are shown, the latest."""
STUDY = 100
"""Series of one study that are listed."""
SILENT = timedelta(seconds=45)
"""A worker that has not reported itself for so long is told as silent."""


class Pages:
    """The HTML of every page.

    Parameters
    ----------
    archive, probes
        What the pages show.
    watch
        Reads once for all who look at the same.
    """

    def __init__(self, archive: Archive, probes: Probes, watch: Watch) -> None:
        self._archive = archive
        self._probes = probes
        self._watch = watch
        self._templates = templates()

    def front(self, wanted: Wanted) -> HTMLResponse:
        """The queue at a glance and the table of series."""
        now = self._probes.now()
        found = self._watch.read(wanted, lambda: table.look(self._archive, wanted, now))
        glance = self._watch.read(
            "queue", lambda: queue.look(self._archive, now, self._probes.target_s)
        )
        return self.page(
            "queue.html",
            queue=glance,
            bars=_bars(glance.turnround, BARS),
            filters=filters.FILTERS,
            ages=filters.AGES,
            wanted=wanted,
            found=found,
            **self._words(now),
        )

    def series(self, uid: str) -> HTMLResponse:
        """One series in full."""
        record = self._watch.read(("series", uid), lambda: self._archive.series(uid))
        study = SeriesQuery(study_instance_uid=record.study_instance_uid, limit=STUDY)
        others = self._watch.read(study, lambda: self._archive.find(study).records)
        return self.page(
            "series.html",
            record=record,
            study=others,
            stacks=pictures.stacks(record),
            has_summary=pictures.summary(record) is not None,
            charts=charts.charts(record.curves if record.summary else ()),
            chart_size=(charts.WIDTH, charts.HEIGHT),
            steps=timeline.steps(record),
            shares=timeline.shares(record.stages_s),
            figures=timeline.figures(record.summary),
            deliveries=_by_destination(record),
            turnround_s=queue.turnround_s(record),
            **self._words(self._probes.now()),
        )

    def log(self, uid: str) -> HTMLResponse:
        """What every part of the node on this machine said about a series, and about its study."""
        record = self._watch.read(("series", uid), lambda: self._archive.series(uid))
        uids = (record.series_instance_uid, record.study_instance_uid)
        began = record.received_first_at.astimezone(UTC).date()
        lines = self._watch.read(("log", uid), lambda: list(self._probes.log_lines(uids, began)))
        return self.page(
            "log.html",
            record=record,
            lines=[logged(line) for line in lines[-LINES:]],
            left_out=max(0, len(lines) - LINES),
        )

    def map(self, uid: str, result_uid: str) -> HTMLResponse:
        """The slices of one map, large.

        Raises
        ------
        ResultGoneError
            If the series has no such map here.
        """
        record = self._watch.read(("series", uid), lambda: self._archive.series(uid))
        shown = pictures.stacks(record)
        return self.page(
            "map.html",
            record=record,
            stacks=shown,
            chosen=pictures.one_of(shown, uid, result_uid),
        )

    def summary(self, uid: str, visitor: Visitor) -> HTMLResponse:
        """The summary page, which names the patient: for those who have signed in.

        Raises
        ------
        NotAllowedError
            If it is not known who asks.
        ResultGoneError
            If it is not here.
        """
        record = self._watch.read(("series", uid), lambda: self._archive.series(uid))
        page = pictures.summary_for(record, visitor)
        return self.page("map.html", record=record, stacks=(), chosen=page)

    def destinations(self) -> HTMLResponse:
        """The archives that receive results, and how each stands."""
        known = self._probes.destinations()
        names = [destination.name for destination in known]
        standing = self._watch.read("standing", lambda: self._archive.standing(names))
        return self.page(
            "destinations.html",
            destinations=known,
            standing={each.name: each for each in standing},
            **self._words(self._probes.now()),
        )

    def system(self) -> HTMLResponse:
        """Workers, disk, model and the settings as read."""
        now = self._probes.now()
        workers = self._watch.read("workers", self._archive.workers)
        return self.page(
            "system.html",
            workers=workers,
            providers=sorted({w.device for w in workers if w.device and _is_alive(w, now)}),
            settings=self._probes.settings(),
            is_alive=lambda worker: _is_alive(worker, now),
            **self._words(now),
        )

    def api(self, openapi: Mapping[str, object]) -> HTMLResponse:
        """The list of the API's addresses."""
        return self.page("api.html", api=openapi)

    def problem(self, status: int, problem: Problem) -> HTMLResponse:
        """What went wrong; asks nothing of the parts that may be at fault."""
        return self.bare("problem.html", status, problem=problem)

    def bare(self, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """A page that says nothing of the node itself."""
        page = template.removesuffix(".html")
        html = self._templates.get_template(template).render(page=page, bare=True, **values)
        return HTMLResponse(html, status_code=status)

    def sign_in(
        self,
        doorkeeper: Doorkeeper,
        following: str = "/",
        wrong: str = "",
        name: str = "",
        status: int = 200,
    ) -> HTMLResponse:
        """The page to sign in on, and what went wrong before."""
        provider = doorkeeper.settings.oidc
        return self.bare(
            "sign_in.html",
            status,
            following=following,
            wrong=wrong,
            name=name,
            oidc=provider.label if provider.signs_in else "",
            by_password=doorkeeper.people.has_users(),
        )

    def page(self, template: str, **values: object) -> HTMLResponse:
        """A page with the node's own state around it."""
        state = self._watch.read("health", lambda: health.ask(self._probes))
        html = self._templates.get_template(template).render(
            page=template.removesuffix(".html"),
            bare=False,
            problems=state.reasons,
            warnings=state.warnings,
            pauses=self._watch.read("pauses", self._archive.pauses),
            no_destination=not self._probes.destinations(),
            disk=state.disk,
            low_disk=state.disk.low,
            model=state.model,
            version=self._probes.software_version,
            now=self._probes.now(),
            **values,
        )
        return HTMLResponse(html)

    def _words(self, now: datetime) -> dict[str, object]:
        quiet_s = self._probes.quiet_s
        return {
            "situation": lambda record: view.situation(record, now, quiet_s),
            "next_step": lambda record: view.next_step(record, now),
            "age": lambda at: view.age(at, now),
        }


def router(pages: Pages, app: FastAPI) -> APIRouter:
    """The pages' addresses."""
    routes = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @routes.get("/")
    def front(wanted: Annotated[Wanted, Query()]) -> HTMLResponse:
        return pages.front(wanted)

    @routes.get("/series/{uid}")
    def series(uid: Uid) -> HTMLResponse:
        return pages.series(uid)

    @routes.get("/series/{uid}/log")
    def series_log(uid: Uid) -> HTMLResponse:
        return pages.log(uid)

    @routes.get("/series/{uid}/maps/{result_uid}")
    def one_map(uid: Uid, result_uid: pictures.ResultUid) -> HTMLResponse:
        return pages.map(uid, result_uid)

    @routes.get("/series/{uid}/summary")
    def summary(uid: Uid, visitor: Annotated[Visitor, require(Role.VIEWER)]) -> HTMLResponse:
        return pages.summary(uid, visitor)

    @routes.get("/destinations")
    def destinations() -> HTMLResponse:
        return pages.destinations()

    @routes.get("/system")
    def system() -> HTMLResponse:
        return pages.system()

    @routes.get("/openapi.json", response_class=JSONResponse)
    def openapi() -> dict[str, object]:
        return app.openapi()

    @routes.get("/docs")
    def docs() -> HTMLResponse:
        return pages.api(app.openapi())

    return routes


def _is_alive(worker: WorkerRecord, now: datetime) -> bool:
    """Whether it has reported itself lately; it does every ten seconds."""
    return now - worker.seen_at < SILENT


def _by_destination(record: SeriesRecord) -> dict[str, list[tuple[str, DeliveryRecord]]]:
    """Each destination's deliveries beside the object's description, in order of sending."""
    descriptions = {r.sop_instance_uid: r.description or r.kind for r in record.results}
    found: defaultdict[str, list[tuple[str, DeliveryRecord]]] = defaultdict(list)
    for delivery in record.deliveries:
        description = descriptions.get(delivery.sop_instance_uid, delivery.sop_instance_uid)
        found[delivery.destination].append((description, delivery))
    return dict(found)


def _bars(clock: queue.Turnround, most: int) -> list[tuple[int, float, float, bool]]:
    """Place, height (of 100), seconds and lateness of each bar; the first is the target's line."""
    seconds = clock.recent_s[-most:]
    slowest = max(seconds, default=1.0)
    # a target far above them all would leave nothing of the bars to see: its line is off the top
    tallest = max(slowest, clock.target_s) if clock.target_s < 3 * slowest else slowest
    target = (-1, 100 * clock.target_s / tallest, clock.target_s, False)
    return [
        target,
        *(
            (place, max(4.0, 100 * s / tallest), s, s > clock.target_s)
            for place, s in enumerate(seconds)
        ),
    ]
