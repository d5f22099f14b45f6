"""The blocks of settings, JSON and Python in the documents: valid, and about what is there."""

import ast
import importlib
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.settings import load
from tests.support.commands import blocks_of
from tests.support.documents import DOCUMENTS, ROOT

# Beside what a block of settings shows, what it takes for granted.
BESIDE = '[[destinations]]\nname = "research"\nae_title = "RESEARCH"\nport = 104\n'
OURS = ("node", "models", "tests", "docs")


def blocks(language: str) -> dict[str, str]:
    """Every block of a language, by document and number."""
    return {
        f"{path.relative_to(ROOT)} {number}": body
        for path in DOCUMENTS
        for number, body in enumerate(blocks_of(path.read_text(), language), 1)
    }


SETTINGS, PYTHON, JSON = blocks("toml"), blocks("python"), blocks("json")


def test_the_documents_have_such_blocks() -> None:
    """None is overlooked because it is labelled otherwise."""
    assert len(SETTINGS) > 9
    assert len(PYTHON) > 9
    assert JSON


@pytest.mark.parametrize("name", SETTINGS)
def test_a_block_of_settings_loads(name: str, tmp_path: Path) -> None:
    """As it stands: whoever copies it into the settings file has a node that starts."""
    text = SETTINGS[name]
    (tmp_path / "node.toml").write_text(f"{text}\n{BESIDE}" if '"research"' in text else text)
    assert load(tmp_path / "node.toml")


@pytest.mark.parametrize("name", JSON)
def test_a_block_of_json_is_json(name: str) -> None:
    """No comment and no comma too many."""
    assert json.loads(JSON[name])


@pytest.mark.parametrize("name", PYTHON)
def test_a_block_of_python_names_what_there_is(name: str) -> None:
    """It compiles; what it imports of ours is there, and takes the arguments that it is given."""
    assert list(untrue(PYTHON[name])) == []


def test_a_block_that_is_out_of_date_is_seen() -> None:
    """The check above finds a name that has gone, and an argument that has another name."""
    gone = "from node.perfusion import straighten\n"
    assert list(untrue(gone)) == ["node.perfusion has no straighten"]
    other = "from models.evaluation import Case\nCase(seed=1, columns=3)\n"
    assert list(untrue(other)) == ["Case takes no columns"]


def untrue(text: str) -> Iterator[str]:
    """What a block says that is not so."""
    tree = ast.parse(text)
    known: dict[str, Any] = {}
    for found in ast.walk(tree):
        if isinstance(found, ast.ImportFrom) and str(found.module).split(".")[0] in OURS:
            module = importlib.import_module(str(found.module))
            for alias in found.names:
                if not hasattr(module, alias.name):
                    yield f"{found.module} has no {alias.name}"
                    continue
                known[alias.asname or alias.name] = getattr(module, alias.name)
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            yield from _not_taken(call, call.func.id, known.get(call.func.id))


def _not_taken(call: ast.Call, name: str, called: Any) -> Iterator[str]:
    """Arguments by names that a function does not have."""
    if called is None:
        return
    taken = inspect.signature(called).parameters.values()
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in taken):
        return
    names = {each.name for each in taken}
    yield from (
        f"{name} takes no {given.arg}"
        for given in call.keywords
        if given.arg and given.arg not in names
    )
