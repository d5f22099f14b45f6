"""The workshop's commands: ``python -m models COMMAND``.

A room brings its command in its own ``command.py``; here it only gets its name. A room is
imported when its command is asked for, so that simulating needs neither torch nor ONNX.
"""

import importlib
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

# Name: module, function, and the extra of the distribution that installs what it imports.
_COMMANDS = {
    "simulate": ("models.simulator.command", "simulate_command", "simulate"),
    "cohort": ("models.simulator.cohort_command", "cohort_command", "simulate"),
    "train": ("models.training.command", "train", "train"),
    "ablate": ("models.ablation.command", "ablate", "train"),
    "export": ("models.export.command", "export", "train"),
    "halve": ("models.export.command", "halve_command", "train"),
    "evaluate": ("models.evaluation.command", "evaluate", "simulate"),
    "thresholds": ("models.evaluation.thresholds_command", "thresholds_command", "simulate"),
    "score": ("models.evaluation.score_command", "score_command", "train"),
}


class _Workshop(TyperGroup):
    """A group whose commands are imported one by one."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _COMMANDS:
            return None
        module, function, extra = _COMMANDS[cmd_name]
        try:
            run = getattr(importlib.import_module(module), function)
        except ModuleNotFoundError as missing:
            if (missing.name or "").partition(".")[0] in ("models", "node"):
                raise
            run = _absent(cmd_name, extra, missing.name)
        alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        tolerant = {"ignore_unknown_options": True, "allow_extra_args": True}
        alone.command(cmd_name, context_settings=tolerant if run.__name__ == "absent" else {})(run)
        return typer.main.get_command(alone)


def _absent(command: str, extra: str, library: str | None) -> Callable[[], None]:
    """A command that says which extra it needs."""

    def absent() -> None:
        typer.echo(f"{command} needs {library}: pip install 'perfusion-node[{extra}]'", err=True)
        raise typer.Exit(2)

    absent.__doc__ = f"(Needs the extra {extra}: {library} is missing.)"
    return absent


app = typer.Typer(
    cls=_Workshop,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


@app.callback()
def _workshop() -> None:
    """How the network came to be: simulate scans, train on them, export, evaluate."""


if __name__ == "__main__":
    app()
