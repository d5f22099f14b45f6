"""What ``check`` finds: a part of the node, whether it is well, and what to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    good: bool
    found: str
    remedy: str = ""

    @property
    def words(self) -> str:
        """What was found, and what to do about it."""
        return f"{self.found}. {self.remedy}" if self.remedy else self.found
