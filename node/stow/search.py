"""What a server says it has: a QIDO-RS search for the instances of a series (PS3.18 10.6)."""

import json
from collections.abc import Collection
from typing import Any

from node.errors import PeerUnreachableError
from node.settings import WebDestination
from node.stow.exchange import Answer, Exchange, fault_of, name_of

_DICOM_JSON = "application/dicom+json"
_SOP_INSTANCE_UID = "00080018"
_PAGE = 1000
_NOT_THERE = frozenset({404, 405, 501})
# The node's implementation class: no study has it, so that a search for it is cheap everywhere
# and brings no patient's data.
_NO_STUDY = "2.25.113850264671630074656366017188756390983"


class NotOfferedError(Exception):
    """The server does not answer such searches."""


def instances_of(
    exchange: Exchange,
    destination: WebDestination,
    series: tuple[str, str],
    wanted: Collection[str],
) -> set[str]:
    """Which of the wanted SOP Instance UIDs the server finds in a series of a study.

    A server may answer with fewer than it was asked for: it is asked until nothing new comes.

    Raises
    ------
    NotOfferedError
        If the server does not offer searches.
    PeerUnreachableError
        If it does not answer with a list.
    """
    study_uid, series_uid = series
    path = f"/studies/{study_uid}/series/{series_uid}/instances"
    found: set[str] = set()
    seen = 0
    while not found.issuperset(wanted):
        query = {"limit": str(_PAGE), "offset": str(seen)}
        answer = exchange.get(path, query, _DICOM_JSON)
        if answer.status in _NOT_THERE:
            probe = nothing(exchange)
            if probe.status in _NOT_THERE:
                raise NotOfferedError
            matches_of(destination, probe)  # searches are answered: it is the series that is not
            break
        matches = matches_of(destination, answer)
        fresh = {uid for match in matches if (uid := _uid(match)) in wanted} - found
        if not matches or (not fresh and seen):
            break
        found |= fresh
        seen += len(matches)
    return found


def nothing(exchange: Exchange) -> Answer:
    """The answer to the cheapest search: one for a study that does not exist."""
    return exchange.get("/studies", {"StudyInstanceUID": _NO_STUDY, "limit": "1"}, _DICOM_JSON)


def matches_of(destination: WebDestination, answer: Answer) -> list[Any]:
    """The matches of a search, none where it was answered with nothing.

    Raises
    ------
    PeerUnreachableError
        If the answer is no list of matches.
    """
    if answer.status not in (200, 204):
        raise fault_of(destination, answer)
    try:
        matches = json.loads(answer.body) if answer.body.strip() else []
    except (ValueError, RecursionError):
        matches = None
    if not isinstance(matches, list):
        raise PeerUnreachableError(
            f"{name_of(destination)} answered a search in no DICOM JSON",
            "Check url of the destination: what answers there is no DICOMweb server.",
        )
    return matches


def _uid(match: Any) -> str:
    element = match.get(_SOP_INSTANCE_UID) if isinstance(match, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    return str(values[0]) if isinstance(values, list) and values else ""
