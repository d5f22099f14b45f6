"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

from node import log
from node.settings import Settings, load

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="PERFUSION_NODE_CONFIG",
        help="Settings file (TOML). Without it: defaults and environment.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def settings_from(config: Path | None) -> Settings:
    """The settings, with log lines configured for a command."""
    log.configure()
    return load(config)
