"""Pictures of a series' maps, made small from the result objects that are kept here.

Colour maps name neither patient nor date (their BurnedInAnnotation is NO); the summary page, which
does, is shown to those who have signed in, and is kept by no browser.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from starlette.responses import Response

from node.errors import NotAllowedError, ResultGoneError
from node.people import Role, Visitor
from node.ports import Archive, SeriesRecord
from node.status.api import Uid
from node.status.visit import audited, require

_KEPT = 48
_FOR_AN_HOUR = {"Cache-Control": "private, max-age=3600"}
ResultUid = Annotated[str, InPath(pattern=r"^[0-9.]{1,64}$")]


class Size(StrEnum):
    """How large a picture is."""

    SMALL = "small"
    LARGE = "large"
    PAGE = "page"


_MARGINS = {Size.SMALL: 0.12, Size.LARGE: 0.0, Size.PAGE: 0.0}
_SIDES = {Size.SMALL: 120, Size.LARGE: 384, Size.PAGE: 1600}


@dataclass(frozen=True)
class Stack:
    """The pictures of one map: a colour series of the results.

    Parameters
    ----------
    name
        What the series is called.
    uid
        Its Series Instance UID.
    files
        One a slice, in order.
    """

    name: str
    uid: str
    files: tuple[Path, ...]


def stacks(record: SeriesRecord) -> tuple[Stack, ...]:
    """The maps of the latest revision that has any; none where their files are deleted."""
    if record.results_expired_at is not None:
        return ()
    coloured = [result for result in record.results if result.kind == "colour"]
    latest = max((result.revision for result in coloured), default=0)
    found: dict[str, list[Path]] = {}
    names: dict[str, str] = {}
    for result in coloured:
        if result.revision == latest:
            found.setdefault(result.series_instance_uid, []).append(result.path)
            names[result.series_instance_uid] = result.description.removeprefix("CTP ")
    return tuple(Stack(names[uid], uid, tuple(files)) for uid, files in found.items())


def summary(record: SeriesRecord) -> Stack | None:
    """The latest summary page; None where there is none (any more)."""
    pages = [result for result in record.results if result.kind == "summary_page"]
    if not pages or record.results_expired_at is not None:
        return None
    last = max(pages, key=lambda result: result.revision)
    return Stack("Summary page", last.series_instance_uid, (last.path,))


def summary_for(record: SeriesRecord, visitor: Visitor) -> Stack:
    """The summary page, which names the patient.

    Raises
    ------
    NotAllowedError
        If it is not known who asks.
    ResultGoneError
        If it is not here.
    """
    if not visitor.signed_in:
        raise NotAllowedError(
            "the summary page names the patient, and nobody has to sign in here",
            "Let people sign in: see status.open_to_all in docs/administration.md.",
        )
    found = summary(record)
    if found is None:
        raise ResultGoneError(f"series {record.series_instance_uid} has no summary page here")
    return found


def one_of(shown: Sequence[Stack], uid: str, result_uid: str) -> Stack:
    """The map of that Series Instance UID among those of a series.

    Raises
    ------
    ResultGoneError
        If it is none of them.
    """
    for stack in shown:
        if stack.uid == result_uid:
            return stack
    raise ResultGoneError(f"series {uid} has no map {result_uid} here")


class Gallery:
    """Makes pictures one at a time, and keeps the latest."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._kept: OrderedDict[tuple[str, Size], bytes] = OrderedDict()

    def png(self, stack: Stack, size: Size) -> bytes:
        """The slices of a map in one PNG.

        Raises
        ------
        ResultGoneError
            If a file is not here (any more).
        """
        from node.exports import montage  # noqa: PLC0415 - reads DICOM: only where it is looked at

        with self._turn:  # a picture costs a second of a core, which is the analysis' by right
            key = (stack.uid, size)
            if key not in self._kept:
                try:
                    self._kept[key] = montage(stack.files, _SIDES[size], _MARGINS[size])
                except OSError as fault:
                    raise ResultGoneError(
                        f"a result object of {stack.name} cannot be read: {fault.strerror}"
                    ) from fault
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]


def router(archive: Archive) -> APIRouter:
    """The pictures' addresses."""
    routes, gallery = APIRouter(include_in_schema=False), Gallery()

    @routes.get("/series/{uid}/maps/{result_uid}/{size}.png")
    def picture(uid: Uid, result_uid: ResultUid, size: Size) -> Response:
        stack = one_of(stacks(archive.series(uid)), uid, result_uid)
        png = gallery.png(stack, size)
        return Response(png, media_type="image/png", headers=_FOR_AN_HOUR)

    @routes.get("/series/{uid}/summary.png")
    def page(
        uid: Uid, request: Request, visitor: Annotated[Visitor, require(Role.VIEWER)]
    ) -> Response:
        with audited(request, visitor, "look_at_summary", uid):
            png = gallery.png(summary_for(archive.series(uid), visitor), Size.PAGE)
        return Response(png, media_type="image/png", headers={"Cache-Control": "no-store"})

    return routes
