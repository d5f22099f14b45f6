"""The tree of DESIGN.md sections 2 and 3: small rooms with one door."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODE = ROOT / "node"
ROOMS = sorted(p.name for p in NODE.iterdir() if (p / "__init__.py").exists())
SOURCES = [p for part in ("node", "models") for p in sorted((ROOT / part).rglob("*.py"))]
BANNED = {"utils", "util", "common", "helpers", "core", "services", "manager", "misc"}


def outside_imports(path: Path) -> list[str]:
    """Modules behind another room's door that a file imports."""
    own = path.relative_to(NODE).parts[0]
    modules = [
        node.module
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    ]
    return [
        m
        for m in modules
        if (hit := re.match(r"node\.(\w+)\.\w+", m)) and hit[1] in ROOMS and hit[1] != own
    ]


@pytest.mark.parametrize("path", sorted(NODE.rglob("*.py")), ids=lambda p: str(p.relative_to(NODE)))
def test_outside_code_uses_the_door(path: Path) -> None:
    """A room's inner modules are imported by that room alone."""
    assert outside_imports(path) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_small_and_named_for_what_they_are(path: Path) -> None:
    """At most 300 lines a file, and no drawer for odds and ends."""
    assert len(path.read_text().splitlines()) <= 300
    assert path.stem not in BANNED


def test_a_room_has_at_least_two_files() -> None:
    """A room is born with its second file; until then it is a module."""
    lonely = [room for room in ROOMS if len(list((NODE / room).rglob("*.py"))) < 2]
    assert lonely == []


def test_no_log_line_names_the_patient() -> None:
    """No patient attribute is handed to the log."""
    for path in sorted(NODE.rglob("*.py")):
        for call in re.findall(r"log\w*\.(?:info|warning|error|debug)\([^)]*\)", path.read_text()):
            assert not re.search(r"Patient(Name|ID|BirthDate)|patient_(name|id)", call), (
                path,
                call,
            )
