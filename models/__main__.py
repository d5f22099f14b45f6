"""The workshop's commands: ``python -m models COMMAND``.

A room brings its command in its own ``command.py``; here it only gets its name.
"""

import typer

from models.export.command import export
from models.scoring.command import score
from models.simulator.command import simulate_command
from models.training.command import train

app = typer.Typer(
    help="How the network came to be: simulate scans, train on them, export, evaluate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


@app.callback()
def _workshop() -> None:
    """How the network came to be: simulate scans, train on them, export, evaluate."""


app.command("simulate")(simulate_command)
app.command("train")(train)
app.command("export")(export)
app.command("score")(score)

if __name__ == "__main__":
    app()
