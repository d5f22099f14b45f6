"""The tests themselves: each states its rule, each can fail."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "tests").rglob("test_*.py"))


def stated_tests(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]


def can_fail(test: ast.AST) -> bool:
    """Whether a test asserts, expects an error, or hands over to an asserting helper."""
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name.endswith(("raises", ".fail")) or "assert" in name or "check_" in name:
                return True
    return False


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_states_its_rule_and_can_fail(path: Path) -> None:
    """A test's docstring is its rule, and a test without an assertion proves nothing."""
    silent = [test.name for test in stated_tests(path) if not ast.get_docstring(test)]
    toothless = [test.name for test in stated_tests(path) if not can_fail(test)]
    assert not silent, f"without a docstring: {silent}"
    assert not toothless, f"without an assertion: {toothless}"


def test_a_toothless_test_is_seen() -> None:
    """The check above finds a test that cannot fail."""
    assert not can_fail(ast.parse("def test_nothing():\n    print('fine')"))
    assert can_fail(ast.parse("def test_something():\n    assert 1 == 2"))
