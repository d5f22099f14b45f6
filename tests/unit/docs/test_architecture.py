"""docs/architecture.md against the tree, the import contract and the states."""

import re
import tomllib

from node.ports import SeriesState
from tests.support.documents import ROOT, table

PAGE = ROOT / "docs" / "architecture.md"
TEXT = PAGE.read_text()


def test_who_may_import_whom_is_the_contract() -> None:
    """Layer by layer, as import-linter holds it."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (c["layers"] for c in contracts["contracts"] if c["type"] == "layers")
    stated = re.search(r"^`(cli > [^`]+)`", TEXT, re.MULTILINE)
    assert stated
    assert stated[1].split(" > ") == layers


def test_every_room_has_its_question() -> None:
    """No room is missing from the table, and none is in it that is not there."""
    rooms = {p.parent.name for p in (ROOT / "node").glob("*/__init__.py")} | {"route"}
    assert {row["room"] for row in table(PAGE, "Architecture")} == rooms


def test_every_state_is_explained() -> None:
    """What the registry may say of a series stands on the page."""
    section = TEXT.partition("## States of a series")[2].partition("\n## ")[0]
    assert set(SeriesState) - set(re.findall(r"\b[A-Z]{5,}\b", section)) == set()
