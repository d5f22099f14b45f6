"""The page of the site's rules, on which they, or a draft of them, are tried."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse

from node.errors import SettingsError
from node.ports import Archive, SeriesRecord
from node.status import rulebook
from node.status.pages import Pages
from node.status.probes import Probes
from node.status.rulebook import Outcome, Question, Rulebook
from node.status.watch import Watch

LATEST = 50
"""Received series to choose from, the newest first."""


def router(pages: Pages, archive: Archive, probes: Probes, watch: Watch) -> APIRouter:
    """The page's address."""
    routes = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @routes.get("/rules")
    def rules(question: Annotated[Question, Query()]) -> HTMLResponse:
        present, wrong = probes.rulebook(None), None
        book: Rulebook | None = present
        try:
            book = present if question.rules is None else probes.rulebook(question.rules)
        except SettingsError as fault:
            book, wrong = None, fault
        record = archive.series(question.series) if question.series else None
        return pages.page(
            "rules.html",
            asked=question,
            record=record,
            latest=watch.read("latest", lambda: archive.list_series(limit=LATEST)),
            wrong=wrong,
            text=present.text if question.rules is None else question.rules,
            longest=rulebook.LONGEST,
            is_draft=book is not None and book.limits.rules != present.limits.rules,
            outcome=_outcome(question, record, book) if book else None,
        )

    def _outcome(question: Question, record: SeriesRecord | None, book: Rulebook) -> Outcome:
        if record is None:
            return rulebook.of_what_it_says(question, book)
        uid = record.series_instance_uid
        instances = watch.read(("instances", uid), lambda: archive.instances(uid))
        return rulebook.of_what_has_come(record, instances, book)

    return routes
