"""The typer application and its one border: faults become words and exit codes."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from node import __version__
from node.cli import check, demo, folder, peers, serving, studies
from node.cli.output import fail
from node.errors import NodeError, SettingsError, UnknownDestinationError

_HELP = """\
CT perfusion series in by C-STORE, perfusion maps back to the PACS.
[bold]Not for diagnostic use.[/bold]

Settings come from --config (TOML) and from PERFUSION_NODE_... environment variables.
Exit codes: 0 good, 1 something is wrong, 2 the call or the settings are wrong.
"""
_PANELS: dict[str, dict[str, Callable[..., None]]] = {
    "Run": {
        "up": serving.up,
        "scp": serving.scp,
        "worker": serving.worker,
        "status": serving.status,
        "demo": demo.demo,
    },
    "Studies": {
        "studies": studies.studies,
        "show": studies.show,
        "retry": studies.retry,
        "cancel": studies.cancel,
        "complete": studies.complete,
        "resend": studies.resend,
    },
    "Without a server": {"analyse": folder.analyse},
    "Peers": {"send": peers.send, "echo": peers.echo, "check": check.check},
}


def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        typer.echo(f"perfusion-node {__version__}")
        raise typer.Exit


def application() -> typer.Typer:
    """Every command, grouped as ``--help`` shows them."""
    app = typer.Typer(
        name="perfusion-node",
        help=_HELP,
        rich_markup_mode="rich",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_version)
    for panel, commands in _PANELS.items():
        for name, command in commands.items():
            app.command(name, rich_help_panel=panel)(command)
    return app


def main() -> None:
    """Run the command line; a fault is printed with its remedy, never as a traceback."""
    try:
        application()()
    except (SettingsError, UnknownDestinationError) as fault:
        sys.exit(fail(fault, code=2))
    except NodeError as fault:
        sys.exit(fail(fault, code=1))
