"""What a check of quality is: the numbers that were read, their thresholds, and a grade."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """What a check came to: nothing to say, a thing to know, or maps not to be relied on."""

    OK = "ok"
    CAUTION = "caution"
    FAIL = "fail"


_GRAVEST_FIRST = (Grade.FAIL, Grade.CAUTION, Grade.OK)


@dataclass(frozen=True)
class Reading:
    """One number of a check beside its threshold.

    Parameters
    ----------
    name
        Of what, such as ``the artery's peak``.
    value
        None where there is nothing to measure, such as the lag of a vein that is not there.
    unit
        Empty for counts and ratios.
    limit
        The threshold in words, such as ``at least 15 HU``.
    """

    name: str
    value: float | None
    unit: str
    limit: str

    @property
    def measured(self) -> str:
        """The value with its unit, to three digits and no finer than hundredths."""
        if self.value is None:
            return "none"
        value = round(self.value, 2) + 0.0  # never -0
        number = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
        return f"{number}°" if self.unit == "°" else f"{number} {self.unit}".strip()

    def __str__(self) -> str:
        return f"{self.name}: {self.measured} ({self.limit})"


@dataclass(frozen=True)
class QualityCheck:
    """One check of a scan or its maps; where it is not ok, it is a flag that a reader must know.

    Parameters
    ----------
    code
        For machines, such as ``weak_bolus``: what a flag of it says.
    grade
        What it came to.
    found
        What was measured against which threshold, in a sentence for people.
    readings
        The same as numbers.
    """

    code: str
    grade: Grade
    found: str
    readings: tuple[Reading, ...] = ()


def gravest_first(checks: Iterable[QualityCheck]) -> tuple[QualityCheck, ...]:
    """Failures, then cautions, then what is ok, else as they came."""
    return tuple(sorted(checks, key=lambda check: _GRAVEST_FIRST.index(check.grade)))


def raised(checks: Iterable[QualityCheck]) -> tuple[QualityCheck, ...]:
    """The flags: checks that are not ok."""
    return tuple(check for check in checks if check.grade is not Grade.OK)


def caution_if(bad: bool) -> Grade:
    """The grade of a check whose only bad grade is a caution."""
    return Grade.CAUTION if bad else Grade.OK
