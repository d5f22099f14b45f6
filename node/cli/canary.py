"""``canary``: a simulated scan through the whole node, and whether it finds the truth."""

import logging
import time
from dataclasses import asdict
from typing import Annotated

import typer

from node.cli.options import BadCallError, ConfigOption, JsonOption, settings_from
from node.cli.output import console, print_json, print_table, say
from node.wiring import Node


def canary(
    config: ConfigOption = None,
    json: JsonOption = False,
    history: Annotated[
        bool, typer.Option("--history", help="Only show what became of the last runs.")
    ] = False,
) -> None:
    """Send a small simulated scan through the running node, and compare what it finds.

    It takes the way of every scan, from C-STORE to the maps, and ends before delivery: nothing
    of it goes to any PACS, and it is deleted afterwards. Exit code 1 where a number is wrong or
    it does not arrive.
    """
    settings = settings_from(config, level=logging.ERROR)
    with Node(settings) as node:
        if history:
            _show_history(node, json=json)
            return
        good = _run(node, json=json)
    raise typer.Exit(0 if good else 1)


def _run(node: Node, *, json: bool) -> bool:
    from node.jobs import Verdict, end_canary, judge_canary, send_canary

    began = time.monotonic()
    run = send_canary(node)
    if run is None:
        raise BadCallError(
            "a canary is under way", "Wait for it, and see: perfusion-node canary --history"
        )
    if run.ended_at is not None:
        verdict = Verdict(False, run.found)
    else:
        with console.status("Waiting for the canary's maps ...", spinner="dots"):
            while (found := judge_canary(node, run)) is None:
                time.sleep(0.5)
        verdict = found
        end_canary(node, run, verdict)
    took_s = round(time.monotonic() - began, 1)
    if json:
        print_json({**asdict(verdict), "took_s": took_s})
        return verdict.good
    if verdict.numbers:
        print_table(
            "The canary",
            ("", "Number", "Against", "Expected", "Found"),
            (
                (
                    "ok" if n.good else "WRONG",
                    n.key,
                    n.against,
                    f"{n.expected:.2f} +- {n.tolerance:.2f}",
                    "none" if n.found is None else f"{n.found:.2f}",
                )
                for n in verdict.numbers
            ),
        )
    say(f"{verdict.found}, after {took_s:.1f} s", style="green" if verdict.good else "red")
    return verdict.good


def _show_history(node: Node, *, json: bool) -> None:
    runs = node.registry.canaries(20)
    if json:
        print_json([asdict(run) for run in runs])
        return
    print_table(
        "The last canaries",
        ("Sent", "", "Found"),
        (
            (
                f"{run.begun_at:%Y-%m-%d %H:%M}",
                "under way" if run.good is None else "ok" if run.good else "WRONG",
                run.found,
            )
            for run in runs
        ),
    )
