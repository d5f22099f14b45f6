"""What a quality flag is."""

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How serious a flag is."""

    CAUTION = "caution"
    FAIL = "fail"


@dataclass(frozen=True)
class QualityFlag:
    """One thing a reader must know.

    Parameters
    ----------
    code
        For machines, such as ``weak_bolus``.
    grade
        How serious.
    found
        What was measured against which threshold, for people.
    """

    code: str
    grade: Grade
    found: str
