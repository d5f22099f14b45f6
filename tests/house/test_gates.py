"""The gates hold, and each of them sees a violation that is planted for it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(BIN / "ruff", "check", "--no-cache", ".", cwd=folder)


def layout(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(BIN / "ruff", "format", "--no-cache", "--check", ".", cwd=folder)


def types(folder: Path) -> subprocess.CompletedProcess[str]:
    known = ROOT / ".mypy_cache"
    if folder != ROOT and known.is_dir():  # of the same files: only what was planted is read anew
        shutil.copytree(known, folder / known.name)
    return run(BIN / "mypy", cwd=folder)


def imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(BIN / "lint-imports", "--no-cache", cwd=folder)


GATES = [lint, layout, types, imports]
Gate = Callable[[Path], subprocess.CompletedProcess[str]]

PLANTED = [
    (lint, "node/perfusion/planted.py", '"""Planted."""\n\nimport os\n', "F401"),
    (lint, "node/perfusion/planted.py", '"""Planted."""\n\n\ndef bare(): ...\n', "D103"),
    (
        lint,
        "node/route_planted.py",
        '"""Planted."""\n\ntry:\n    pass\nexcept Exception:\n    pass\n',
        "BLE001",
    ),
    (layout, "node/perfusion/planted.py", '"""Planted."""\nx=1\n', "reformat"),
    (types, "node/perfusion/planted.py", '"""Planted."""\n\nX: int = "one"\n', "assignment"),
    (
        imports,
        "node/perfusion/planted.py",
        '"""Planted."""\n\nfrom node.series import Header\n',
        "BROKEN",
    ),
    (
        imports,
        "node/registry/planted.py",
        '"""Planted."""\n\nimport pynetdicom\n',
        "BROKEN",
    ),
    (imports, "node/scp/planted.py", '"""Planted."""\n\nimport node.spool\n', "BROKEN"),
    (imports, "node/inference/planted.py", '"""Planted."""\n\nimport torch\n', "BROKEN"),
]


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.__name__)
def test_the_house_passes_the_gate(gate: Gate) -> None:
    """Lint, layout, types and the import contract are clean."""
    outcome = gate(ROOT)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.fixture
def copy_of_the_house(tmp_path: Path) -> Path:
    for part in ("node", "models"):
        shutil.copytree(
            ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", "*.onnx")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("gate", "place", "text", "seen"),
    PLANTED,
    ids=[f"{gate.__name__}-{i}" for i, (gate, *_) in enumerate(PLANTED)],
)
def test_the_gate_sees_a_planted_violation(
    copy_of_the_house: Path, gate: Gate, place: str, text: str, seen: str
) -> None:
    """A gate that cannot fail is no gate: each finds what was planted for it."""
    (copy_of_the_house / place).write_text(text)
    outcome = gate(copy_of_the_house)
    assert outcome.returncode != 0
    assert seen in outcome.stdout + outcome.stderr
