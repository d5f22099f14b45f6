"""``logs``: what the node's parts said about one study."""

import logging
from typing import Annotated, Any

import typer

from node import log
from node.cli.options import ConfigOption, JsonOption, log_folder, settings_from
from node.cli.output import print_json, say
from node.errors import UnknownSeriesError
from node.ports import SeriesQuery
from node.wiring import Node

_FIRST = ("timestamp", "level", "room", "event")


def logs(
    uid: Annotated[
        str, typer.Argument(metavar="STUDY", help="A study's or series' UID, or enough of its end.")
    ],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Print every kept log line about a study or series, of all parts, in the order of time.

    Lines are kept for log.days below data_dir, on each machine its own. Exit code 1 where there
    is none.
    """
    settings = settings_from(config, level=logging.ERROR)
    with Node(settings) as node:
        words = _uids(node, uid)
    lines = list(log.kept_lines(log_folder(settings), words))
    if json:
        print_json(lines)
    for line in () if json else lines:
        say(_words(line))
    if not lines and not json:
        say("No log line about it is kept on this machine.", style="red")
    raise typer.Exit(0 if lines else 1)


def _uids(node: Node, uid: str) -> list[str]:
    """The UIDs of every series that is meant, and of its images."""
    found = [
        record
        for record in node.registry.find(SeriesQuery(search=uid, limit=200)).records
        if record.series_instance_uid.endswith(uid) or record.study_instance_uid.endswith(uid)
    ]
    if not found:
        raise UnknownSeriesError(f"no study or series is known whose UID ends in {uid}")
    return sorted({u for r in found for u in (r.series_instance_uid, r.study_instance_uid)})


def _words(line: dict[str, Any]) -> str:
    facts = " ".join(f"{key}={value}" for key, value in line.items() if key not in _FIRST)
    return " ".join((*(str(line.get(key, "")) for key in _FIRST), facts)).rstrip()
