"""The storage classes of docs/conformance.md: ``python -m docs.sop_classes`` writes them anew.

Which classes there are is pydicom's dictionary's to say, to the listener as to this table.
"""

import re
import sys
from pathlib import Path

from pydicom._uid_dict import UID_dictionary  # pydicom has no public list of them
from pydicom.uid import UID

from node.scp.contexts import is_storage

STATEMENT = Path(__file__).parent / "conformance.md"
HEADING = "### 6.5 Storage SOP classes that are accepted\n"
_TABLE = re.compile(rf"(?<={re.escape(HEADING)})(.*?)^\| SOP class .*?(?=\n\n|\n?\Z)", re.S | re.M)


def known() -> list[UID]:
    """Every SOP class of the dictionary, of whatever service."""
    kinds = ("SOP Class", "Meta SOP Class")
    return [UID(uid) for uid, (_, kind, *_) in UID_dictionary.items() if kind in kinds]


def table() -> str:
    """The rows, in the dictionary's order, which is that of PS3.6 Annex A."""
    rows = (
        f"| {uid.name}{' (retired)' * uid.is_retired} | {uid} |"
        for uid in known()
        if is_storage(str(uid))
    )
    return "\n".join(["| SOP class | UID |", "|---|---|", *rows])


def renewed(text: str) -> str:
    """The statement with the table as the code has it."""
    return _TABLE.sub(lambda found: found[1] + table(), text)


if __name__ == "__main__":
    STATEMENT.write_text(renewed(STATEMENT.read_text()))
    sys.stdout.write(f"{STATEMENT} has {table().count(chr(10)) - 1} storage classes.\n")
