"""``settings``: a commented file to begin with, and what is in effect."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import BadCallError, ConfigOption, JsonOption, settings_from
from node.cli.output import note, print_json, print_table


def init(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where it is written; - prints it.")
    ] = Path("node.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a settings file with every key, its default and its meaning as comments.

    It changes nothing until a key's "#" is taken away. Exit code 2 where the file is there.
    """
    from node.settings import example

    if str(out) == "-":
        typer.echo(example(), nl=False)
        return
    if out.exists() and not force:
        raise BadCallError(f"{out} is there already", "Name another with --out, or add --force.")
    try:
        out.write_text(example(), encoding="utf-8")
    except OSError as fault:
        raise BadCallError(
            f"{out} cannot be written: {fault.strerror}", "Name a place that can, with --out."
        ) from fault
    note(f"{out} is written. Check it with: perfusion-node check --config {out}")


def show(
    config: ConfigOption = None,
    json: JsonOption = False,
    changed: Annotated[bool, typer.Option("--changed", help="Only what is not a default.")] = False,
) -> None:
    """Show every setting in effect and where it comes from; secrets are hidden."""
    from node.settings import shown, toml

    settings = settings_from(config, level=logging.ERROR)
    every = [each for each in shown(settings, config) if not changed or each.source != "default"]
    if json:
        print_json({each.key: {"value": each.value, "from": each.source} for each in every})
        return
    print_table(
        "Settings in effect",
        ("Key", "Value", "From"),
        ((e.key, "" if e.value is None else toml(e.value), e.source) for e in every),
    )
