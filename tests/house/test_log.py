"""The log: one vocabulary of events."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

NODE = Path(__file__).parents[2] / "node"
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def is_log_call(node: ast.AST) -> bool:
    """Whether a node logs: ``_LOG.info(...)``, or one of two levels chosen by a condition."""
    if not isinstance(node, ast.Call):
        return False
    chosen = node.func.body if isinstance(node.func, ast.IfExp) else node.func
    return isinstance(chosen, ast.Attribute) and chosen.attr in LEVELS


def events(source: str) -> Iterator[str]:
    """Every event that a source logs."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and is_log_call(node):
            event = node.args[0]
            parts = [event.body, event.orelse] if isinstance(event, ast.IfExp) else [event]
            yield from (ast.literal_eval(part) for part in parts)


@pytest.mark.parametrize("path", sorted(NODE.rglob("*.py")), ids=lambda p: str(p.relative_to(NODE)))
def test_every_event_of_the_log_is_a_snake_case_name(path: Path) -> None:
    """An event is a name to search and count by; what varies stands in its facts."""
    odd = [e for e in events(path.read_text()) if not re.fullmatch(r"[a-z]+(_[a-z]+)+", e)]
    assert odd == []


def test_an_event_in_free_words_is_seen() -> None:
    """The check above finds an event of several words, whatever the level."""
    source = "(_LOG.debug if x else _LOG.error)('it broke' if x else 'ok')"
    assert list(events(source)) == ["it broke", "ok"]
