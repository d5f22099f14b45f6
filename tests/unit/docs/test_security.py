"""docs/security.md against the tests."""

import re

from tests.support.running_node import ROOT

PAGE = (ROOT / "docs/security.md").read_text()


def test_every_attempt_that_is_told_is_tested() -> None:
    """A row without its test would be a promise."""
    source = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    rows = PAGE.partition("## What is refused by the listener")[2].partition("\n## Ports")[0]
    named = re.findall(r"`(test_\w+)`", rows)
    attempts = len(re.findall(r"^\| ", rows, re.MULTILINE)) - 2
    assert len(named) >= attempts > 15
    assert [name for name in named if f"def {name}(" not in source] == []
