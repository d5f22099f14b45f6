"""What an administrator asks and does about series at a prompt."""

from collections.abc import Callable
from typing import Annotated

import typer

from node.cli.options import ConfigOption, JsonOption, settings_from
from node.cli.output import age, console, print_json, print_table, until
from node.ports import Archive, SeriesRecord, SeriesState
from node.wiring import Node

_Id = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="Series Instance UID, or enough of its end to be the only one."
    ),
]


def studies(
    config: ConfigOption = None,
    state: Annotated[
        list[SeriesState] | None, typer.Option("--state", help="Only these states (repeatable).")
    ] = None,
    search: Annotated[str, typer.Option(help="Part of a UID or series description.")] = "",
    limit: Annotated[int, typer.Option(help="At most this many, newest first.")] = 50,
    json: JsonOption = False,
) -> None:
    """List series: state, age, images, and why one waits or failed."""
    with Node(settings_from(config)) as node:
        found = node.registry.list_series(states=state or (), search=search, limit=limit)
    if json:
        print_json(found)
        return
    print_table(
        f"{len(found)} series",
        ("State", "Last image", "Images", "Description", "Series Instance UID", "Why / next"),
        (
            (
                str(r.state),
                f"{age(r.received_last_at)} ago",
                str(r.instances),
                r.description,
                r.series_instance_uid,
                _why(r),
            )
            for r in found
        ),
    )


def show(uid: _Id, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show everything about one series: stages, volumes, flags, deliveries, history."""
    with Node(settings_from(config)) as node:
        record = node.registry.series(_resolve(node.registry, uid))
    if json:
        print_json(record)
        return
    facts = [
        ("State", str(record.state)),
        ("Study", record.study_instance_uid),
        ("Description", record.description),
        ("Received from", record.calling_ae_title),
        ("Images", f"{record.instances} ({record.conflicts} kept apart)"),
        ("Revision", str(record.revision)),
        ("Why / next", _why(record)),
        *((f"Stage {name}", f"{s:.2f} s") for name, s in record.stages_s.items()),
        *((name, "none" if v is None else f"{v:.4g}") for name, v in record.summary.items()),
        *((f"Flag {f.code}", f.found) for f in record.flags),
    ]
    print_table(record.series_instance_uid, ("", ""), facts)
    kinds = {r.sop_instance_uid: r.description for r in record.results}
    print_table(
        f"{len(record.deliveries)} deliveries",
        ("Destination", "Object", "State", "DIMSE status", "Tries", "Message"),
        (
            (
                d.destination,
                kinds.get(d.sop_instance_uid, d.sop_instance_uid),
                str(d.state),
                "" if d.status is None else f"0x{d.status:04X}",
                str(d.attempts),
                d.message,
            )
            for d in record.deliveries
        ),
    )
    print_table(
        "History",
        ("When (UTC)", "What", ""),
        ((f"{e.at:%Y-%m-%d %H:%M:%S}", e.name, e.detail) for e in record.events),
    )


def retry(uid: _Id, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Try a failed analysis or delivery again, now."""
    _act(lambda archive, found: archive.retry(found), uid, config, json)


def cancel(uid: _Id, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Stop a series that has not been analysed or delivered yet."""
    _act(lambda archive, found: archive.cancel(found), uid, config, json)


def complete(uid: _Id, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Declare a series complete: it is analysed with what has arrived."""
    _act(lambda archive, found: archive.declare_complete(found), uid, config, json)


def resend(uid: _Id, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Send every result of a series to every destination again."""
    _act(lambda archive, found: archive.resend(found), uid, config, json)


def _act(
    verb: Callable[[Archive, str], SeriesState], uid: str, config: ConfigOption, json: bool
) -> None:
    with Node(settings_from(config)) as node:
        found = _resolve(node.registry, uid)
        state = verb(node.registry, found)
    if json:
        print_json({"series_instance_uid": found, "state": state})
    else:
        console.print(f"{found} is now [bold]{state}[/]")


def _resolve(archive: Archive, uid: str) -> str:
    matches = [
        r.series_instance_uid
        for r in archive.list_series(search=uid, limit=1000)
        if r.series_instance_uid.endswith(uid)
    ]
    return matches[0] if len(matches) == 1 else uid


def _why(record: SeriesRecord) -> str:
    if record.reason:
        again = f" Next try in {until(record.next_try_at)}." if record.next_try_at else ""
        return f"{record.reason.found}. {record.reason.remedy}{again}"
    return record.waiting_for
