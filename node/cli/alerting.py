"""``alerts``: what is the matter, and whether people can be told."""

import logging
from datetime import UTC, datetime

import typer

from node.cli.options import BadCallError, ConfigOption, JsonOption, settings_from
from node.cli.output import print_json, print_table, say
from node.ports import Alert, AlertRecord
from node.wiring import Node


def show(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show what is the matter now, since when, and whether people were told.

    Exit code 1 where anything is.
    """
    with Node(settings_from(config, level=logging.ERROR)) as node:
        records = [each for each in node.registry.alerts() if each.over_at is None]
    if json:
        print_json(
            [
                {
                    "found": r.alert.found,
                    "remedy": r.alert.remedy,
                    "since": r.since,
                    "told": r.told_at,
                }
                for r in records
            ]
        )
    elif not records:
        say("Nothing is the matter.", style="green")
    else:
        print_table(
            "Alerts",
            ("Since", "Told", "Found, and what to do"),
            (
                (
                    f"{r.since:%Y-%m-%d %H:%M}",
                    f"{r.told_at:%H:%M}" if r.told_at else "no",
                    f"{r.alert.found}. {r.alert.remedy}",
                )
                for r in records
            ),
        )
    raise typer.Exit(1 if records else 0)


def trial(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Send a test message by every way of [alerts]; say which took it.

    Exit code 1 where one did not, 2 where there is none.
    """
    from node.alerts import ChannelError, channels, digest_of

    settings = settings_from(config, level=logging.ERROR)
    ways = channels(settings.alerts)
    if not ways:
        raise BadCallError("there is no way to tell anybody", "Set alerts.webhook or alerts.mail.")
    trial = Alert("test", "This is a test: nothing is the matter", "Nothing.")
    message = digest_of([AlertRecord(trial, datetime.now(UTC), None, None)], [], [])
    wrong: dict[str, str] = {}
    for way in ways:
        try:
            way.send(message)
        except ChannelError as fault:
            wrong[way.name] = str(fault)
    if json:
        print_json({way.name: {"taken": way.name not in wrong} for way in ways})
    else:
        for way in ways:
            bad = wrong.get(way.name)
            say(f"{way.name}: {bad or 'taken'}", style="red" if bad else "green")
    raise typer.Exit(1 if wrong else 0)
