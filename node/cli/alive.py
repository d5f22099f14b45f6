"""``alive``: whether a part of the node on this machine goes round, for container health checks."""

from typing import Annotated

import typer

from node.cli.options import BadCallError
from node.pulse import silent_s

_LONGEST_S = 60.0
_PARTS = ("scp", "analyse", "deliver")


def alive(
    part: Annotated[str, typer.Argument(metavar="PART", help="scp, analyse or deliver.")],
) -> None:
    """Whether a part on this machine or in this container is alive: exit code 0 or 1.

    For the health checks of Docker and Kubernetes. A listener is alive while it looks for new
    associations, a worker while it looks for what is due and takes it up; each notes that every
    few seconds. Whether Redis and the database are there is another question: see `check`.
    """
    if part not in _PARTS:
        raise BadCallError(f"there is no part {part!r}", f"Name one of: {', '.join(_PARTS)}.")
    silent = silent_s(part)
    if silent is None:
        typer.echo(f"{part} has not run here")
    elif silent > _LONGEST_S:
        typer.echo(f"{part} was last alive {silent:.0f} s ago")
    else:
        typer.echo(f"{part} is alive")
        return
    raise typer.Exit(1)
