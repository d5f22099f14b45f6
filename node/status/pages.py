"""The pages: rendered here in full, kept live by static/status.js, which fetches them again."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from node.ports import Archive, DeliveryRecord, SeriesRecord
from node.status import dimse, filters, health, queue, timeline, view
from node.status.api import Search, Uid
from node.status.probes import Probes
from node.status.problems import Problem

TEMPLATES = Path(__file__).parent / "templates"
SHOWN = 200
BARS = 24


class Pages:
    """The HTML of every page.

    Parameters
    ----------
    archive, probes
        What the pages show.
    """

    def __init__(self, archive: Archive, probes: Probes) -> None:
        self._archive = archive
        self._probes = probes
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= {
            "action_words": view.ACTION_WORDS,
            "actions": view.actions,
            "badge": view.badge,
            "duration": view.duration,
            "remedy": view.remedy,
            "size": view.size,
            "tally": _tally,
        }
        self._templates.filters |= {
            "dimse": dimse.words,
            "local": local,
            "sentence": view.sentence,
            "spaced": lambda name: name.replace("_", " "),
        }

    def front(self, show: str, search: str) -> HTMLResponse:
        """The queue at a glance and the table of series."""
        now = self._probes.now()
        chosen = filters.named(show)
        records = self._archive.list_series(states=chosen.states, search=search, limit=SHOWN)
        shown = [record for record in records if chosen.keeps(record)]
        glance = queue.look(self._archive, now)
        return self._page(
            "queue.html",
            queue=glance,
            bars=_bars(glance.turnround.recent_s[-BARS:]),
            filters=filters.FILTERS,
            chosen=chosen,
            search=search,
            records=shown,
            set_aside=len(records) - len(shown),
            cut=len(records) == SHOWN,
            **self._words(now),
        )

    def series(self, uid: str) -> HTMLResponse:
        """One series in full."""
        record = self._archive.series(uid)
        return self._page(
            "series.html",
            record=record,
            steps=timeline.steps(record),
            shares=timeline.shares(record.stages_s),
            figures=timeline.figures(record.summary),
            deliveries=_by_destination(record),
            turnround_s=queue.turnround_s(record),
            **self._words(self._probes.now()),
        )

    def destinations(self) -> HTMLResponse:
        """The archives that receive results."""
        return self._page("destinations.html", destinations=self._probes.destinations())

    def api(self, openapi: Mapping[str, object]) -> HTMLResponse:
        """The list of the API's addresses."""
        return self._page("api.html", api=openapi)

    def problem(self, status: int, problem: Problem) -> HTMLResponse:
        """What went wrong; asks nothing of the parts that may be at fault."""
        template = self._templates.get_template("problem.html")
        html = template.render(problem=problem, page="problem", bare=True)
        return HTMLResponse(html, status_code=status)

    def _page(self, template: str, **values: object) -> HTMLResponse:
        state = health.ask(self._probes)
        html = self._templates.get_template(template).render(
            page=template.removesuffix(".html"),
            bare=False,
            problems=state.reasons,
            warnings=state.warnings,
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
    def front(show: Annotated[str, Query(max_length=20)] = "", search: Search = "") -> HTMLResponse:
        return pages.front(show, search)

    @routes.get("/series/{uid}")
    def series(uid: Uid) -> HTMLResponse:
        return pages.series(uid)

    @routes.get("/destinations")
    def destinations() -> HTMLResponse:
        return pages.destinations()

    @routes.get("/docs")
    def docs() -> HTMLResponse:
        return pages.api(app.openapi())

    return routes


def local(at: datetime | None, form: str = "%H:%M:%S") -> str:
    """A UTC time on the clock of the machine the node runs on; a dash for None."""
    return at.astimezone().strftime(form) if at else "–"


def _by_destination(record: SeriesRecord) -> dict[str, list[tuple[str, DeliveryRecord]]]:
    """Each destination's deliveries beside the object's description, in order of sending."""
    descriptions = {r.sop_instance_uid: r.description or r.kind for r in record.results}
    found: defaultdict[str, list[tuple[str, DeliveryRecord]]] = defaultdict(list)
    for delivery in record.deliveries:
        description = descriptions.get(delivery.sop_instance_uid, delivery.sop_instance_uid)
        found[delivery.destination].append((description, delivery))
    return dict(found)


def _tally(objects: Sequence[tuple[str, DeliveryRecord]]) -> str:
    """How many of a destination's objects are in each state: ``7 stored, 2 skipped``."""
    numbers = Counter(str(delivery.state).lower() for _, delivery in objects)
    return ", ".join(f"{number} {state}" for state, number in numbers.most_common())


def _bars(seconds: Sequence[float]) -> list[tuple[int, float, float]]:
    """Place, height (of 100) and seconds of each bar of the little chart."""
    tallest = max(seconds, default=0.0) or 1.0
    return [(place, max(4.0, 100 * s / tallest), s) for place, s in enumerate(seconds)]
