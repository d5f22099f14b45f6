"""docs/reliability.md against the tests and the code."""

import re

from node.failpoint import Step
from tests.support.running_node import ROOT

PAGE = (ROOT / "docs/reliability.md").read_text()


def test_every_test_that_is_named_exists() -> None:
    """A row without its test would be a promise."""
    source = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 20
    assert [name for name in named if f"def {name}(" not in source] == []


def test_every_step_has_its_row_in_order() -> None:
    """The table is the enumeration, with what each step means."""
    rows = re.findall(r"^\| ([a-z ]+) \| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE)
    told = [name for name, _ in rows if name != "step"]
    assert told == [str(step) for step in Step]
