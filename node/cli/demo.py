"""``demo``: the whole route on this machine, with one simulated stroke."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from node import log


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End afterwards instead of serving until Ctrl-C.")
    ] = False,
    folder: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Where scan, node and archive live; emptied at the start."
        ),
    ] = Path(".demo"),
) -> None:
    """Simulate a stroke, send it through the whole node, and check the maps that come back.

    Starts the node with an embedded Redis and SQLite and a small archive as its PACS, all on
    127.0.0.1. Needs the extras [cpu,simulate] and the repository's models package.
    """
    from node.cli.demo_route import walk

    log.configure(level=logging.WARNING)  # what the node does is in its own log
    raise typer.Exit(0 if walk(folder.resolve(), once=once) else 1)
