"""How answers look: for a person at a terminal, for a pipe, and as JSON for programs.

In a pipe nothing is coloured or broken over lines, and a record is one line: `grep`, `less`
and `awk` find whole UIDs. A terminal gets words wrapped, but a UID is never broken where the
terminal has the 66 columns that the longest needs.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from node.errors import NodeError

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
_INDENT = 2


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    _write(as_json(value))


def as_json(value: object) -> str:
    """A value as a JSON document; times are ISO 8601, paths are text."""
    return json.dumps(value, default=_plain, indent=2)


def say(text: str, style: str = "") -> None:
    """One line on standard output; never markup."""
    if console.is_terminal:
        console.print(Text(printable(text), style=style))
    else:
        _write(printable(text))


def note(text: str, style: str = "") -> None:
    """One line on standard error: said beside the answer, not part of it."""
    errors.print(Text(printable(text), style=style), soft_wrap=not errors.is_terminal)


def print_record(head: str, lines: Iterable[str], *, style: str = "bold") -> None:
    """A heading and what belongs to it, indented; in a pipe all of it on one line."""
    shown = [printable(line) for line in lines if line]
    if not console.is_terminal:
        _write("  ".join((printable(head), *shown)))
        return
    console.print(Text(printable(head), style=style, no_wrap=True, overflow="ellipsis"))
    for line in shown:
        console.print(Padding(Text(line), (0, 0, 0, _INDENT), expand=False))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table under its title; left out where it has no rows."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if not cells:
        return
    if not console.is_terminal:
        _write(title)
        _write_columns([list(columns), *cells])
        return
    console.print(Text(f"\n{title}", style="bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Names and values below one another; a fact without a value is left out."""
    known = [(name, printable(value)) for name, value in facts if value]
    if not console.is_terminal:
        _write_columns([[f"{name}:", value] for name, value in known])
        return
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, value in known:
        grid.add_row(name, Text(value))
    console.print(grid)


def progress() -> Progress:
    """A progress bar on standard error; none where that is no terminal."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )


def fail(fault: NodeError, *, json: bool = False) -> None:
    """What went wrong and what to do: for people on standard error, else as JSON."""
    if json:
        kind = type(fault).__name__
        print_json({"error": {"kind": kind, "found": str(fault), "remedy": fault.remedy}})
        return
    note(f"Failed: {fault}", style="bold red")
    note(f"What to do: {fault.remedy}")


def printable(text: str) -> str:
    """Text without control characters: what a sender wrote cannot steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def counted(number: int, noun: str) -> str:
    """A number and its noun: ``1 image``, ``2 images``, ``2 series``."""
    return f"{number} {noun}" if number == 1 or noun.endswith("series") else f"{number} {noun}s"


def age(moment: datetime | None) -> str:
    """How long ago, in words: ``12 s``, ``3 min``, ``5 h``, ``2 d``."""
    if moment is None:
        return ""
    seconds = max((datetime.now(UTC) - _aware(moment)).total_seconds(), 0.0)
    return _duration(seconds)


def until(moment: datetime) -> str:
    """How long until a moment, in words: ``0 s`` once it has passed."""
    return _duration(max((_aware(moment) - datetime.now(UTC)).total_seconds(), 0.0))


def _duration(seconds: float) -> str:
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _write_columns(rows: Sequence[Sequence[str]]) -> None:
    """Columns two spaces apart, each row one line."""
    flat = [[" ".join(cell.split()) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*flat, strict=True)]
    for row in flat:
        padded = (
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        )
        _write("  ".join(padded).rstrip())


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return _aware(value).isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
