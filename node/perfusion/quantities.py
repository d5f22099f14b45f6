"""The perfusion quantities, their units and their display windows."""

from dataclasses import dataclass
from enum import StrEnum


class Quantity(StrEnum):
    """A perfusion quantity, one map each (SCIENCE.md section 2)."""

    CBF = "CBF"
    CBV = "CBV"
    MTT = "MTT"
    TTP = "TTP"
    TMAX = "Tmax"

    @property
    def meaning(self) -> "Meaning":
        """Name, unit and display window of the quantity."""
        return _MEANINGS[self]


@dataclass(frozen=True)
class Meaning:
    """What a quantity is called, its unit (text and UCUM), and the window it is shown in."""

    name: str
    unit: str
    ucum: str
    window: tuple[float, float]


_MEANINGS = {
    Quantity.CBF: Meaning("Cerebral blood flow", "ml/100 g/min", "ml/[100]g/min", (0.0, 80.0)),
    Quantity.CBV: Meaning("Cerebral blood volume", "ml/100 g", "ml/[100]g", (0.0, 8.0)),
    Quantity.MTT: Meaning("Mean transit time", "s", "s", (0.0, 12.0)),
    Quantity.TTP: Meaning("Time to peak", "s", "s", (0.0, 25.0)),
    Quantity.TMAX: Meaning("Tmax", "s", "s", (0.0, 14.0)),
}
