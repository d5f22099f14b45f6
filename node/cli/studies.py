"""What an administrator asks and does about series at a prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.listing import print_series, print_whole_series
from node.cli.options import BadCallError, ConfigOption, JsonOption, settings_from
from node.cli.output import print_json, say
from node.cli.people import told
from node.errors import NodeError, UnknownSeriesError
from node.ports import Archive, SeriesRecord, SeriesState
from node.settings import Settings
from node.wiring import Node

if TYPE_CHECKING:
    from node.registry import Registry

_MOST = 100_000  # series that an ID is looked for among; far more than a spool holds
_NAMED = 5  # of several series that an ID fits
_Id = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="Series Instance UID, or enough of its end to be the only one."
    ),
]


class NoRegistryError(NodeError):
    """There is no registry to ask: the node has never run with these settings."""

    remedy = "Name the node's settings with --config FILE, or start it with: perfusion-node up"


def studies(
    config: ConfigOption = None,
    state: Annotated[
        list[SeriesState] | None,
        typer.Option("--state", case_sensitive=False, help="Only these states (repeatable)."),
    ] = None,
    search: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Part of a UID, description or sender's AE title."),
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many, newest first.")] = 50,
    json: JsonOption = False,
) -> None:
    """List series, the newest first: state, age, images, and why one waits or failed.

    The end of a UID is enough for show, retry, cancel, complete and resend.
    """
    with archive_of(config) as archive:
        found = archive.list_series(states=state or (), search=search, limit=limit)
    if json:
        print_json(found)
        return
    for record in found:
        print_series(record)
    if not found:
        say("No series matches." if state or search else "No series has been received yet.")
    elif len(found) == limit:
        say(f"The newest {limit}; more with --limit.")


def show(uid: _Id, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show everything about one series: times, volumes, flags, deliveries, history."""
    with archive_of(config) as archive:
        record = archive.series(_resolve(archive, uid))
    if json:
        print_json(record)
    else:
        print_whole_series(record)


def retry(uid: _Id, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Try again now: what failed, was refused or cancelled, or waits for its next try.

    A refused or cancelled series is analysed anew; a failed one goes on where it failed.
    """
    _act("retry", lambda archive, found: archive.retry(found), uid, config, json)


def cancel(uid: _Id, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Stop a series that has not been analysed or delivered yet; retry takes it up again."""
    _act("cancel", lambda archive, found: archive.cancel(found), uid, config, json)


def complete(uid: _Id, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Declare a series complete: it is analysed with the images that have arrived."""
    _act("complete", lambda archive, found: archive.declare_complete(found), uid, config, json)


def resend(uid: _Id, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Send every result of a series to every destination again."""
    _act("resend", lambda archive, found: archive.resend(found), uid, config, json)


def reanalyse(uid: _Id, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Analyse a series that has ended once more: the new result supersedes the old one.

    For another model or other settings, or where the maps are doubted. Its images must still
    be here.
    """
    _act("analyse", lambda archive, found: archive.analyse_again(found), uid, config, json)


def prioritise(uid: _Id, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Put a series before every other that waits for its analysis."""
    _act("prioritise", lambda archive, found: archive.prioritise(found), uid, config, json)


def _act(
    what: str,
    verb: Callable[[Archive, str], SeriesState],
    uid: str,
    config: Path | None,
    json: bool,
) -> None:
    with archive_of(config) as archive:
        found = _resolve(archive, uid)
        with told(archive, what, found):
            state = verb(archive, found)
    if json:
        print_json({"series_instance_uid": found, "state": state})
    else:
        say(f"{found} is now {state}")


@contextmanager
def archive_of(config: Path | None) -> Iterator[Registry]:
    """The registry that is there; asking for series never makes a new one."""
    settings = settings_from(config)
    file = registry_file(settings)
    if file is not None and not file.exists():
        raise NoRegistryError(f"there is no registry at {file}")
    with Node(settings) as node:
        yield node.registry


def registry_file(settings: Settings) -> Path | None:
    """Where the registry lies; None where it is on a database server."""
    scheme, _, rest = settings.database.partition(":///")
    return Path(rest.split("?")[0]) if scheme.startswith("sqlite") else None


def _resolve(archive: Archive, uid: str) -> str:
    """The one series whose UID is or ends with this.

    Raises
    ------
    UnknownSeriesError
        If there is none.
    BadCallError
        If it is empty.
    AmbiguousIdError
        If there are several.
    """
    wanted = uid.strip().lstrip("….")
    if not wanted:
        raise BadCallError("the ID is empty")
    fitting = [
        record
        for record in archive.list_series(search=wanted, limit=_MOST)
        if record.series_instance_uid.endswith(wanted)
    ]
    whole = [record for record in fitting if record.series_instance_uid == wanted]
    matches = whole or fitting
    if not matches:
        raise UnknownSeriesError(f"no series has a UID that is or ends with {wanted}")
    if len(matches) > 1:
        raise AmbiguousIdError(matches, wanted)
    return matches[0].series_instance_uid


class AmbiguousIdError(NodeError):
    """Several series have a UID that ends with what was given."""

    remedy = "Give more of the end of the UID."

    def __init__(self, matches: list[SeriesRecord], wanted: str) -> None:
        named = "".join(
            f"\n  {r.series_instance_uid}  {r.state}  {r.description}" for r in matches[:_NAMED]
        )
        more = f"\n  and {len(matches) - _NAMED} more" if len(matches) > _NAMED else ""
        super().__init__(f"the UIDs of {len(matches)} series end with {wanted}:{named}{more}")
