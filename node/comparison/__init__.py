"""Two sets of results for the same scans in, how well they agree out."""

from node.comparison.agreement import Compared, MapAgreement, SegmentAgreement, compared
from node.comparison.picture import picture
from node.comparison.sides import Side, sides

__all__ = [
    "Compared",
    "MapAgreement",
    "SegmentAgreement",
    "Side",
    "compared",
    "picture",
    "sides",
]
