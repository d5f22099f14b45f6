"""The canary: a small simulated scan whose truth is known, and what a node must find in it.

The scan was made by the command that ``truth.json`` names, with the numbers that the shipped
network finds; the same call writes the same bytes.
"""

from node.canary.comparison import Compared, compared
from node.canary.scan import CANARY_AE_TITLE, CANARY_PATIENT, CanaryScan, write_scan

__all__ = [
    "CANARY_AE_TITLE",
    "CANARY_PATIENT",
    "CanaryScan",
    "Compared",
    "compared",
    "write_scan",
]
