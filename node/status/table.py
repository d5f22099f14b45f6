"""The table of series: what of it is wanted, and the page of it that is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from node.ports import Archive, SeriesQuery, SeriesRecord
from node.status import filters

ROWS = 50
"""Series on one page."""


class Wanted(BaseModel):
    """What the address asks for: which states, words, sender, age, and which page of it."""

    model_config = ConfigDict(frozen=True)

    show: str = Field("", max_length=20)
    search: str = Field("", max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
    sender: str = Field("", max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")
    age: str = Field("", max_length=20)
    page: int = Field(1, ge=1, le=100_000)

    @property
    def filter(self) -> filters.Filter:
        """The group of states."""
        return filters.named(self.show)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the group of states narrows the table."""
        return bool(self.search or self.sender or self.age)

    def address(self, **changed: str | int) -> str:
        """The address of the same with something changed; another choice begins at page 1."""
        values = {**self.model_dump(), "page": 1, **changed}
        named = {key: value for key, value in values.items() if value not in ("", 1)}
        return f"/?{urlencode(named)}" if named else "/"


@dataclass(frozen=True)
class Table:
    """A page of the table.

    Parameters
    ----------
    records, total
        The series shown, and how many match.
    set_aside
        How many more would match that are no perfusion.
    first
        The number of the first one shown, from 1.
    senders
        Who has ever sent.
    """

    records: Sequence[SeriesRecord]
    total: int
    set_aside: int
    first: int
    senders: Sequence[str]

    @property
    def last(self) -> int:
        """The number of the last one shown."""
        return self.first + len(self.records) - 1

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total // ROWS))


def look(archive: Archive, wanted: Wanted, now: datetime) -> Table:
    """The page of the table that is wanted, as the registry has it now."""
    chosen = wanted.filter
    age = filters.AGES.get(wanted.age, filters.AGES[""])[1]
    query = SeriesQuery(
        states=chosen.states,
        search=wanted.search.strip(),
        sender=wanted.sender,
        since=now - age if age else None,
        perfusion_only=chosen.perfusion_only,
        limit=ROWS,
        offset=(wanted.page - 1) * ROWS,
    )
    found = archive.find(query)
    return Table(
        records=found.records,
        total=found.total,
        set_aside=found.set_aside,
        first=query.offset + 1,
        senders=archive.senders(),
    )
