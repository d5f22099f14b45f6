"""What a node found in the canary's scan, beside what is in it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TRUTH = Path(__file__).with_name("truth.json")
# The truth of a simulation is met as far as the network is good; its own numbers are met to the
# rounding of another processor.
_SHARE_OF_TRUTH, _LEAST_OF_TRUTH = 0.35, 3.0
_SHARE_OF_OWN, _LEAST_OF_OWN = 0.03, 0.3


@dataclass(frozen=True)
class Compared:
    """One number: what is expected, how far from it is good, and what was found.

    ``against`` is ``truth`` (of the simulation) or ``network`` (what the shipped one finds).
    """

    key: str
    against: str
    expected: float
    tolerance: float
    found: float | None

    @property
    def good(self) -> bool:
        """Whether what was found is near enough."""
        return self.found is not None and abs(self.found - self.expected) <= self.tolerance


def compared(summary: Mapping[str, Any], model_sha256: str) -> list[Compared]:
    """Every number that must be met; those of the shipped network only where it is the one.

    Parameters
    ----------
    summary
        The numbers of the analysis, by their keys.
    model_sha256
        Which network found them.
    """
    return list(_compared(summary, model_sha256))


def _compared(summary: Mapping[str, Any], model_sha256: str) -> Iterator[Compared]:
    known = json.loads(TRUTH.read_text())
    for key, true in known["truth"].items():
        tolerance = max(_SHARE_OF_TRUTH * true, _LEAST_OF_TRUTH)
        yield Compared(key, "truth", true, round(tolerance, 3), summary.get(key))
    network = known["of_the_network"]
    if model_sha256 == network["sha256"]:
        for key, own in network["numbers"].items():
            tolerance = max(_SHARE_OF_OWN * own, _LEAST_OF_OWN)
            yield Compared(key, "network", own, round(tolerance, 3), summary.get(key))
