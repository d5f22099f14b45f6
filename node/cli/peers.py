"""Other DICOM nodes: is one there, and send it files."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import ConfigOption, JsonOption, settings_from
from node.cli.output import console, print_json, print_table, progress
from node.errors import PeerUnreachableError
from node.ports import StoreOutcome
from node.scu import is_stored
from node.wiring import Node

_Name = Annotated[str, typer.Argument(metavar="NAME", help="A destination's name in the settings.")]


def echo(
    config: ConfigOption = None,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A destination; all where omitted.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """C-ECHO a destination (or all) and say how fast it answers."""
    settings = settings_from(config)
    node = Node(settings)
    names = [name] if name else [d.name for d in settings.destinations]
    answers: dict[str, float | None] = {}
    for each in names:
        try:
            answers[each] = node.pacs(each).echo()
        except PeerUnreachableError as fault:
            answers[each] = None
            if not json:
                console.print(f"{each}: [red]no answer[/]: {fault}. {fault.remedy}")
        else:
            if not json:
                console.print(f"{each}: [green]answered[/] in {(answers[each] or 0) * 1000:.0f} ms")
    if json:
        print_json({each: {"answered": s is not None, "s": s} for each, s in answers.items()})
    if not names:
        console.print("There are no destinations in the settings.")
    raise typer.Exit(0 if names and None not in answers.values() else 1)


def send(
    folder: Annotated[Path, typer.Argument(exists=True, help="A file or folder of DICOM files.")],
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="A destination's name.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """C-STORE a folder's DICOM files to a destination."""
    files = [folder] if folder.is_file() else sorted(p for p in folder.rglob("*") if p.is_file())
    pacs = Node(settings_from(config)).pacs(to)
    outcomes: list[StoreOutcome] = []
    with progress() as bar:
        task = bar.add_task(f"Sending to {to}", total=len(files))

        def note(outcome: StoreOutcome) -> None:
            outcomes.append(outcome)
            bar.advance(task)

        pacs.store(files, note)
    stored = sum(o.status is not None and is_stored(o.status) for o in outcomes)
    if json:
        print_json({"files": len(files), "stored": stored, "outcomes": outcomes})
    else:
        print_table(
            f"{stored} of {len(files)} stored at {to}",
            ("DIMSE status", "Count", "Message"),
            (
                ("context rejected" if status is None else f"0x{status:04X}", str(n), message)
                for (status, message), n in Counter((o.status, o.message) for o in outcomes).items()
            ),
        )
    raise typer.Exit(0 if files and stored == len(files) else 1)
