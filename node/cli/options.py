"""Options that many commands share, and what is wrong with a call."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from node import log
from node.errors import NodeError
from node.settings import Settings, load

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        envvar="PERFUSION_NODE_CONFIG",
        help="Settings (TOML). Without it: the defaults and the environment.",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document, for programs to read.")
]


class BadCallError(NodeError):
    """The command cannot do what was asked in the way it was asked: exit code 2."""

    remedy = "See how it is called with --help."


def log_folder(settings: Settings) -> Path:
    """Where log lines are kept."""
    return settings.log_folder


def serving_settings(config: Path | None) -> Settings:
    """As :func:`settings_from`, for a part of the node that runs: its log lines are kept.

    Raises
    ------
    SettingsError
        If the file cannot be read or any key is wrong; every problem is named at once.
    """
    settings = settings_from(config, level=logging.INFO)
    if days := settings.log.days:
        book = log.LogBook(log_folder(settings), days, settings.log.max_mib)
        log.configure(level=logging.INFO, book=book)
    return settings


def settings_from(config: Path | None, *, level: int = logging.WARNING) -> Settings:
    """The settings, with log lines configured: at a prompt only those that warn.

    Parameters
    ----------
    config
        The settings file, if one was named.
    level
        Lowest level of the log lines shown.

    Raises
    ------
    SettingsError
        If the file cannot be read or any key is wrong; every problem is named at once.
    """
    log.configure(level=level)
    return load(config)
