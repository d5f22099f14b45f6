"""The documents as data: tables, words in code, commands."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "deploy").glob("*.md")),
    *sorted((ROOT / "models").glob("*.md")),
)

Table = list[dict[str, str]]


def table(path: Path, heading: str, *, number: int = 0) -> Table:
    """The rows of the ``number``-th table below a heading, by column name, without back quotes."""
    text = path.read_text().partition(f"# {heading}\n")[2]
    assert text, f"{path.name} has no heading {heading!r}"
    section = re.split(r"^#", text, maxsplit=1, flags=re.MULTILINE)[0]
    blocks = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    head, _, *rows = (_cells(line) for line in blocks[number].splitlines())
    return [dict(zip(head, row, strict=True)) for row in rows]


def code_of(path: Path) -> Iterator[str]:
    """Every line of code in a document: of fenced blocks, and between back quotes."""
    parts = path.read_text().split("```")
    for block in parts[1::2]:
        yield from block.splitlines()[1:]
    for prose in parts[::2]:
        yield from re.findall(r"`([^`\n]+)`", prose)


def _cells(line: str) -> list[str]:
    cells = line.replace("\\|", "\0").strip("|").split("|")
    return [cell.strip().replace("`", "").replace("\0", "|") for cell in cells]
