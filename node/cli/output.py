"""How answers look at the prompt: tables for people, JSON for machines."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from node.errors import NodeError

console = Console()
errors = Console(stderr=True)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, default=_plain, indent=2))  # noqa: T201 - rich would wrap the lines


def write_json(path: Path, value: object) -> None:
    """One JSON document in a file."""
    path.write_text(json.dumps(value, default=_plain, indent=2) + "\n", encoding="utf-8")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on standard output; cells are text, never markup."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)


def progress() -> Progress:
    """A progress bar on standard error, gone where that is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=False,
        disable=not errors.is_terminal,
    )


def fail(fault: NodeError, *, code: int) -> int:
    """Print a fault with its remedy; the exit code is handed back."""
    errors.print(f"[bold red]Failed:[/] {escape(str(fault))}", highlight=False)
    errors.print(f"[bold]What to do:[/] {escape(fault.remedy)}", highlight=False)
    return code


def age(moment: datetime | None) -> str:
    """How long ago, in words: ``12 s``, ``3 min``, ``5 h``, ``2 d``."""
    if moment is None:
        return ""
    seconds = (datetime.now(UTC) - moment.replace(tzinfo=moment.tzinfo or UTC)).total_seconds()
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{max(seconds, 0) / divisor:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def until(moment: datetime) -> str:
    """How long until a moment: ``0 s`` once it has passed."""
    due = moment.replace(tzinfo=moment.tzinfo or UTC)
    return f"{max((due - datetime.now(UTC)).total_seconds(), 0):.0f} s"


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
