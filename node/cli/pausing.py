"""Pausing and resuming what the node does, at a prompt."""

from dataclasses import asdict
from typing import Annotated

import typer

from node.cli.options import ConfigOption, JsonOption
from node.cli.output import print_json, say
from node.cli.people import person, told
from node.cli.studies import archive_of
from node.ports import Activity

_Activity = Annotated[
    Activity,
    typer.Argument(
        metavar="receiving|analysing|delivering", case_sensitive=False, show_default=False
    ),
]
_MEANS = {
    Activity.RECEIVING: "Senders are rejected for the time being and try again by themselves",
    Activity.ANALYSING: "What arrives is kept and waits; an analysis in hand is finished",
    Activity.DELIVERING: "Maps are made and kept here; a round in hand is finished",
}


def pause(activity: _Activity, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Pause receiving, analysing or delivering until somebody resumes it.

    Every process of the node obeys within seconds, and a restart changes nothing about it. The
    status page shows who paused what, and since when.
    """
    with archive_of(config) as archive, told(archive, "pause", str(activity)):
        made = archive.pause(activity, f"{person()} at the prompt")
    if json:
        print_json(asdict(made))
    else:
        say(f"{activity} is paused by {made.by}. {_MEANS[activity]}.")
        say(f"To go on: perfusion-node resume {activity}")


def resume(activity: _Activity, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Let receiving, analysing or delivering go on."""
    with archive_of(config) as archive, told(archive, "resume", str(activity)):
        was_paused = archive.resume(activity)
    if json:
        print_json({"activity": activity, "was_paused": was_paused})
    else:
        say(f"{activity} goes on." if was_paused else f"{activity} was not paused.")
