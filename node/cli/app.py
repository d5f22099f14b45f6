"""The typer application and its one border: faults become words and exit codes."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperCommand

from node import __version__
from node.cli import (
    alerting,
    alive,
    backup,
    canary,
    check,
    comparing,
    configuration,
    demo,
    explain,
    folder,
    lines,
    pausing,
    peers,
    people,
    reloading,
    serving,
    studies,
)
from node.cli.options import BadCallError
from node.cli.output import fail
from node.errors import NodeError, SettingsError, UnknownDestinationError

_HELP = """\
CT perfusion series in by C-STORE, perfusion maps back to the PACS. \
[bold]Not for diagnostic use.[/bold]

Settings come from --config (TOML) and from PERFUSION_NODE_... environment variables. \
Exit codes: 0 good, 1 something is wrong, 2 the call or the settings are wrong.
"""
_BAD_CALLS = (BadCallError, SettingsError, UnknownDestinationError)


@dataclass(frozen=True)
class _Entry:
    """A command as ``--help`` shows it, with calls to copy."""

    panel: str
    command: Callable[..., None]
    examples: tuple[str, ...]


_RUN, _STUDIES, _FILES, _PEERS = "Run", "Studies", "Without a server", "Peers"
_KEEPING = "Backup"
_SETTINGS = "Settings"
_PEOPLE = "People"
_ENTRIES = {
    "up": _Entry(_RUN, serving.up, ("up", "up --config node.toml")),
    "scp": _Entry(_RUN, serving.scp, ("scp --config node.toml",)),
    "worker": _Entry(_RUN, serving.worker, ("worker --queues analyse --config node.toml",)),
    "status": _Entry(_RUN, serving.status, ("status --config node.toml",)),
    "alive": _Entry(_RUN, alive.alive, ("alive scp",)),
    "demo": _Entry(_RUN, demo.demo, ("demo", "demo --once --folder /tmp/demo")),
    "studies": _Entry(
        _STUDIES,
        studies.studies,
        ("studies", "studies --state FAILED --state REFUSED", "studies --search CT_SOMATOM --json"),
    ),
    "show": _Entry(_STUDIES, studies.show, ("show 5856454045", "show 5856454045 --json")),
    "logs": _Entry(_STUDIES, lines.logs, ("logs 5856454045", "logs 5856454045 --json")),
    "retry": _Entry(_STUDIES, studies.retry, ("retry 5856454045",)),
    "cancel": _Entry(_STUDIES, studies.cancel, ("cancel 5856454045",)),
    "complete": _Entry(_STUDIES, studies.complete, ("complete 5856454045",)),
    "resend": _Entry(_STUDIES, studies.resend, ("resend 5856454045",)),
    "reanalyse": _Entry(_STUDIES, studies.reanalyse, ("reanalyse 5856454045",)),
    "prioritise": _Entry(_STUDIES, studies.prioritise, ("prioritise 5856454045",)),
    "pause": _Entry(
        _RUN, pausing.pause, ("pause delivering", "pause receiving --config node.toml")
    ),
    "resume": _Entry(_RUN, pausing.resume, ("resume delivering",)),
    "analyse": _Entry(
        _FILES,
        folder.analyse,
        ("analyse /media/cdrom --out results", "analyse study.zip --out results --json"),
    ),
    "explain": _Entry(
        _FILES, explain.explain, ("explain /media/cdrom", "explain study.zip --json")
    ),
    "compare": _Entry(
        _FILES,
        comparing.compare,
        ("compare results other", "compare results other --out comparison --scale cbv=0.1"),
    ),
    "send": _Entry(_PEERS, peers.send, ("send results --to archive",)),
    "echo": _Entry(_PEERS, peers.echo, ("echo", "echo archive")),
    "backup": _Entry(
        _KEEPING, backup.backup, ("backup --to /backup/node.tar.gz --config node.toml",)
    ),
    "restore": _Entry(
        _KEEPING,
        backup.restore,
        (
            "restore /backup/node.tar.gz --config node.toml",
            "restore /backup/node.tar.gz --config node.toml --replace",
        ),
    ),
    "reload": _Entry(_RUN, reloading.reload, ("reload --config node.toml",)),
    "settings init": _Entry(
        _SETTINGS, configuration.init, ("settings init", "settings init --out /etc/perfusion.toml")
    ),
    "settings show": _Entry(
        _SETTINGS, configuration.show, ("settings show --config node.toml --changed",)
    ),
    "alerts show": _Entry(_PEERS, alerting.show, ("alerts show --config node.toml",)),
    "alerts test": _Entry(_PEERS, alerting.trial, ("alerts test --config node.toml",)),
    "canary": _Entry(_PEERS, canary.canary, ("canary --config node.toml", "canary --history")),
    "users add": _Entry(
        _PEOPLE,
        people.add_user,
        ("users add ana --role administrator", "users add ben --role viewer"),
    ),
    "users list": _Entry(_PEOPLE, people.list_users, ("users list", "users list --json")),
    "users role": _Entry(_PEOPLE, people.set_role, ("users role ben --role operator",)),
    "users password": _Entry(_PEOPLE, people.set_password, ("users password ben",)),
    "users remove": _Entry(_PEOPLE, people.remove_user, ("users remove ben",)),
    "tokens add": _Entry(_PEOPLE, people.add_token, ("tokens add export --role viewer --days 90",)),
    "tokens list": _Entry(_PEOPLE, people.list_tokens, ("tokens list", "tokens list --json")),
    "tokens revoke": _Entry(_PEOPLE, people.revoke_token, ("tokens revoke export",)),
    "audit": _Entry(
        _PEOPLE, people.audit, ("audit", "audit --who ana --result refused", "audit --json")
    ),
    "check": _Entry(_PEERS, check.check, ("check --config node.toml", "check --json")),
}


_GROUPS = {
    "alerts": "Show what is the matter, or try whether people can be told.",
    "settings": "Write a commented settings file, or show what is in effect.",
    "users": "Who may use the status page: add, list, change and remove them.",
    "tokens": "API tokens for scripts: make, list and revoke them.",
}


class _Command(TyperCommand):
    """A command whose faults end it with a reason, a remedy and an exit code, not a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command (typer's hook; its context is click's, of no public type)."""
        try:
            return super().invoke(ctx)
        except NodeError as fault:
            fail(fault, json=bool(ctx.params.get("json")))
            raise typer.Exit(2 if isinstance(fault, _BAD_CALLS) else 1) from None


def application() -> typer.Typer:
    """Every command, grouped as ``--help`` shows them."""
    app = typer.Typer(
        name="perfusion-node",
        help=_HELP,
        no_args_is_help=True,
        rich_markup_mode="rich",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    groups: dict[str, typer.Typer] = {}
    for name, entry in _ENTRIES.items():
        group, _, name_in_group = name.rpartition(" ")
        if group and group not in groups:
            groups[group] = _group(app, group, entry.panel)
        groups.get(group, app).command(
            name_in_group,
            cls=_Command,
            help=_flowing(entry.command.__doc__ or ""),
            epilog="\n".join(("Examples:", *(f"  perfusion-node {e}" for e in entry.examples))),
            rich_help_panel=entry.panel,
        )(entry.command)
    return app


def _group(app: typer.Typer, name: str, panel: str) -> typer.Typer:
    """Commands of two words, below their first one."""
    group = typer.Typer(
        help=_GROUPS[name],
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.add_typer(group, name=name, rich_help_panel=panel)
    return group


def main() -> None:
    """Run the command line."""
    application()(prog_name="perfusion-node")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"perfusion-node {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """Options of the program itself; each has done its work when the command begins."""
    del version


def _flowing(doc: str) -> str:
    """A docstring whose paragraphs flow to the terminal's width; its brackets are no markup."""
    paragraphs = cleandoc(doc).split("\n\n")
    return escape("\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs))
